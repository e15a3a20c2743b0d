"""Stand-in for XGBoost: the library itself, with what Amazon's open container adds to it.

Source: aws/sagemaker-xgboost-container at cb8df91, algorithm_mode.
"""

from flywheel.standins.xgboost.answers import load
from flywheel.standins.xgboost.training import train

LIBRARY = "xgboost"

__all__ = ["LIBRARY", "load", "train"]
