"""Two things that belong together: for IP Insights, Object2Vec and Sequence-to-Sequence.

A country and an internet address of one of its networks; a word and how it is said. Writes the
pairs to the curated zone. Where an algorithm is to tell right pairs from wrong ones, every second
pair gets its right side from another pair; these wrong pairs are made here, nobody observed them.

A month is one file a folder, written anew, so a retry is harmless. A month's pairs must fit into
the driver's memory. Runs on EMR 7, whose Python is 3.9: nothing newer is used here.
"""

from __future__ import annotations

import json
import string
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pyspark.sql import SparkSession
from pyspark.sql import functions as F  # noqa: N812  the name that Spark code uses everywhere

from etl_code.builtin.monthly import (
    Arguments,
    Files,
    complete,
    main,
    settings_of,
    text,
    write_curated,
)
from etl_code.builtin.recordio import frame, message, varint

SOUNDS = (
    *("AA", "AE", "AH", "AO", "AW", "AY", "B", "CH", "D", "DH", "EH", "ER", "EY", "F", "G", "HH"),
    *("IH", "IY", "JH", "K", "L", "M", "N", "NG", "OW", "OY", "P", "R", "S", "SH", "T", "TH", "UH"),
    *("UW", "V", "W", "Y", "Z", "ZH"),
)
LETTER_NUMBERS = {letter: number for number, letter in enumerate(string.ascii_lowercase, start=1)}
SOUND_NUMBERS = {sound: number for number, sound in enumerate(SOUNDS, start=1)}
"""Object2Vec takes numbers below enc0_vocab_size and enc1_vocab_size; 0 is left free."""

MAX_SPELT = 1000
"""Requests of a month: enough to judge by, as each is a search for the best sequence."""

Pair = tuple[str, str]
Line = tuple[str, str, bytes]
"""Folder, file and bytes."""


def run(spark: SparkSession, arguments: Arguments) -> None:
    """Write the asked months."""
    workload: Workload = settings_of(arguments.workload, WORKLOADS)
    files = Files(spark, arguments.features)
    vocabularies = []
    for name in workload.vocabularies:
        vocabulary = spark.read.text(f"{arguments.raw}vocabulary/{name}", wholetext=True).collect()
        files.add(f"vocabulary/{name}", vocabulary[0][0].encode())
        vocabularies.append(json.loads(vocabulary[0][0]))
    for month in arguments.months:
        for folder in (workload.channel, "requests", "truth"):
            files.clear(f"{folder}/month={month}")
        read = spark.read.csv(f"{arguments.raw}{workload.raw}/month={month}", header=True)
        raw = complete(read, workload.columns)
        typed = raw.select(*[text(name) for name in workload.columns])
        order = [F.xxhash64(*typed.columns)]
        rows = write_curated(typed, arguments.curated, month, order)
        pairs = [(row[0], row[1]) for row in rows.collect() if row[0] and row[1]]
        for folder, name, data in workload.lines(pairs, *vocabularies):
            files.add(f"{folder}/month={month}/{name}", data)
        rows.unpersist()
    files.close()


def matched(pairs: list[Pair]) -> Iterator[tuple[str, str, int]]:
    """Left, right and whether they belong together: every second one does not.

    The wrong right side is that of the pair half the list away, or the next one after it that has
    another left and another right side; without such a pair the right one stays.
    """
    for index, (left, right) in enumerate(pairs):
        if index % 2:
            others = (pairs[(index + len(pairs) // 2 + step) % len(pairs)] for step in range(100))
            wrong = next(
                (other for other in others if left != other[0] and right != other[1]), None
            )
            if wrong:
                yield left, wrong[1], 0
                continue
        yield left, right, 1


def address_lines(pairs: list[Pair]) -> Iterator[Line]:
    """IP Insights learns from right pairs only, and is asked about both."""
    for entity, address in pairs:
        yield "events", "part-00000.csv", f"{entity},{address}\n".encode()
    for entity, address, label in matched(pairs):
        yield "requests", "part-00000.csv", f"{entity},{address}\n".encode()
        yield "truth", "part-00000.jsonl", json_line({"label": label})


def judged_lines(pairs: list[Pair]) -> Iterator[Line]:
    """Object2Vec learns from right and wrong pairs of numbers."""
    for word, sounds, label in matched(pairs):
        letters = [LETTER_NUMBERS[letter] for letter in word if letter in LETTER_NUMBERS]
        numbers = [SOUND_NUMBERS[sound] for sound in sounds.split() if sound in SOUND_NUMBERS]
        request = {"in0": letters, "in1": numbers}
        yield "pairs", "part-00000.jsonl", json_line({"label": label, **request})
        yield "requests", "part-00000.jsonl", json_line(request)
        yield "truth", "part-00000.jsonl", json_line({"label": label})


def spelt_lines(
    pairs: list[Pair], source: Mapping[str, int], target: Mapping[str, int]
) -> Iterator[Line]:
    """Sequence-to-Sequence learns from letters to sounds, both as numbers of a vocabulary."""
    for index, (word, sounds) in enumerate(pairs):
        letters = " ".join(word)
        yield "pairs", "part-00000.rec", record(numbers(letters, source), numbers(sounds, target))
        if index >= MAX_SPELT:
            continue
        yield "requests", "part-00000.jsonl", json_line({"source": letters})
        yield "truth", "part-00000.jsonl", json_line({"source": letters, "target": sounds})


def numbers(tokens: str, vocabulary: Mapping[str, int]) -> list[int]:
    """The tokens' numbers; one that the vocabulary does not have is <unk>."""
    return [vocabulary.get(token, vocabulary["<unk>"]) for token in tokens.split()]


def json_line(value: Mapping[str, Any]) -> bytes:
    """A line of JSON."""
    return json.dumps(value).encode() + b"\n"


@dataclass(frozen=True)
class Workload:
    """Where the pairs come from and what is made of them."""

    raw: str
    columns: tuple[str, str]
    channel: str
    lines: Callable[..., Iterator[Line]]
    vocabularies: tuple[str, ...] = ()


WORKLOADS = {
    "ip_insights": Workload("events", ("entity", "address"), "events", address_lines),
    "object2vec": Workload("words", ("word", "sounds"), "pairs", judged_lines),
    "seq2seq": Workload(
        "words", ("word", "sounds"), "pairs", spelt_lines, ("vocab.src.json", "vocab.trg.json")
    ),
}


def record(source: list[int], target: list[int]) -> bytes:
    """A RecordIO frame with a record of two lists of int32, their names as AWS's example has them.

    Source: record.proto of package aialgs.data; create_vocab_proto.py of AWS's examples.
    """
    body = b""
    for name, values in (("source", source), ("target", target)):
        tensor = message(1, b"".join(varint(value) for value in values))
        body += message(1, message(1, name.encode()) + message(2, message(7, tensor)))
    return frame(body)


if __name__ == "__main__":
    main(run)
