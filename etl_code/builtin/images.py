"""Pictures: for Image Classification, Object Detection and Semantic Segmentation.

Reads the pictures of the asked months and what is said about them: classes as CSV, boxes as JSON
Lines in pixels, or masks as PNG beside the JPEG. Writes one row a picture to the curated zone, and
the channels as the algorithm takes them: all pictures of a month in one RecordIO file with their
labels, or JPEG and mask each by itself. The requests are the month's first pictures: each is an
object, and the loop lists at most 500 of all months.

A month is written anew, so a retry is harmless; its pictures pass the driver one by one. Runs on
EMR 7, whose Python is 3.9: nothing newer is used here.
"""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from pyspark.sql import Column, DataFrame, Row, SparkSession
from pyspark.sql import functions as F  # noqa: N812  the name that Spark code uses everywhere

from etl_code.builtin.monthly import (
    Arguments,
    Files,
    main,
    number,
    settings_of,
    text,
    write_curated,
)
from etl_code.builtin.recordio import frame

Line = tuple[str, str, bytes]
"""Folder, file and bytes."""


def run(spark: SparkSession, arguments: Arguments) -> None:
    """Write the asked months."""
    workload: Workload = settings_of(arguments.workload, WORKLOADS)
    files = Files(spark, arguments.features)
    for month in arguments.months:
        for folder in (*workload.channels, "requests", "truth"):
            files.clear(f"{folder}/month={month}")
        rows = workload.read(spark, f"{arguments.raw}images/month={month}")
        seen = rows.drop("content", "mask")
        write_curated(seen, arguments.curated, month, [F.col("file")]).unpersist()
        pictures = rows.orderBy("file").toLocalIterator()
        for index, row in enumerate(pictures):
            for folder, name, data in workload.lines(index, row):
                if index < workload.max_requests or folder not in ("requests", "truth"):
                    files.add(f"{folder}/month={month}/{name}", data)
    files.close()


def read_pictures(spark: SparkSession, folder: str, kind: str) -> DataFrame:
    """The files of a kind: name, content and size; of a PNG also width and height."""
    schema = "path string, modificationTime timestamp, length long, content binary"
    reader = spark.read.format("binaryFile").option("pathGlobFilter", f"*.{kind}").schema(schema)
    read = reader.load(folder)
    return read.select(
        F.element_at(F.split("path", "/"), -1).alias("file"),
        "content",
        F.col("length").cast("int").alias("num_bytes"),
        *[big_endian(17, "width"), big_endian(21, "height")],
    )


def big_endian(start: int, name: str) -> Column:
    """Four bytes of the content as a number. Source: PNG specification, chunk IHDR."""
    digits = F.hex(F.substring("content", start, 4))
    is_png = F.hex(F.substring("content", 1, 4)) == "89504E47"
    return F.when(is_png, F.conv(digits, 16, 10).cast("int")).alias(name)


# Classes


def classified(spark: SparkSession, folder: str) -> DataFrame:
    """Pictures with the digit that they show."""
    reader = spark.read.option("pathGlobFilter", "labels.csv")
    read = reader.csv(folder, header=True, schema="file string, digit string")
    labels = read.select(text("file"), number("digit").cast("int").alias("digit"))
    return read_pictures(spark, folder, "png").join(labels, "file", "left")


def classified_lines(index: int, row: Row) -> Iterator[Line]:
    """A picture whose class is known."""
    if row["digit"] is not None:
        yield "images", "images.rec", image_record(index, [row["digit"]], row["content"])
        yield "requests", row["file"], row["content"]
        yield "truth", "part-00000.jsonl", truth_line(row, label=row["digit"])


# Boxes


def boxed(spark: SparkSession, folder: str) -> DataFrame:
    """Pictures with the boxes of what they show, as left, top, right and bottom in pixels."""
    reader = spark.read.option("pathGlobFilter", "boxes.jsonl")
    boxes = reader.json(folder, schema="file string, boxes array<array<double>>")
    joined = read_pictures(spark, folder, "png").join(boxes, "file", "left")
    return joined.select(
        *[name for name in joined.columns if name != "boxes"],
        F.when(F.col("boxes").isNotNull(), F.size("boxes")).alias("num_boxes"),
        F.to_json("boxes").alias("boxes"),
    )


def boxed_lines(index: int, row: Row) -> Iterator[Line]:
    """A picture whose boxes are known; they become shares of its width and height.

    Source of the label's form: MXNet, im2rec with packed labels: the lengths of the header and of a
    box, then class, left, top, right and bottom of each box.
    """
    if row["boxes"] is None or not row["width"] or not row["height"]:
        return
    sizes = (row["width"], row["height"], row["width"], row["height"])
    boxes = [
        [0.0, *[pixels / size for pixels, size in zip(box, sizes)]]  # noqa: B905  Python 3.9
        for box in json.loads(row["boxes"])
    ]
    label = [2.0, 5.0, *[value for box in boxes for value in box]]
    yield "images", "images.rec", image_record(index, label, row["content"])
    yield "requests", row["file"], row["content"]
    yield "truth", "part-00000.jsonl", truth_line(row, boxes=boxes)


# Masks


def masked(spark: SparkSession, folder: str) -> DataFrame:
    """JPEG pictures with the masks beside them; width and height are the mask's."""
    pictures = read_pictures(spark, folder, "jpg").drop("width", "height")
    masks = read_pictures(spark, folder, "png").select(
        F.regexp_replace("file", r"\.png$", ".jpg").alias("file"),
        F.col("content").alias("mask"),
        F.col("num_bytes").alias("mask_bytes"),
        *("width", "height"),
    )
    return pictures.join(masks, "file", "left")


def masked_lines(_: int, row: Row) -> Iterator[Line]:
    """A picture that has a mask."""
    if row["mask"] is not None:
        yield "images", row["file"], row["content"]
        yield "masks", row["file"].replace(".jpg", ".png"), row["mask"]
        yield "requests", row["file"], row["content"]
        mask = base64.b64encode(row["mask"]).decode()
        yield "truth", "part-00000.jsonl", truth_line(row, mask=mask)


def truth_line(row: Row, **known: Any) -> bytes:
    """What is known of a picture."""
    return json.dumps({"file": row["file"], **known}).encode() + b"\n"


def image_record(index: int, label: list[float], content: bytes) -> bytes:
    """A picture as MXNet's RecordIO frame: a header, several labels, the file.

    Source: MXNet, recordio.py, IRHeader.
    """
    if len(label) == 1:
        body = struct.pack("<IfQQ", 0, label[0], index, 0) + content
    else:
        labels = struct.pack(f"<{len(label)}f", *label)
        body = struct.pack("<IfQQ", len(label), 0.0, index, 0) + labels + content
    return frame(body)


@dataclass(frozen=True)
class Workload:
    """How a workload's pictures are read and written."""

    channels: tuple[str, ...]
    read: Callable[[SparkSession, str], DataFrame]
    lines: Callable[[int, Row], Iterator[Line]]
    max_requests: int


WORKLOADS = {
    "image_classification": Workload(("images",), classified, classified_lines, 50),
    "object_detection": Workload(("images",), boxed, boxed_lines, 30),
    "semantic_segmentation": Workload(("images", "masks"), masked, masked_lines, 20),
}


if __name__ == "__main__":
    main(run)
