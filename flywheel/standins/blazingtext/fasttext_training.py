"""fastText with sentences from memory, one thread, and errors in words for the sender."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from flywheel.standins.contract import RefusedError

END_OF_LINE = "</s>"
"""A word of its own to fastText."""


def run(train: Callable[..., Any], lines: Iterable[str], **settings: Any) -> Any:
    """Train on the lines; returns fastText's model.

    One thread: with more, fastText's threads overwrite each other's updates, and no two trainings
    are alike. Its random numbers start from a fixed seed.

    Raises:
        RefusedError: no word is frequent enough, or the numbers overflow.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "text"
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        try:
            model = train(str(path), thread=1, verbose=0, **settings)
        except (RuntimeError, ValueError) as error:
            if "Empty vocabulary" in str(error):
                raise _too_rare(settings["minCount"]) from error
            if "NaN" not in str(error):
                raise
            raise RefusedError(
                f"the training diverges with learning_rate = {settings['lr']}; set it lower"
            ) from error
    if not set(model.get_words()) - {END_OF_LINE}:
        raise _too_rare(settings["minCount"])
    return model


def _too_rare(min_count: int) -> RefusedError:
    return RefusedError(
        f"no word occurs min_count = {min_count} times in channel train; set min_count lower, or "
        "give more text"
    )
