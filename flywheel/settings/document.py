"""A YAML file as plain values that know their line. Nothing is ever constructed from a tag."""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from flywheel.settings.errors import Problem, SettingsError
from flywheel.settings.syntax import explain

MAX_BYTES = 1_000_000
MAX_DEPTH = 30
_TAG = "tag:yaml.org,2002:"
_LOOKS_BOOLEAN = {"yes": "true", "on": "true", "no": "false", "off": "false"}

Scalar = str | int | float | bool | None
Step = str | int


@dataclass(frozen=True)
class Located:
    """A value of a YAML file and where it stands."""

    value: "Scalar | dict[str, Located] | list[Located]"
    path: str
    line: int
    """Of the key, counted from 1."""
    steps: tuple[Step, ...]
    """The way to it in its file, for example ("serving", "variants", 0)."""
    text: str | None = None
    """A value without quotes as it is written in the file."""

    @property
    def setting(self) -> str:
        """The way to it as a reader writes it: serving.variants[0]."""
        return setting_name(self.steps)

    def plain(self) -> object:
        """The value without its lines."""
        if isinstance(self.value, dict):
            return {key: child.plain() for key, child in self.value.items()}
        if isinstance(self.value, list):
            return [child.plain() for child in self.value]
        return self.value

    def at(self, steps: tuple[Step, ...]) -> "tuple[Located, tuple[Step, ...]]":
        """The deepest value on this way, and the steps that do not exist below it."""
        here: Located = self
        for index, step in enumerate(steps):
            children = here.value
            known: dict[Step, Located] = {}
            if isinstance(children, dict):
                known.update(children)
            elif isinstance(children, list):
                known.update(enumerate(children))
            if step not in known:
                return here, steps[index:]
            here = known[step]
        return here, ()

    def described(self) -> str:
        """The value as an error message shows it: as it is written in the file."""
        is_shown = self.text and self.text.isprintable()
        return _shorten(self.text or "") if is_shown else describe(self.plain())

    def problem(self, text: str) -> Problem:
        return Problem(self.path, self.line, text)


def setting_name(steps: tuple[Step, ...]) -> str:
    name = ""
    for step in steps:
        if isinstance(step, int):
            name += f"[{step}]"
        else:
            key = step if re.fullmatch(r"[\w<-][\w. <-]*", step) else f"'{_readable(step)}'"
            name += f".{_shorten(key)}" if name else _shorten(key)
    return name


def merge(base: Located, over: Located) -> Located:
    """Mappings are merged key by key, all else is replaced; every value keeps its own line."""
    if not isinstance(base.value, dict):
        is_wrong = isinstance(over.value, dict) and base.value is not None
        return base if is_wrong else over
    if not isinstance(over.value, dict):
        return over
    merged = dict(base.value)
    for key, child in over.value.items():
        merged[key] = merge(merged[key], child) if key in merged else child
    return Located(merged, base.path, base.line, base.steps)


def read(path: Path, shown_as: str) -> Located:
    """The file's settings; raises SettingsError for a file that is not one plain YAML mapping."""
    return _parsed(_read_text(path, shown_as), shown_as)


@lru_cache(maxsize=256)  # each environment reads each workload again
def _parsed(text: str, shown_as: str) -> Located:
    root = _compose(text, shown_as)
    if root is None:
        raise SettingsError([Problem(shown_as, 1, "the file is empty; it must hold settings.")])
    reader = _Reader(shown_as)
    located = reader.convert(root, (), root.start_mark.line + 1)
    if not isinstance(located.value, dict) and not reader.problems:
        reader.problems.append(
            located.problem(
                f"the file holds {located.described()}; it must be a mapping: `key: value`."
            )
        )
    if reader.problems:
        raise SettingsError(reader.problems)
    return located


