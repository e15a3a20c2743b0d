"""Stand-in for Linear Learner: many linear models at once, the best on the validation data kept.

Source: Amazon SageMaker Developer Guide, "How linear learner works" and "Linear learner
hyperparameters".
"""

from flywheel.standins.linear_learner.answers import load
from flywheel.standins.linear_learner.training import train

LIBRARY = "numpy"

__all__ = ["LIBRARY", "load", "train"]
