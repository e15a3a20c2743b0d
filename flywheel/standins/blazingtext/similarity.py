"""How well word vectors agree with people: the WordSimilarity-353 test.

Source: Amazon SageMaker Developer Guide, "BlazingText Hyperparameters": `evaluation`.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from flywheel.standins.ranking import spearman

Vector = np.ndarray[Any, Any]
_FILE = "test/test_data/wordsim353.tsv"


@dataclass(frozen=True)
class Agreement:
    """Spearman's rank correlation of cosine similarities and people's judgements.

    Attributes:
        rho: 0 where it cannot be computed: fewer than two pairs, or all alike.
        num_pairs: whose words both have a vector.
        words_not_found: of the test's words, those that the training corpus does not have.
    """

    rho: float
    num_pairs: int
    words_not_found: tuple[str, ...]


def judged_pairs() -> list[tuple[str, str, float]]:
    """The test's pairs of words with people's mean judgement, from the file that gensim ships.

    Empty where it does not.
    """
    found = importlib.util.find_spec("gensim")
    if found is None or found.origin is None:
        return []
    path = Path(found.origin).parent / _FILE
    if not path.is_file():
        return []
    # The first lines are remarks and the names of the columns.
    rows = (line.split("\t") for line in path.read_text(encoding="utf-8").splitlines())
    return [(row[0], row[1], float(row[2])) for row in rows if row[2:] and row[2][0].isdecimal()]


def agreement(
    pairs: Iterable[tuple[str, str, float]],
    vocabulary: Mapping[str, int],
    vector: Callable[[str], Vector],
) -> Agreement:
    """Compare vectors with judgements; a pair with a word that has no vector does not count."""
    missing: set[str] = set()
    similarities: list[float] = []
    judgements: list[float] = []
    for first, second, judgement in pairs:
        known = [_known(word, vocabulary) for word in (first, second)]
        missing |= {word for word, own in zip((first, second), known, strict=True) if own is None}
        if known[0] is not None and known[1] is not None:
            similarities.append(_cosine(vector(known[0]), vector(known[1])))
            judgements.append(judgement)
    rho = spearman(np.array(similarities), np.array(judgements))
    return Agreement(rho, len(similarities), tuple(sorted(missing)))


def _known(word: str, vocabulary: Mapping[str, int]) -> str | None:
    """As the corpus writes it: most are in lower case."""
    return next((own for own in (word, word.lower()) if own in vocabulary), None)


def _cosine(a: Vector, b: Vector) -> float:
    norm = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / norm if norm else 0.0