def describe(value: object) -> str:
    """A value as an error message shows it: short, text in quotes if it could be misread."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _describe_text(value)
    if isinstance(value, Mapping):
        return "a mapping" if value else "an empty mapping"
    if isinstance(value, list | tuple):
        return "a list" if value else "an empty list"
    return _shorten(str(value))


def _describe_text(value: str) -> str:
    plain = value.isprintable() and value.strip() == value and value != ""
    readable = _shorten(_readable(value))
    return readable if plain and not _reads_as_another_type(value) else f"'{readable}'"


def _reads_as_another_type(text: str) -> bool:
    if text.lower() in {"null", "~", "true", "false", *_LOOKS_BOOLEAN}:
        return True
    try:
        float(text.replace("_", ""))
    except ValueError:
        return False
    return True


def _readable(text: str) -> str:
    return text if text.isprintable() else ascii(text)[1:-1]


def _shorten(text: str, limit: int = 80) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _read_text(path: Path, shown_as: str) -> str:
    try:
        raw = path.read_bytes()
    except OSError as error:
        reason = error.strerror or "it cannot be read"
        raise SettingsError([Problem(shown_as, 1, f"cannot be read: {reason}.")]) from error
    if len(raw) > MAX_BYTES:
        raise SettingsError(
            [
                Problem(
                    shown_as, 1, f"the file has {len(raw)} bytes; it must have at most {MAX_BYTES}."
                )
            ]
        )
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        text = f"byte {error.start + 1} is not UTF-8; save the file as UTF-8."
        raise SettingsError([Problem(shown_as, line, text)]) from error


def _compose(text: str, shown_as: str) -> Node | None:
    try:
        yaml = YAML(typ="safe", pure=True)
        yaml.max_depth = MAX_DEPTH
        yaml.composer.warn_double_anchors = False
        node: Node | None = yaml.compose(text)
    except MarkedYAMLError as error:
        line, reason = explain(error, text)
        raise SettingsError([Problem(shown_as, line, reason)]) from error
    except (YAMLError, ValueError) as error:
        raise SettingsError([_other_problem(error, text, shown_as)]) from error
    return node


def _other_problem(error: Exception, text: str, shown_as: str) -> Problem:
    position = getattr(error, "position", 0)
    line = text.count("\n", 0, position if isinstance(position, int) else 0) + 1
    reason = str(getattr(error, "reason", "") or error).splitlines()
    return Problem(shown_as, line, f"is not valid YAML: {reason[0] if reason else 'unreadable'}.")


class _Reader:
    """Turns YAML nodes into located values and notes what plain settings must not have."""

    def __init__(self, shown_as: str) -> None:
        self.shown_as = shown_as
        self.problems: list[Problem] = []
        self._seen: set[int] = set()

    def convert(self, node: Node, steps: tuple[Step, ...], line: int) -> Located:
        if id(node) in self._seen:
            self._refuse(line, steps, "is an alias (`*name`); write the value out.")
            return Located(None, self.shown_as, line, steps)
        self._seen.add(id(node))
        if isinstance(node, MappingNode):
            return Located(self._mapping(node, steps), self.shown_as, line, steps)
        if isinstance(node, SequenceNode):
            items = [
                self.convert(child, (*steps, index), child.start_mark.line + 1)
                for index, child in enumerate(node.value)
            ]
            return Located(items, self.shown_as, line, steps)
        value = self._scalar(node, steps, line)
        text = str(node.value) if getattr(node, "style", None) is None else None
        return Located(value, self.shown_as, line, steps, text)

    def _mapping(self, node: MappingNode, steps: tuple[Step, ...]) -> dict[str, Located]:
        values: dict[str, Located] = {}
        for key_node, value_node in _pairs(node):
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, ScalarNode):
                self._refuse(line, steps, "has a key that is not a word; write `key: value`.")
                continue
            key = str(key_node.value)
            here = (*steps, key)
            if key == "<<":
                self._refuse(line, here, "is a YAML merge; write the values out.")
            elif key in values:
                first = values[key].line
                self._refuse(
                    line, here, f"is given twice, first in line {first}; keep one of them."
                )
            else:
                values[key] = self.convert(value_node, here, line)
        return values

    def _scalar(self, node: Node, steps: tuple[Step, ...], line: int) -> Scalar:
        text = str(node.value)
        kind = str(node.tag).removeprefix(_TAG)
        match kind:
            case "null":
                return None
            case "bool":
                return text.lower() == "true"
            case "int" | "float":
                return self._number(text, kind, steps, line)
            case "str" | "timestamp" | "value":
                return text
        self._refuse(
            line, steps, f"has the tag {_shorten(str(node.tag).replace(_TAG, '!!'))}; remove it."
        )
        return None

    def _number(self, text: str, kind: str, steps: tuple[Step, ...], line: int) -> Scalar:
        digits = text.replace("_", "")
        try:
            number = int(digits, 0 if digits[:2].lower() in {"0o", "0x", "0b"} else 10)
        except ValueError:
            try:
                number_or_float = float(digits)
            except ValueError:
                return text
            if kind == "float" and math.isfinite(number_or_float):
                return number_or_float
            self._refuse(line, steps, f"is {_shorten(text)}; it must be a finite number.")
            return None
        if abs(number) > 2**63:
            self._refuse(line, steps, f"is {_shorten(text)}; the number is too large.")
        return number

    def _refuse(self, line: int, steps: tuple[Step, ...], text: str) -> None:
        name = setting_name(steps) or "the file"
        self.problems.append(Problem(self.shown_as, line, f"{name} {text}"))


def _pairs(node: MappingNode) -> Iterator[tuple[Node, Node]]:
    yield from node.value
