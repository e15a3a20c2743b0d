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

import argparse
import base64
import json
import struct
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Optional

from pyspark.sql import Column, DataFrame, Row, SparkSession
from pyspark.sql import functions as F  # noqa: N812  the name that Spark code uses everywhere

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
    return struct.pack("<II", 0xCED7230A, len(body)) + body + b"\0" * (-len(body) % 4)


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


# What follows is the same in every script of this folder: EMR Serverless gets one file.


@dataclass(frozen=True)
class Arguments:
    """Folders end with a slash; months look like 2013-04."""

    raw: str
    curated: str
    features: str
    months: list[str]

    @property
    def workload(self) -> str:
        """The last part of the raw zone's URI."""
        return self.raw.rstrip("/").rsplit("/", 1)[-1]


def parse_arguments(values: Optional[list[str]] = None) -> Arguments:  # noqa: UP045  Python 3.9
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Raw objects to channels, month by month.")
    parser.add_argument("--raw", required=True, help="s3://<raw bucket>/<workload>/")
    parser.add_argument("--curated", required=True)
    parser.add_argument("--features", required=True)
    parser.add_argument("--months", required=True, help="months to (re)write: 2013-01,2013-02")
    parser.add_argument("--history-months", default="", help="not used: no month needs another")
    parsed = parser.parse_args(values)
    return Arguments(
        raw=parsed.raw.rstrip("/") + "/",
        curated=parsed.curated.rstrip("/") + "/",
        features=parsed.features.rstrip("/") + "/",
        months=sorted(set(filter(None, parsed.months.split(",")))),
    )


def settings_of(workload: str, known: Mapping[str, Any]) -> Any:
    """What this script knows of a workload."""
    if workload not in known:
        sys.exit(
            f"The workload is {workload}; this script knows {', '.join(sorted(known))}. Add a line "
            "for it to the table at the script's top, or name another script in etl.script."
        )
    return known[workload]


def start_session() -> SparkSession:
    """Spark, with what this job relies on; sizes are the submitter's business."""
    return (
        SparkSession.builder.appName("built-in-algorithm")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.parquet.outputTimestampType", "TIMESTAMP_MICROS")
        # Zones hold data only: readers list every object of a month.
        .config("spark.hadoop.mapreduce.fileoutputcommitter.marksuccessfuljobs", "false")
        .getOrCreate()
    )


def complete(raw: DataFrame, names: Sequence[str]) -> DataFrame:
    """Null in place of columns that a delivery lacks: the data checks judge, the job goes on."""
    present = {name.lower() for name in raw.columns}  # Spark itself does not look at the case
    missing = [name for name in names if name not in present]
    return raw.select("*", *[F.lit(None).cast("string").alias(name) for name in missing])


def text(name: str) -> Column:
    """The trimmed text; null where there is none."""
    trimmed = F.trim(F.col(name))
    return F.when(trimmed != "", trimmed).alias(name)


def number(name: str) -> Column:
    """The number in a text column; null where there is none ("NA", "abc", "Infinity")."""
    value = F.col(name).cast("double")
    return F.when(F.abs(value) < 1e12, value).alias(name)


def write_curated(rows: DataFrame, curated: str, month: str, order: list[Column]) -> DataFrame:
    """Replace a month by one file, its rows in an order that depends on them alone; kept in memory
    for what is made of them."""
    ordered = rows.coalesce(1).sortWithinPartitions(*order).persist()
    ordered.write.mode("overwrite").parquet(f"{curated}month={month}")
    return ordered


class Files:
    """Files of the features zone, written by the driver through the file system that Spark uses for
    the scheme: one a month and folder, in the form that the algorithm takes."""

    FLUSH_BYTES = 1_000_000

    def __init__(self, spark: SparkSession, features: str) -> None:
        self._hadoop = spark.sparkContext._jvm.org.apache.hadoop.fs
        self._configuration = spark.sparkContext._jsc.hadoopConfiguration()
        self._features = features
        self._streams: dict[str, Any] = {}
        self._buffers: dict[str, bytearray] = {}

    def clear(self, folder: str) -> None:
        """Remove a folder and what is in it."""
        path = self._hadoop.Path(self._features + folder)
        path.getFileSystem(self._configuration).delete(path, True)

    def add(self, name: str, data: bytes) -> None:
        """Append to a file, which this run begins anew."""
        if name not in self._streams:
            path = self._hadoop.Path(self._features + name)
            system = path.getFileSystem(self._configuration)
            self._streams[name] = system.create(path, True)
            self._buffers[name] = bytearray()
        buffer = self._buffers[name]
        buffer += data
        if len(buffer) >= self.FLUSH_BYTES:
            self._streams[name].write(buffer)
            buffer.clear()

    def add_json(self, name: str, value: Any) -> None:
        """Append a line of JSON."""
        self.add(name, json.dumps(value, ensure_ascii=False).encode() + b"\n")

    def close(self) -> None:
        """Complete all files."""
        for name, stream in self._streams.items():
            stream.write(self._buffers[name])
            stream.close()
        print(f"wrote {len(self._streams)} files to {self._features}")


def main() -> None:
    """Run the job: raw → curated → channels, requests and truth, for the asked months."""
    arguments = parse_arguments()
    spark = start_session()
    run(spark, arguments)
    spark.stop()


if __name__ == "__main__":
    main()
