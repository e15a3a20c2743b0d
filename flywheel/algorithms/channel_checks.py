"""Channels of a training: which there are, what they hold and how it comes in."""

from collections.abc import Iterator

from flywheel.algorithms.catalogue import Algorithm, Channel, ContentType
from flywheel.algorithms.errors import nearest
from flywheel.algorithms.findings import MISSING, PRESENT, Finding, Step
from flywheel.algorithms.given import ChannelUse, Given, Training, content_type_of, in_words
from flywheel.algorithms.values import described, one_of

_FOLDER: tuple[Step, ...] = ("training", "channels")
INPUT_MODES = ("File", "Pipe", "FastFile")
"""Source: Amazon SageMaker API, TrainingInputMode."""


def channel_findings(algorithm: Algorithm, training: Training, known: Given) -> Iterator[Finding]:
    """All about the channels."""
    misspelt: set[str] = set()
    for name, use in training.channels.items():
        channel = algorithm.channels.get(name)
        if channel is None:
            near = nearest(name, algorithm.channels)
            misspelt.add(near or "")
            remedy = f"The nearest is {near}." if near else f"It has {_listed(algorithm)}."
            rule = f"{algorithm.name} has no such channel"
            yield Finding((*_FOLDER, name), PRESENT, rule, remedy)
        else:
            yield from _use_findings(algorithm, channel, use)
    for channel in algorithm.channels.values():
        if channel.name not in training.channels and channel.name not in misspelt:
            yield from _missing(algorithm, channel, known)


def _missing(algorithm: Algorithm, channel: Channel, known: Given) -> Iterator[Finding]:
    condition = channel.required_when
    if channel.required:
        rule = f"{algorithm.name} requires it"
    elif condition and known.holds(condition, in_doubt=False):
        rule = f"it is required when {in_words(algorithm, condition)}"
    else:
        return
    yield Finding((*_FOLDER, channel.name), MISSING, rule, "Add the channel.")


def _use_findings(algorithm: Algorithm, channel: Channel, use: ChannelUse) -> Iterator[Finding]:
    steps = (*_FOLDER, channel.name, "content_type")
    if not channel.content_types:
        if use.content_type is not None:
            rule = f"AWS names no content type for this channel of {algorithm.name}"
            yield Finding(steps, described(use.content_type), rule, "Leave it out.", "warning")
        accepted = ContentType(input_modes=channel.input_modes)
        yield from _mode_findings(algorithm, channel, accepted, use)
        return
    text = use.content_type or channel.default_content_type
    if text is None:
        rule = f"{algorithm.name} must be told what the channel holds"
        yield Finding(steps, MISSING, rule, f"Add it: {one_of(channel.content_types)}.")
        return
    base, parameters = content_type_of(text)
    content_type = channel.content_types.get(base)
    if content_type is None:
        near = nearest(base, channel.content_types)
        yield Finding(
            steps,
            described(text),
            f"in this channel {algorithm.name} takes {one_of(channel.content_types)}",
            f"The nearest is {near}." if near else "",
        )
        return
    yield from _parameter_findings(algorithm, channel, content_type, text, parameters)
    yield from _mode_findings(algorithm, channel, content_type, use, base)


def _parameter_findings(
    algorithm: Algorithm,
    channel: Channel,
    content_type: ContentType,
    text: str,
    parameters: dict[str, str],
) -> Iterator[Finding]:
    steps = (*_FOLDER, channel.name, "content_type")
    if channel.exact_content_type and ";" in text:
        rule = f"{algorithm.name} compares the content type as a whole: nothing may follow it"
        yield Finding(steps, described(text), rule, f"Write {content_type_of(text)[0]}.")
        return
    for name, value in parameters.items():
        known = content_type.parameters.get(name)
        if known is None:
            rule = f"AWS names no parameter {name} for this channel of {algorithm.name}"
            yield Finding(steps, described(text), rule, severity="warning")
        elif value not in known:
            allowed = " or ".join(known)
            remedy = f"Write {name}={known[0]}, or leave it out." if len(known) == 1 else ""
            rule = f"its {name} must be {allowed} in this channel of {algorithm.name}"
            yield Finding(steps, described(text), rule, remedy)


def _mode_findings(
    algorithm: Algorithm,
    channel: Channel,
    content_type: ContentType,
    use: ChannelUse,
    base: str | None = None,
) -> Iterator[Finding]:
    mode = use.input_mode
    steps = (*_FOLDER, channel.name, "input_mode")
    fast = algorithm.fast_file and "File" in content_type.input_modes
    taken = (*content_type.input_modes, *content_type.doubtful_input_modes)
    if mode is None or mode in content_type.input_modes:
        return
    what = f"{base} comes" if base else "it comes"
    if mode in content_type.doubtful_input_modes:
        rule = f"the page of {algorithm.name} names {one_of(content_type.input_modes)} only"
        yield Finding(steps, described(mode), rule, severity="warning")
    elif mode == "FastFile" and fast:
        rule = (
            f"the page of {algorithm.name} does not name it; "
            "AWS says that it works wherever File does"
        )
        yield Finding(steps, described(mode), rule, severity="warning")
    else:
        shown = (*taken, "FastFile") if fast else taken
        near = nearest(mode, INPUT_MODES)
        remedy = f"The nearest is {near}." if near in shown and mode not in INPUT_MODES else ""
        yield Finding(
            steps, described(mode), f"to {algorithm.name} {what} by {one_of(shown)}", remedy
        )


def _listed(algorithm: Algorithm) -> str:
    return ", ".join(algorithm.channels)
