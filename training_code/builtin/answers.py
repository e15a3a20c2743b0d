"""The hold-out's truth, and the answers to it in the forms that the algorithms give them."""

from __future__ import annotations

import base64
import json
import struct
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Truth = list[dict[str, Any]]
"""A line for each request, as the Spark job wrote it."""


def read_truth(folder: Path) -> Truth:
    """The lines of all files, in their order."""
    files = sorted(folder.rglob("*.jsonl"))
    lines = [line for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    if not lines:
        sys.exit(f"There is no truth in {folder}: the Spark job writes it as *.jsonl.")
    return [json.loads(line) for line in lines]


def labels(truth: Truth) -> list[Any]:
    """What is true of each row."""
    return [row["label"] for row in truth]


def true_masks(truth: Truth) -> list[np.ndarray]:
    """The masks as the Spark job put them into the truth."""
    return [as_mask(base64.b64decode(row["mask"])) for row in truth]


def read_answers(folder: Path, truth: Truth, understand: Callable[[Any], Any]) -> list[Any]:
    """What the metric needs of each answer; one for each line of the truth."""
    outputs = {file.name: file.read_bytes() for file in sorted(folder.rglob("*.out"))}
    if "file" in truth[0]:
        missing = [row["file"] for row in truth if f"{row['file']}.out" not in outputs]
        if missing:
            sys.exit(f"{folder} has no answer to {', '.join(missing[:3])} ({len(missing)} in all).")
        answers = [read_output(outputs[f"{row['file']}.out"])[0] for row in truth]
    else:
        answers = [answer for output in outputs.values() for answer in read_output(output)]
        expected = len({word for row in truth for word in row.get("words", ())}) or len(truth)
        if len(answers) != expected:
            sys.exit(f"{folder} has {len(answers)} answers to {expected} requests.")
    try:
        return [understand(answer) for answer in answers]
    except (KeyError, TypeError, ValueError, IndexError) as error:
        sys.exit(f"An answer in {folder} has another form than the metric needs: {error!r}")


def read_output(output: bytes) -> list[Any]:
    """The answers of one file: a picture, JSON texts one after another, or rows of numbers."""
    if output.startswith(b"\x89PNG"):
        return [output]
    text = output.decode().strip()
    if not text.startswith(("{", "[")):
        return [float(cell) for cell in text.replace("\n", ",").split(",") if cell.strip()]
    answers: list[Any] = []
    decoder, position = json.JSONDecoder(), 0
    while position < len(text):
        document, position = decoder.raw_decode(text, position)
        answers += unwrapped(document)
        while position < len(text) and text[position].isspace():
            position += 1
    return answers


def unwrapped(document: Any) -> list[Any]:
    """The answers of one JSON text: a list under the only name, a list, or the answer itself."""
    if isinstance(document, dict) and len(document) == 1:
        (inner,) = document.values()
        if isinstance(inner, list) and inner and isinstance(inner[0], dict):
            return inner
    if isinstance(document, list) and document and isinstance(document[0], dict):
        return document
    return [document]


def as_label(answer: Any) -> Any:
    """The class that an answer names, or the most probable one."""
    if isinstance(answer, dict) and "predicted_label" in answer:
        return answer["predicted_label"]
    if isinstance(answer, dict) and "label" in answer:
        return answer["label"][0]
    if isinstance(answer, dict) and "score" not in answer:
        (answer,) = answer.values()
    if isinstance(answer, list):
        return int(np.argmax(answer))
    return int(as_number(answer) >= 0.5)


def as_number(answer: Any) -> float:
    """The score, or the only number."""
    if isinstance(answer, dict):
        answer = answer["score"] if "score" in answer else answer["dot_product"]
    return float(answer)


def as_cluster(answer: Any) -> int:
    """The number of the nearest cluster."""
    return int(answer["closest_cluster"])


def as_vector(answer: Any) -> list[float]:
    """The only list of numbers: a projection or the shares of topics."""
    (vector,) = answer.values()
    return [float(value) for value in vector]


def as_forecast(answer: Any) -> list[float]:
    """The mean of the samples, or their median."""
    forecast = answer["mean"] if "mean" in answer else answer["quantiles"]["0.5"]
    return [float(value) for value in forecast]


def as_word(answer: Any) -> tuple[str, list[float]]:
    """A word and its vector."""
    return str(answer["word"]), [float(value) for value in answer["vector"]]


def as_tokens(answer: Any) -> list[str]:
    """The tokens of a sequence."""
    return str(answer["target"]).split()


def as_boxes(answer: Any) -> np.ndarray:
    """Rows of class, score, left, top, right and bottom."""
    boxes: np.ndarray = np.array(answer["prediction"], float).reshape(-1, 6)
    return boxes


def as_mask(png: bytes) -> np.ndarray:
    """The class of each pixel: (height, width). Source: PNG specification, filtering."""
    width, height, depth, kind, _, _, interlaced = struct.unpack(">IIBBBBB", png[16:29])
    if depth != 8 or kind not in (0, 3) or interlaced:
        raise ValueError("a mask is a PNG of one byte a pixel: grey or palette, not interlaced")
    packed, position = b"", 8
    while position < len(png):
        (length,) = struct.unpack(">I", png[position : position + 4])
        if png[position + 4 : position + 8] == b"IDAT":
            packed += png[position + 8 : position + 8 + length]
        position += length + 12
    rows: np.ndarray = np.frombuffer(zlib.decompress(packed), np.uint8).reshape(height, width + 1)
    above = [0] * width
    mask: np.ndarray = np.empty((height, width), np.uint8)
    for index, (rule, *row) in enumerate(rows.tolist()):
        left = corner = 0
        for column, up in enumerate(above):
            row[column] = left = (row[column] + unfiltered(rule, left, up, corner)) % 256
            corner = up
        mask[index] = above = row
    return mask


def unfiltered(rule: int, left: int, up: int, corner: int) -> int:
    """What PNG has subtracted from a byte."""
    estimate = left + up - corner
    nearest = min((left, up, corner), key=lambda value: abs(value - estimate))
    return (0, left, up, (left + up) // 2, nearest)[rule]
