"""How alike two sets of sequences are.

Source: Papineni, Roukos, Ward and Zhu, "BLEU: a method for automatic evaluation of machine
translation", ACL 2002.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

MAX_ORDER = 4


def corpus_bleu(found: Sequence[Sequence[int]], expected: Sequence[Sequence[int]]) -> float:
    """From 0 to 1: the precision of up to four tokens in a row, less for what is too short.

    Orders that no sequence is long enough for are left out.
    """
    precisions = []
    for order in range(1, MAX_ORDER + 1):
        hits = total = 0
        for one, other in zip(found, expected, strict=True):
            own, wanted = _in_a_row(one, order), _in_a_row(other, order)
            hits += (own & wanted).total()
            total += own.total()
        if total:
            precisions.append(hits / total)
    if not precisions or min(precisions) == 0:
        return 0.0
    lengths = sum(map(len, found)), sum(map(len, expected))
    brevity = min(1.0, math.exp(1 - lengths[1] / lengths[0]))
    return brevity * math.exp(sum(map(math.log, precisions)) / len(precisions))


def _in_a_row(tokens: Sequence[int], order: int) -> Counter[tuple[int, ...]]:
    return Counter(tuple(tokens[start : start + order]) for start in range(len(tokens) - order + 1))
