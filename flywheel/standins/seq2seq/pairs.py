"""Sequences of numbers from Amazon's records, and requests and answers in all their forms.

Source: AWS's example for Sequence-to-Sequence: the features of a record are int32 tensors `source`
and `target`, in the training data and in the protobuf form of an endpoint; an answer in JSON has
`target`, and `matrix` where the request asks for it, a row for each token of the target.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from flywheel.standins.codecs import json_lines, records
from flywheel.standins.codecs.matrix import data_files
from flywheel.standins.codecs.records import Record, Tensor, read_records, write_records
from flywheel.standins.codecs.requests import JSON, instances
from flywheel.standins.contract import RefusedError, Request, Response
from flywheel.standins.job import Channel
from flywheel.standins.seq2seq.vocabulary import Vocabulary

FORMS = (JSON, records.CONTENT_TYPE, json_lines.CONTENT_TYPE)
SOURCE, TARGET = "source", "target"
Numbers = list[int]


@dataclass(frozen=True)
class Asked:
    """One sequence of a request, and whether its attention is wanted."""

    numbers: Numbers
    with_attention: bool = False


@dataclass(frozen=True)
class Answer:
    """What is answered to it.

    Attributes:
        attention: tokens of the target × tokens of the source.
    """

    numbers: Numbers
    attention: np.ndarray[Any, Any]


def read_pairs(
    channel: Channel, source: Vocabulary, target: Vocabulary
) -> list[tuple[Numbers, Numbers]]:
    """Source and target of each record of a channel; records without either are passed over.

    Raises:
        RefusedError: a record is none, or a number is not in the vocabulary.
    """
    pairs = []
    for path in data_files(channel):
        for index, record in enumerate(read_records(path.read_bytes()), start=1):
            where = f"channel {channel.name}, file {path.name}, record {index}"
            pair = (
                _numbers(record, SOURCE, len(source), where),
                _numbers(record, TARGET, len(target), where),
            )
            if pair[0] and pair[1]:
                pairs.append(pair)
    if not pairs:
        raise RefusedError(f"channel {channel.name} has no pair of sequences; it must have one")
    return pairs


def read_request(request: Request, source: Vocabulary) -> list[Asked]:
    """The sequences of a request.

    Raises:
        RefusedError: 400 for a body in another form, 415 for another content type.
    """
    kind = request.content_type
    if kind not in FORMS:
        raise RefusedError(
            f"the content type is {kind or 'missing'}; it must be one of {', '.join(FORMS)}",
            status=415,
        )
    if kind == records.CONTENT_TYPE:
        asked = [
            Asked(_numbers(record, SOURCE, len(source), f"record {number}"))
            for number, record in enumerate(read_records(request.body), start=1)
        ]
    else:
        name = "data" if kind == JSON else SOURCE
        asked = [
            _from_json(entry, name, source, number)
            for number, entry in enumerate(instances(request), start=1)
        ]
    if not asked:
        raise RefusedError("the request has no sequence; it must have at least one")
    for number, one in enumerate(asked, start=1):
        if not one.numbers:
            raise RefusedError(f"sequence {number} has no token; it must have at least one")
    return asked


def write_answers(
    asked: Sequence[Asked], answers: Sequence[Answer], target: Vocabulary, form: str
) -> Response:
    """The answers, in the request's own content type."""
    if form == records.CONTENT_TYPE:
        return Response(write_records(_record(answer) for answer in answers), form)
    rows: list[Mapping[str, Any]] = []
    for one, answer in zip(asked, answers, strict=True):
        row: dict[str, Any] = {TARGET: target.decode(answer.numbers)}
        if one.with_attention:
            row["matrix"] = answer.attention.astype(np.float64).round(6).tolist()
        rows.append(row)
    if form == JSON:
        return Response(json.dumps({"predictions": rows}, ensure_ascii=False).encode(), form)
    lines = "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows)
    return Response(lines.encode(), form)


def _record(answer: Answer) -> Record:
    return Record({TARGET: Tensor(np.array(answer.numbers, np.int32))})


def _numbers(record: Record, name: str, size: int, where: str) -> Numbers:
    tensor = record.features.get(name)
    if tensor is None:
        raise RefusedError(f"{where} has no feature {name}; it must be a list of numbers")
    if tensor.values.dtype.kind != "i":
        raise RefusedError(f"{name} of {where} must be int32 numbers, not {tensor.values.dtype}")
    numbers: Numbers = tensor.values.tolist()
    for number in numbers:
        if not 0 <= number < size:
            raise RefusedError(
                f"{name} of {where} has the number {number}; its vocabulary has 0 to {size - 1}"
            )
    return numbers


def _from_json(entry: Any, name: str, source: Vocabulary, number: int) -> Asked:
    text = entry.get(name) if isinstance(entry, dict) else None
    if not isinstance(text, str):
        raise RefusedError(
            f'sequence {number} has no text; it must be {{"{name}": "tokens with spaces between"}}'
        )
    configuration = entry.get("configuration", {})
    if not isinstance(configuration, dict):
        raise RefusedError(
            f'configuration of sequence {number} must be an object: {{"attention_matrix": "true"}}'
        )
    wanted = configuration.get("attention_matrix", False)
    return Asked(source.encode(text), str(wanted).lower() == "true")
