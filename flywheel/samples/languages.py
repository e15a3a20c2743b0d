"""Messages in eight languages. Source: Django's message catalogues, real translations, BSD."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from zlib import crc32

from flywheel.samples.files import File, deal, json_lines, package_folder

LANGUAGES = ("de", "es", "fr", "it", "nl", "pl", "pt", "sv")
MIN_WORDS = 2
_PLACEHOLDER = re.compile(r"%\([a-z_]+\)[a-z]|%[a-z]|\{[^}]*\}|<[^>]+>|&[a-z]+;")
_WORD = re.compile(r"[^\W\d_]+")


def messages() -> Iterator[File]:
    """A message and the language that it is in; each language has its own words for the same."""
    found = [(language, text) for language in LANGUAGES for text in _messages(language)]
    found.sort(key=lambda item: crc32("\t".join(item).encode()))
    for month, part in deal(found):
        lines = ({"language": language, "message": text} for language, text in part)
        yield f"messages/month={month}/messages.jsonl", json_lines(lines)


def _messages(language: str) -> list[str]:
    """The translations, each once, without placeholders and markup."""
    catalogues = sorted(package_folder("django").glob(f"**/locale/{language}/LC_MESSAGES/*.po"))
    texts: dict[str, None] = {}
    for catalogue in catalogues:
        for text in _translations(catalogue):
            plain = " ".join(_PLACEHOLDER.sub(" ", text).split())
            if len(_WORD.findall(plain)) >= MIN_WORDS:
                texts[plain] = None
    return list(texts)


def _translations(catalogue: Path) -> Iterator[str]:
    """The strings of msgstr; the first entry is the catalogue's own head."""
    entries = catalogue.read_text(encoding="utf-8").split("\n\n")[1:]
    for entry in entries:
        for quoted in re.findall(r'^msgstr(?:\[\d\])? ((?:".*"\n?)+)', entry, re.MULTILINE):
            yield "".join(ast.literal_eval(line) for line in quoted.splitlines())
