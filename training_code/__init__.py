"""Training and evaluation scripts. Run by SageMaker."""
