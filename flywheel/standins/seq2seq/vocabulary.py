"""Tokens and their numbers.

Source: AWS's example for Sequence-to-Sequence, which writes these files and puts four symbols at
their beginning.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from flywheel.standins.codecs.json_lines import read_text
from flywheel.standins.contract import RefusedError
from flywheel.standins.job import Channel

PAD, UNKNOWN, BEGIN, END = "<pad>", "<unk>", "<s>", "</s>"
SOURCE_FILE, TARGET_FILE = "vocab.src.json", "vocab.trg.json"


@dataclass(frozen=True)
class Vocabulary:
    """Numbers by token, from 0 without a gap."""

    numbers: dict[str, int]

    def __len__(self) -> int:
        return len(self.numbers)

    def encode(self, text: str) -> list[int]:
        """The tokens between the spaces; what is not in the vocabulary is <unk>."""
        unknown = self.numbers[UNKNOWN]
        return [self.numbers.get(token, unknown) for token in text.split()]

    def decode(self, numbers: Sequence[int]) -> str:
        """The tokens with spaces between."""
        tokens = {number: token for token, number in self.numbers.items()}
        return " ".join(tokens[number] for number in numbers)


def read_vocabularies(channel: Channel) -> tuple[Vocabulary, Vocabulary]:
    """Of the source and of the target.

    Raises:
        RefusedError: a file is missing or is no vocabulary.
    """
    paths = {path.name: path for path in channel.files}
    for name in (SOURCE_FILE, TARGET_FILE):
        if name not in paths:
            raise RefusedError(f"channel {channel.name} has no file {name}; it must have it")
    return read_vocabulary(paths[SOURCE_FILE]), read_vocabulary(paths[TARGET_FILE])


def read_vocabulary(path: Path) -> Vocabulary:
    """One file: a JSON object with the number of each token.

    Raises:
        RefusedError: it is none.
    """
    try:
        numbers = json.loads(read_text(path.read_bytes()))
    except ValueError as error:
        raise RefusedError(f"{path.name} must be a JSON object of tokens and numbers") from error
    if not isinstance(numbers, dict) or any(type(number) is not int for number in numbers.values()):
        raise RefusedError(f"{path.name} must be a JSON object of tokens and numbers")
    if sorted(numbers.values()) != list(range(len(numbers))):
        raise RefusedError(f"the numbers of {path.name} must be 0, 1, 2 and so on, each once")
    missing = [symbol for symbol in (PAD, UNKNOWN, BEGIN, END) if symbol not in numbers]
    if missing:
        raise RefusedError(
            f"{path.name} has no {', '.join(missing)}; it must have {PAD}, {UNKNOWN}, {BEGIN} and "
            f"{END}"
        )
    return Vocabulary(numbers)
