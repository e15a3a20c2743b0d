"""English text. Source: gensim's shortened dump of Wikipedia, CC BY-SA 3.0, its authors'."""

from __future__ import annotations

import bz2
import re
from collections import Counter
from collections.abc import Iterator
from html import unescape

from flywheel.samples.files import MONTHS, File, deal, json_lines, package_folder

DUMP = "enwiki-latest-pages-articles1.xml-p000000010p000030302-shortened.bz2"
SECTION_WORDS = 120
SECTIONS_A_MONTH = 4
"""Of one article; an article with fewer in all months is left out."""
VOCABULARY = 1000
MIN_SECTIONS = 3
MAX_SHARE = 0.2
"""Words in fewer sections, or in a larger share of them, tell no topic."""

_PAGE = re.compile(r"<title>([^<]*)</title>.*?<text[^>]*>(.*?)</text>", re.DOTALL)
_INNERMOST = re.compile(r"\{\{[^{}]*\}\}|\{\|[^{}]*?\|\}")
_UNWANTED = re.compile(
    r"<!--.*?-->|<ref[^>/]*/>|<ref.*?</ref>|<math.*?</math>|<[^>]+>"
    r"|\[\[(?:File|Image|Category|[a-z-]{2,12}):[^\[\]]*(?:\[\[[^\]]*\]\][^\[\]]*)*\]\]",
    re.DOTALL,
)
_LINK = re.compile(r"\[\[(?:[^\[\]|]*\|)?([^\[\]]*)\]\]")
_WEB_LINK = re.compile(r"\[https?://\S+ ?([^\]]*)\]")


def text() -> Iterator[File]:
    """Paragraphs, one a line, and pairs of words whose likeness people judged.

    Source of the judgements: gensim's wordsim353.tsv (Finkelstein et al. 2002, CC BY 4.0).
    """
    judged = package_folder("gensim") / "test" / "test_data" / "wordsim353.tsv"
    yield "judgements/wordsim353.tsv", judged.read_bytes()
    for month, articles in deal(_articles()):
        lines = [line for _, paragraphs in articles for line in paragraphs]
        yield f"text/month={month}/text.txt", "".join(f"{line}\n" for line in lines).encode()


def sections() -> Iterator[File]:
    """Sections of articles, as many of each article in every month, and the words to count.

    The vocabulary is the first month's, so that nothing of the later ones is known before.
    """
    months: dict[str, list[dict[str, object]]] = {month: [] for month in MONTHS}
    for title, paragraphs in _articles():
        words = " ".join(paragraphs).split()
        cut = [words[at : at + SECTION_WORDS] for at in range(0, len(words), SECTION_WORDS)]
        wanted = SECTIONS_A_MONTH * len(MONTHS)
        if len(cut) <= wanted:
            continue
        for month, dealt in deal(cut[:wanted]):
            months[month] += [{"article": title, "text": " ".join(section)} for section in dealt]
    first = [str(section["text"]) for section in months[MONTHS[0]]]
    yield "vocabulary/vocab.txt", "".join(f"{word}\n" for word in _vocabulary(first)).encode()
    for month, part in months.items():
        yield f"articles/month={month}/articles.jsonl", json_lines(part)


def _vocabulary(texts: list[str]) -> list[str]:
    """The words in most sections, but for those that are in all kinds of them."""
    sections_with = Counter(
        word for text in texts for word in set(re.findall("[a-z]{3,}", text.lower()))
    )
    telling = (
        (-number, word)
        for word, number in sections_with.items()
        if MIN_SECTIONS <= number <= MAX_SHARE * len(texts)
    )
    return [word for _, word in sorted(telling)[:VOCABULARY]]


def _articles() -> Iterator[tuple[str, list[str]]]:
    """Titles and paragraphs, without the markup."""
    path = package_folder("gensim") / "test" / "test_data" / DUMP
    dump = bz2.decompress(path.read_bytes()).decode()
    for title, marked in _PAGE.findall(dump):
        if marked.lstrip().upper().startswith("#REDIRECT") or ":" in title:
            continue
        plain = _without_markup(unescape(unescape(marked)))
        paragraphs = [" ".join(line.split()) for line in plain.splitlines()]
        kept = [line for line in paragraphs if line[:1].isalpha() and len(line) > 100]
        if kept:
            yield unescape(title), kept


def _without_markup(marked: str) -> str:
    plain, changes = marked, 1
    while changes:
        plain, changes = _INNERMOST.subn(" ", plain)
    plain = _UNWANTED.sub(" ", plain)
    plain = _WEB_LINK.sub(r"\1", _LINK.sub(r"\1", plain))
    return plain.replace("'''", "").replace("''", "")
