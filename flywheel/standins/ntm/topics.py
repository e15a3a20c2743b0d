"""Topics as words, for the log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from flywheel.standins.codecs.json_lines import read_text
from flywheel.standins.contract import RefusedError
from flywheel.standins.job import Channel

VOCABULARY_FILE = "vocab.txt"


def read_vocabulary(channel: Channel, feature_dim: int) -> list[str]:
    """The words of vocab.txt, one a line; the line is the word's column.

    Raises:
        RefusedError: there is no such file, or it has another number of words.
    """
    path = next((path for path in channel.files if path.name == VOCABULARY_FILE), None)
    if path is None:
        raise RefusedError(
            f"channel {channel.name} has no file {VOCABULARY_FILE}; it must have one with a word a "
            "line"
        )
    words = [line.strip() for line in read_text(path.read_bytes()).rstrip("\n").split("\n")]
    if len(words) != feature_dim:
        raise RefusedError(
            f"{VOCABULARY_FILE} has {len(words)} words; it must have feature_dim = {feature_dim}"
        )
    return words


def described(top_words: Sequence[Sequence[int]], vocabulary: Sequence[str] | None) -> list[str]:
    """A line for each topic: how much of it is its own (tu), and its words or their columns.

    Source: Nan, Ding, Nallapati and Xiang, "Topic modeling with Wasserstein autoencoders", ACL
    2019, for topic uniqueness: the mean, over a topic's words, of one over the number of topics
    that have the word among theirs.
    """
    uses = Counter(word for words in top_words for word in words)
    lines = []
    for number, words in enumerate(top_words, start=1):
        uniqueness = sum(1 / uses[word] for word in words) / max(1, len(words))
        shown = " ".join(vocabulary[word] if vocabulary else str(word) for word in words)
        lines.append(f"topic {number} [tu {uniqueness:.2f}]: {shown}")
    return lines
