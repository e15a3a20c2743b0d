"""Whether an answer has the form that the catalogue says, field by field."""

import json
from collections.abc import Mapping
from typing import Any

from flywheel.algorithm_runs.bodies import CSV, JSON, LINES, RECORDS
from flywheel.algorithms.catalogue import Algorithm, Response
from flywheel.standins.codecs.records import read_records

_PNG = b"\x89PNG\r\n"


class FormError(Exception):
    """An answer is not as the catalogue says; the text says where."""


def responses(algorithm: Algorithm, hyperparameters: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Accept → the forms of an answer, of a model that was trained with these hyperparameters."""
    found: dict[str, list[Any]] = {}
    for response in algorithm.inference.responses:
        if _applies(response, hyperparameters):
            found.setdefault(response.accept, []).append(response.example)
    return found


def check(body: bytes, accept: str, forms: list[Any], num_examples: int) -> None:
    """Compare an answer with the forms that it may have.

    Raises:
        FormError: it has none of them, or not one entry for each example.
    """
    kind = accept.partition(";")[0].strip()
    if kind == JSON:
        _one_of(json.loads(body), forms, num_examples)
    elif kind == LINES:
        lines = [json.loads(line) for line in body.decode().splitlines() if line]
        _count(len(lines), num_examples)
        for line in lines:
            _one_of(line, forms, None)
    elif kind == RECORDS:
        records = read_records(body)
        _count(len(records), num_examples)
        for record in records:
            parts = {"features": record.features, "label": record.label}
            shown = {
                part: {name: tensor.values.tolist() for name, tensor in tensors.items()}
                for part, tensors in parts.items()
                if tensors
            }
            _one_of(shown, forms, None)
    elif kind == CSV:
        values = [line.split(",") for line in body.decode().split("\n") if line]
        cells = len(values) if len(values) > 1 else len(values[0])
        if num_examples not in (len(values), cells):
            raise FormError(f"{len(values)} lines for {num_examples} examples")
        _ = [float(cell) for line in values for cell in line]
    elif not body.startswith(_PNG):
        raise FormError(f"{accept} begins with {body[:8]!r}")


def _applies(response: Response, hyperparameters: Mapping[str, Any]) -> bool:
    return not response.when or any(
        all(str(hyperparameters.get(name)) in values for name, values in alternative.items())
        for alternative in response.when
    )


def _one_of(value: Any, forms: list[Any], num_examples: int | None) -> None:
    problems = []
    for form in forms:
        try:
            _compare(value, form, "answer")
        except FormError as error:
            problems.append(str(error))
        else:
            if num_examples is not None:
                _count_entries(value, num_examples)
            return
    raise FormError("; or ".join(problems))


def _compare(value: Any, form: Any, where: str) -> None:
    if isinstance(form, dict):
        if not isinstance(value, dict) or not value:
            raise FormError(f"{where} is no object")
        names = {name for name in form if name.replace(".", "").isdigit()}
        unknown = value.keys() - form.keys()
        if unknown and not names:  # quantiles are called by numbers: those that were asked for
            raise FormError(f"{where} has {', '.join(sorted(unknown))}")
        for name, entry in value.items():
            _compare(entry, form.get(name, next(iter(form.values()))), f"{where}.{name}")
    elif isinstance(form, list):
        if not isinstance(value, list):
            raise FormError(f"{where} is no list")
        for entry in value[:3]:
            _compare(entry, form[0], f"{where}[]")
    elif isinstance(form, str) != isinstance(value, str):
        raise FormError(f"{where} is {value!r}")


def _count_entries(value: Any, num_examples: int) -> None:
    """JSON wraps the entries in one list under one name, or is the list itself."""
    if num_examples == 1:
        return
    entries = next(iter(value.values())) if isinstance(value, dict) else value
    _count(len(entries), num_examples)


def _count(found: int, wanted: int) -> None:
    if found != wanted:
        raise FormError(f"{found} entries for {wanted} examples")
