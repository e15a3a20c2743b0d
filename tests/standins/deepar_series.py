"""Series as JSON Lines, and a job that is quickly done."""

from __future__ import annotations

import json
from typing import Any

SMALL: dict[str, Any] = {
    "time_freq": "D",
    "context_length": 3,
    "prediction_length": 2,
    "epochs": 2,
    "num_cells": 8,
    "num_layers": 1,
    "mini_batch_size": 16,
}


def lines(*entries: Any) -> bytes:
    return "\n".join(map(json.dumps, entries)).encode()
