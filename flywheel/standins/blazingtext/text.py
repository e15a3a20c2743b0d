"""Sentences and labels from what a channel holds, as the lines that fastText reads."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from flywheel.standins.codecs.image_records import read_groups
from flywheel.standins.codecs.json_lines import CONTENT_TYPE as JSON_LINES
from flywheel.standins.codecs.json_lines import read_lines, read_text
from flywheel.standins.codecs.matrix import data_files
from flywheel.standins.contract import RefusedError
from flywheel.standins.job import Channel

LABEL = "__label__"
_RECORDIO = b"\x0a\x23\xd7\xce"


def read_sentences(channel: Channel) -> list[str]:
    """One sentence a line, words with spaces between.

    Raises:
        RefusedError: a file is no UTF-8, or there is no sentence.
    """
    lines = [line for path in data_files(channel) for line in _lines(path.read_bytes(), path.name)]
    if not lines:
        raise RefusedError(f"channel {channel.name} has no sentence; it needs one a line")
    return lines


def read_labelled(channel: Channel) -> list[str]:
    """Sentences with their labels: `__label__4 linux ready for prime time`.

    Raises:
        RefusedError: a file cannot be read, or no line has a label.
    """
    if channel.content_type != JSON_LINES:
        lines = read_sentences(channel)
    else:
        lines = [
            _line(entry, f"line {number} of channel {channel.name}")
            for path in data_files(channel)
            for number, entry in enumerate(_manifest(path.read_bytes()), start=1)
        ]
    if not any(labels_of(line) for line in lines):
        raise RefusedError(
            f"no line of channel {channel.name} has a label; each needs a word that starts with "
            f"{LABEL}"
        )
    return lines


def labels_of(line: str) -> frozenset[str]:
    """The labels among the words of a line."""
    return frozenset(word for word in line.split() if word.startswith(LABEL))


def without_labels(line: str) -> str:
    """The words of a line that are no labels."""
    return " ".join(word for word in line.split() if not word.startswith(LABEL))


def _lines(data: bytes, name: str) -> Iterator[str]:
    try:
        text = read_text(data)
    except RefusedError as error:
        raise RefusedError(f"file {name}: {error}") from error
    return (line for line in text.split("\n") if line.strip())


def _manifest(data: bytes) -> list[Any]:
    """The entries of an augmented manifest: JSON Lines, or source and label as frames in turn."""
    if not data.startswith(_RECORDIO):
        return read_lines(data)
    entries = []
    for source, label in read_groups(data, 2):
        text = read_text(label)
        try:
            value = json.loads(text)
        except ValueError:
            value = text
        entries.append({"source": read_text(source), "label": value})
    return entries


def _line(entry: Any, where: str) -> str:
    source = entry.get("source") if isinstance(entry, dict) else None
    label = entry.get("label") if isinstance(entry, dict) else None
    labels = label if isinstance(label, list) else [label]
    if not isinstance(source, str) or not all(_is_label(value) for value in labels):
        raise RefusedError(
            f'{where} must be {{"source": "a sentence", "label": 1}}; label may be a list'
        )
    words = [value if str(value).startswith(LABEL) else f"{LABEL}{value}" for value in labels]
    return " ".join([*map(str, words), *source.split()])


def _is_label(value: Any) -> bool:
    if isinstance(value, str):
        return bool(value) and not value.split()[1:]
    return isinstance(value, int) and not isinstance(value, bool)
