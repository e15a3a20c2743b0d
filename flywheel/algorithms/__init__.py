"""What SageMaker offers: instance types, regions and container images, as data files.

Nothing here asks the network or imports an AWS library. `python -m flywheel.algorithms.generate`
writes the data files again from botocore and the `sagemaker` SDK; tests compare them.
"""
