"""Rows of which few of many columns are set: for Factorization Machines, LDA and NTM.

A flight is a bag of what is known of it beforehand (carrier, plane, airports, hour), each hashed to
one of many columns; a document is a bag of the words of a vocabulary. Writes typed rows to the
curated zone, and the channels as Amazon's records (sparse float32, RecordIO) or as dense CSV.

The vocabulary is a file of the raw zone, `vocabulary/vocab.txt`, one word a line: a word's column
means the same in every month.

A month is one file a folder, written anew, so a retry is harmless. Runs on EMR 7, whose Python is
3.9: nothing newer is used here.
"""

from __future__ import annotations

import json
import re
import struct
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Optional

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812  the name that Spark code uses everywhere

from etl_code.builtin.monthly import (
    Arguments,
    Files,
    complete,
    main,
    number,
    settings_of,
    text,
    write_curated,
)
from etl_code.builtin.recordio import frame, message, varint

FLIGHT_COLUMNS = 4096
"""To which values are hashed: the hyperparameter feature_dim."""
KNOWN_BEFOREHAND = ("carrier", "tailnum", "origin", "dest", "hour")
LATE_MINUTES = 15
REQUEST_ROWS = 5000
"""In one file, which is one request of batch transform: at most 6 MB."""
WORD = re.compile("[a-z]{3,}")


@dataclass(frozen=True)
class Sparse:
    """What a workload's rows hold."""

    rows: str
    """flights or articles."""
    records: bool
    """Whether the channels are Amazon's records; else dense CSV."""


WORKLOADS = {
    "factorization_machines": Sparse("flights", records=True),
    "lda": Sparse("articles", records=False),
    "ntm": Sparse("articles", records=True),
}


def run(spark: SparkSession, arguments: Arguments) -> None:
    """Write the asked months."""
    sparse: Sparse = settings_of(arguments.workload, WORKLOADS)
    files = Files(spark, arguments.features)
    words = vocabulary(spark, arguments.raw) if sparse.rows == "articles" else {}
    if words and sparse.records:  # the channel of NTM that names the columns
        files.add("vocabulary/vocab.txt", "".join(f"{word}\n" for word in words).encode())
    channel = "records" if sparse.rows == "flights" else "counts"
    for month in arguments.months:
        for folder in (channel, "requests", "truth"):
            files.clear(f"{folder}/month={month}")
        raw = f"{arguments.raw}{sparse.rows}/month={month}"
        typed = flights(spark, raw) if sparse.rows == "flights" else articles(spark, raw)
        order = [F.xxhash64(*typed.columns)]
        rows = write_curated(typed, arguments.curated, month, order)
        lines = (
            flight_lines(rows) if sparse.rows == "flights" else article_lines(rows, words, sparse)
        )
        for folder, name, data in lines:
            files.add(f"{folder}/month={month}/{name}", data)
        rows.unpersist()
    files.close()


# Flights


def flights(spark: SparkSession, folder: str) -> DataFrame:
    """One typed row a flight; whether a flight that never landed was late is not known."""
    raw = complete(spark.read.csv(folder, header=True), [*KNOWN_BEFOREHAND, "arr_delay"])
    late = F.when(F.col("arr_delay").isNotNull(), (F.col("arr_delay") > LATE_MINUTES).cast("int"))
    return raw.select(
        *[text(name) for name in ("carrier", "tailnum", "origin", "dest")],
        number("hour").cast("int").alias("hour"),
        number("arr_delay"),
    ).withColumn("late", late)


def flight_lines(rows: DataFrame) -> Iterator[tuple[str, str, bytes]]:
    """Folder, file and bytes of each flight that landed."""
    hashed = [
        F.crc32(F.concat(F.lit(f"{name}="), F.col(name).cast("string"))) % FLIGHT_COLUMNS
        for name in KNOWN_BEFOREHAND
    ]
    keys = F.array_sort(F.array_distinct(F.filter(F.array(*hashed), lambda key: key.isNotNull())))
    landed = rows.where("late IS NOT NULL").select("late", keys.alias("keys"))
    for index, row in enumerate(landed.toLocalIterator()):
        entries = dict.fromkeys(row["keys"], 1.0)
        label = float(row["late"])
        yield "records", "part-00000.rec", record(entries, FLIGHT_COLUMNS, label)
        name = f"part-{index // REQUEST_ROWS:05d}.rec"
        yield "requests", name, record(entries, FLIGHT_COLUMNS)
        yield "truth", "part-00000.jsonl", json.dumps({"label": row["late"]}).encode() + b"\n"


# Articles


def vocabulary(spark: SparkSession, raw: str) -> dict[str, int]:
    """The words and their columns."""
    lines = spark.read.text(f"{raw}vocabulary/vocab.txt").collect()
    words = [line[0].strip() for line in lines if line[0].strip()]
    return {word: column for column, word in enumerate(words)}


def articles(spark: SparkSession, folder: str) -> DataFrame:
    """One row a document, with the article that it is from."""
    raw = spark.read.json(folder, schema="article string, text string")
    num_words = F.size(F.split(F.trim("text"), r"\s+"))
    return raw.select(text("article"), text("text")).withColumn("num_words", num_words)


def article_lines(
    rows: DataFrame, words: Mapping[str, int], sparse: Sparse
) -> Iterator[tuple[str, str, bytes]]:
    """Folder, file and bytes of each document that has a word of the vocabulary."""
    for row in rows.toLocalIterator():
        found = Counter(WORD.findall((row["text"] or "").lower()))
        counts = {words[word]: number for word, number in found.items() if word in words}
        if not counts:
            continue
        dense = ",".join(str(counts.get(column, 0)) for column in range(len(words)))
        line = dense.encode() + b"\n"
        if sparse.records:
            entries = {column: float(counts[column]) for column in sorted(counts)}
            yield "counts", "part-00000.rec", record(entries, len(words))
        else:
            yield "counts", "part-00000.csv", line
        yield "requests", "part-00000.csv", line
        truth = json.dumps({"group": row["article"]}, ensure_ascii=False)
        yield "truth", "part-00000.jsonl", truth.encode() + b"\n"


def record(entries: Mapping[int, float], size: int, label: Optional[float] = None) -> bytes:  # noqa: UP045  Python 3.9
    """One row as a RecordIO frame: a sparse vector of float32, and its label."""
    values = struct.pack(f"<{len(entries)}f", *entries.values())
    keys = b"".join(varint(key) for key in entries)
    tensor = message(1, values) + message(2, keys) + message(3, varint(size))
    body = message(1, message(1, b"values") + message(2, message(2, tensor)))
    if label is not None:
        tensor = message(1, struct.pack("<f", label))
        body += message(2, message(1, b"values") + message(2, message(2, tensor)))
    return frame(body)


if __name__ == "__main__":
    main(run)
