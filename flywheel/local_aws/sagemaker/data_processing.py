"""DataProcessing of a transform job: which part of a record is sent, and what its answer joins."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flywheel.local_aws.sagemaker.errors import JobError, validation_error
from flywheel.local_aws.sagemaker.json_path import JsonPath, JsonPathError, parse

_TYPES = ("text/csv", "application/json", "application/jsonlines")
_INPUT, _OUTPUT = "SageMakerInput", "SageMakerOutput"


@dataclass(frozen=True)
class _Format:
    """How the records of a body are read, joined with their answers, and written."""

    read: Callable[[str], list[Any]]
    join: Callable[[Any, Any], Any]
    write: Callable[[list[Any]], str]


@dataclass(frozen=True)
class DataProcessing:
    """What happens to each record before and after the model."""

    select: JsonPath
    join: bool
    keep: JsonPath
    sent: _Format
    answered: _Format

    def request(self, body: bytes) -> bytes:
        """What the model gets of a body.

        Raises:
            JobError: a record cannot be read, or has not what the InputFilter names.
        """
        return self._said(lambda: self.sent.write(_each(self.select, self._records(body))))

    def result(self, body: bytes, answer: bytes) -> bytes:
        """What the output has of a body and its answer.

        Raises:
            JobError: the two do not have the same number of records, or the OutputFilter fails.
        """

        def result() -> str:
            answers = self.answered.read(answer.decode())
            if self.join:
                records = self._records(body)
                if len(records) != len(answers):
                    raise JobError(
                        f"{len(records)} records were sent and {len(answers)} came back; they "
                        "cannot be joined"
                    )
                answers = [self.sent.join(*pair) for pair in zip(records, answers, strict=True)]
            return self.answered.write(_each(self.keep, answers))

        return self._said(result)

    def _records(self, body: bytes) -> list[Any]:
        return self.sent.read(body.decode())

    def _said(self, make: Callable[[], str]) -> bytes:
        try:
            return make().encode()
        except (ValueError, csv.Error, JsonPathError) as error:
            raise JobError(f"DataProcessing failed: {error}") from error


def check(params: Mapping[str, Any]) -> None:
    """Refuse filters that cannot be, and formats that they cannot be applied to.

    Raises:
        ServiceError: With what is wrong and what to do.
    """
    if not _wanted(params):
        return
    given, output = params["TransformInput"], params["TransformOutput"]
    types = {
        "TransformInput.ContentType": given.get("ContentType"),
        "TransformOutput.Accept": output.get("Accept"),
    }
    for name, value in types.items():
        if value is None or _base(value) not in _TYPES:
            raise validation_error(
                f"{name} is {value}; with DataProcessing it must be one of {', '.join(_TYPES)}."
            )
    processing = params["DataProcessing"]
    if processing.get("JoinSource") == "Input":
        pairs = (
            ("ContentType", "Accept", *map(_base, types.values())),
            ("SplitType", "AssembleWith", given.get("SplitType", "None"),
             output.get("AssembleWith", "None")),
        )  # fmt: skip
        for left, right, first, second in pairs:
            if first != second:
                raise validation_error(
                    f"{left} is {first} and {right} is {second}; with JoinSource Input they must "
                    "match."
                )
    for name in ("InputFilter", "OutputFilter"):
        try:
            parse(processing.get(name, "$"))
        except JsonPathError as error:
            raise validation_error(f"DataProcessing.{name}: {error}.") from error


def of(params: Mapping[str, Any]) -> DataProcessing | None:
    """What a checked request wants done; None where it wants nothing."""
    if not _wanted(params):
        return None
    processing = params["DataProcessing"]
    return DataProcessing(
        select=parse(processing.get("InputFilter", "$")),
        join=processing.get("JoinSource") == "Input",
        keep=parse(processing.get("OutputFilter", "$")),
        sent=_FORMATS[_base(params["TransformInput"]["ContentType"])],
        answered=_FORMATS[_base(params["TransformOutput"]["Accept"])],
    )


def _wanted(params: Mapping[str, Any]) -> bool:
    defaults = {"InputFilter": "$", "OutputFilter": "$", "JoinSource": "None"}
    given = params.get("DataProcessing", {})
    return any(given.get(name, default) != default for name, default in defaults.items())


def _join_rows(record: Any, answer: Any) -> Any:
    return [*record, *answer]


def _join_objects(record: Any, answer: Any) -> Any:
    if isinstance(record, dict):
        return {**record, _OUTPUT: answer}
    return {_INPUT: record, _OUTPUT: answer}


def _each(path: JsonPath, records: list[Any]) -> list[Any]:
    return [path.apply(record) for record in records]


def _read_rows(text: str) -> list[Any]:
    return [row for row in csv.reader(io.StringIO(text)) if row]


def _write_rows(rows: list[Any]) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerows(row if isinstance(row, list) else [row] for row in rows)
    return stream.getvalue()


def _read_lines(text: str) -> list[Any]:
    return [json.loads(line) for line in text.split("\n") if line.strip()]


def _write_lines(records: list[Any]) -> str:
    return "".join(f"{json.dumps(record)}\n" for record in records)


def _read_document(text: str) -> list[Any]:
    try:
        return [json.loads(text)]
    except ValueError:
        return _read_lines(text)  # a document on each line, as SplitType Line sends them


def _base(content_type: str | None) -> str:
    return (content_type or "").partition(";")[0].strip().lower()


_FORMATS = {
    "text/csv": _Format(_read_rows, _join_rows, _write_rows),
    "application/jsonlines": _Format(_read_lines, _join_objects, _write_lines),
    "application/json": _Format(
        _read_document, _join_objects, lambda records: _write_lines(records).removesuffix("\n")
    ),
}
