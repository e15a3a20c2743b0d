"""Vectors of tokens that somebody else learned, from the auxiliary channel."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from flywheel.standins.codecs.json_lines import read_text
from flywheel.standins.contract import RefusedError
from flywheel.standins.job import Job
from flywheel.standins.object2vec.settings import EncoderSettings

Vectors = dict[int, np.ndarray[Any, Any]]


def read_vectors(job: Job, settings: EncoderSettings) -> Vectors:
    """The vectors by token: a text file of `word number number …`, and a JSON file of words.

    Raises:
        RefusedError: a file is missing or has another form.
    """
    if not settings.embedding_file:
        return {}
    if not settings.vocab_file:
        raise RefusedError(
            f"the vectors of {settings.embedding_file} need a vocab_file, which says which token "
            "each word is"
        )
    tokens = _tokens(_find(job, settings.vocab_file), settings.vocab_size)
    vectors: Vectors = {}
    text = read_text(_find(job, settings.embedding_file).read_bytes())
    for number, line in enumerate(text.split("\n"), start=1):
        word, *cells = line.rstrip().split(" ")
        if number == 1 and len(cells) == 1:
            continue  # word2vec's own files begin with their size
        if word not in tokens or not cells:
            continue
        if len(cells) != settings.token_dim:
            raise RefusedError(
                f"line {number} of {settings.embedding_file} has {len(cells)} numbers; with "
                f"token_embedding_dim = {settings.token_dim} it must have as many"
            )
        try:
            vectors[tokens[word]] = np.array(cells, np.float32)
        except ValueError as error:
            raise RefusedError(
                f"line {number} of {settings.embedding_file} must be a word and numbers"
            ) from error
    return vectors


def _find(job: Job, name: str) -> Path:
    channel = job.channels.get("auxiliary")
    found = next((path for path in (channel.files if channel else ()) if path.name == name), None)
    if found is None:
        raise RefusedError(f"the auxiliary channel has no file {name}; it must have it")
    return found


def _tokens(path: Path, vocab_size: int) -> dict[str, int]:
    try:
        tokens = json.loads(read_text(path.read_bytes()))
    except ValueError as error:
        raise RefusedError(f"{path.name} must be a JSON object of words and tokens") from error
    if not isinstance(tokens, dict) or any(
        type(token) is not int or not 0 <= token < vocab_size for token in tokens.values()
    ):
        raise RefusedError(
            f"{path.name} must be a JSON object of words and tokens from 0 to {vocab_size - 1}"
        )
    return tokens
