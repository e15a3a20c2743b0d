"""How long a run of the loop may take, and what is in it."""

from flywheel.settings import EnvironmentSettings

_MARGIN_SECONDS = 900


def lock_seconds(environment: EnvironmentSettings) -> int:
    """How long a run holds the lock at most."""
    return environment.retraining.lock_hours * 3600


def run_seconds(environment: EnvironmentSettings) -> int:
    """When a run is ended: before its lock is free, so that no two runs can overlap."""
    return lock_seconds(environment) - _MARGIN_SECONDS


def task_seconds(environment: EnvironmentSettings) -> int:
    """What one task of a run may take: a failure after it must still be dealt with."""
    return run_seconds(environment) - _MARGIN_SECONDS
