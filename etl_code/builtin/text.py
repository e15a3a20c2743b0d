"""Text to lines of words: for BlazingText, which learns words' vectors or the label of a message.

Writes typed rows to the curated zone, and the channel as BlazingText takes it: lower-case words
with a space between them, a line a sentence or message, before it `__label__<label>` where there is
one.
Vectors are judged by how alike people found two words: `judgements/wordsim353.tsv` of the raw zone,
as far as the month's text has both.

A month is one file a folder, written anew, so a retry is harmless. Runs on EMR 7, whose Python is
3.9: nothing newer is used here.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Optional

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812  the name that Spark code uses everywhere

from etl_code.builtin.monthly import Arguments, Files, main, settings_of, text, write_curated

WORD = re.compile(r"[^\W\d_]+")
MIN_COUNT = 3
"""How often the month's text must have a word that its judgement counts."""
WORKLOADS = {"blazingtext_word2vec": "text", "blazingtext_text_classification": "messages"}
"""What lies in the raw zone: lines of text, or JSON Lines of language and message."""


def run(spark: SparkSession, arguments: Arguments) -> None:
    """Write the asked months."""
    kind: str = settings_of(arguments.workload, WORKLOADS)
    judged = judgements(spark, arguments.raw) if kind == "text" else []
    files = Files(spark, arguments.features)
    for month in arguments.months:
        for folder in ("lines", "requests", "truth"):
            files.clear(f"{folder}/month={month}")
        raw = f"{arguments.raw}{kind}/month={month}"
        if kind == "text":
            typed = spark.read.text(raw).select(text("value").alias("line"))
        else:
            read = spark.read.json(raw, schema="language string, message string")
            typed = read.select(text("language"), text("message"))
        counted = typed.withColumn("num_words", F.size(F.split(typed.columns[-1], r"\s+")))
        order = [F.xxhash64(*counted.columns)]
        rows = write_curated(counted, arguments.curated, month, order)
        lines = text_lines(rows, judged) if kind == "text" else message_lines(rows)
        for folder, name, line in lines:
            files.add(f"{folder}/month={month}/{name}", line.encode() + b"\n")
        rows.unpersist()
    files.close()


def words_of(line: Optional[str]) -> list[str]:  # noqa: UP045  Python 3.9
    """The words in lower case, without numbers and punctuation."""
    return WORD.findall((line or "").lower())


def message_lines(rows: DataFrame) -> Iterator[tuple[str, str, str]]:
    """Folder, file and line of each message that has a word and a label."""
    for row in rows.toLocalIterator():
        words = " ".join(words_of(row["message"]))
        if words and row["language"]:
            label = f"__label__{row['language']}"
            yield "lines", "part-00000.txt", f"{label} {words}"
            request = json.dumps({"source": words}, ensure_ascii=False)
            yield "requests", "part-00000.jsonl", request
            yield "truth", "part-00000.jsonl", json.dumps({"label": label})


def text_lines(
    rows: DataFrame, judged: list[tuple[str, str, float]]
) -> Iterator[tuple[str, str, str]]:
    """Folder, file and line: of the text, then of the judged words that it has."""
    seen: Counter[str] = Counter()
    for row in rows.toLocalIterator():
        words = words_of(row["line"])
        if words:
            seen.update(words)
            yield "lines", "part-00000.txt", " ".join(words)
    pairs = [pair for pair in judged if min(seen[pair[0]], seen[pair[1]]) >= MIN_COUNT]
    for word in sorted({word for first, second, _ in pairs for word in (first, second)}):
        yield "requests", "part-00000.jsonl", json.dumps({"source": word})
    for first, second, similarity in pairs:
        truth = {"words": [first, second], "similarity": similarity}
        yield "truth", "part-00000.jsonl", json.dumps(truth)


def judgements(spark: SparkSession, raw: str) -> list[tuple[str, str, float]]:
    """Two different words each, and how alike people found them, from 0 to 10."""
    lines = [row[0] for row in spark.read.text(f"{raw}judgements").collect()]
    cells = [line.lower().split("\t") for line in lines if not line.startswith("#")]
    return [(cell[0], cell[1], float(cell[2])) for cell in cells if cell[0] != cell[1]]


if __name__ == "__main__":
    main(run)
