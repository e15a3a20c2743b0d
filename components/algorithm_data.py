"""What a workload gives to its built-in algorithm, in the catalogue's words, and where it lies."""

from flywheel.algorithms.given import ChannelUse, RangeUse, Training, Tuning
from flywheel.settings import ChannelSettings, TuningSettings, WorkloadSettings

REQUESTS = "requests"
"""Folder of the feature zone with each month's examples as the endpoint would be asked."""
TRUTH = "truth"
"""Folder of the feature zone with what is needed to judge the answers, line by line."""


def folder_of(name: str, channel: ChannelSettings) -> str:
    """The folder below `<workload>/` in the feature zone that the channel reads."""
    return channel.folder or name


def training_of(workload: WorkloadSettings) -> Training:
    """The settings as `flywheel.algorithms` understands them."""
    settings = workload.training
    return Training(
        hyperparameters=settings.hyperparameters,
        channels={
            name: ChannelUse(content_type=use.content_type, input_mode=use.input_mode)
            for name, use in settings.channels.items()
        },
        instance_type=settings.instance_type,
        instance_count=settings.instance_count,
        tuning=_tuning(settings.tuning) if settings.tuning else None,
    )


def _tuning(settings: TuningSettings) -> Tuning:
    return Tuning(
        objective=settings.objective,
        ranges={
            name: RangeUse(min=tried.min, max=tried.max, values=tried.values, scaling=tried.scaling)
            for name, tried in settings.ranges.items()
        },
    )
