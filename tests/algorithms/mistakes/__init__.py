"""Trainings with one mistake each, and what is said of it."""

from tests.algorithms.mistakes import channels, hyperparameters, instances, tuning

MISTAKES = {
    **hyperparameters.MISTAKES,
    **channels.MISTAKES,
    **instances.MISTAKES,
    **tuning.MISTAKES,
}
