"""Word2Vec: vectors of words from the sentences that they stand in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import fasttext

from flywheel.standins import metrics
from flywheel.standins.blazingtext import fasttext_training, similarity
from flywheel.standins.blazingtext.text import read_sentences
from flywheel.standins.job import Job
from flywheel.standins.remarks import log, log_without_effect

MODEL_FILE = "vectors.bin"
TEXT_FILE = "vectors.txt"
EVALUATION_FILE = "eval.json"


def train(job: Job) -> None:
    """Write vectors.txt, vectors.bin and, where the job wants the evaluation, eval.json."""
    log_without_effect(job, {"batch_size": "batch_skipgram learns as skipgram does"})
    subwords = job.get("subwords", False)
    model = fasttext_training.run(
        fasttext.train_unsupervised,
        read_sentences(job.channels["train"]),
        model="cbow" if job.get("mode") == "cbow" else "skipgram",
        lr=job.get("learning_rate"),
        dim=job.get("vector_dim"),
        ws=job.get("window_size"),
        epoch=job.get("epochs"),
        minCount=job.get("min_count"),
        neg=job.get("negative_samples"),
        t=job.get("sampling_threshold"),
        bucket=job.get("buckets", 0) if subwords else 0,
        minn=job.get("min_char", 0) if subwords else 0,
        maxn=job.get("max_char", 0) if subwords else 0,
    )
    model.save_model(str(job.model_dir / MODEL_FILE))
    _write_vectors(model, job.model_dir / TEXT_FILE)
    if job.get("evaluation"):
        _evaluate(model, job.model_dir / EVALUATION_FILE)


def _write_vectors(model: Any, path: Path) -> None:
    """One line a word, the most frequent first, as word2vec's own tool writes them."""
    words = model.get_words()
    with path.open("w", encoding="utf-8") as file:
        file.write(f"{len(words)} {model.get_dimension()}\n")
        for word in words:
            numbers = " ".join(f"{value:.6g}" for value in model.get_word_vector(word))
            file.write(f"{word} {numbers}\n")


def _evaluate(model: Any, path: Path) -> None:
    pairs = similarity.judged_pairs()
    if not pairs:
        log("no evaluation: WS-353 is not installed here")
        return
    vocabulary = {word: index for index, word in enumerate(model.get_words())}
    found = similarity.agreement(pairs, vocabulary, model.get_word_vector)
    evaluation = {
        "mean_rho": found.rho,
        "WS-353": {
            "spearman_rho": found.rho,
            "num_pairs": len(pairs),
            "num_pairs_found": found.num_pairs,
            "num_words_not_found": len(found.words_not_found),
            "words_not_found": found.words_not_found,
        },
    }
    path.write_text(json.dumps(evaluation, indent=1), encoding="utf-8")
    log(
        f"evaluation: {found.num_pairs} of the {len(pairs)} pairs of WS-353 have both words in the "
        f"training corpus; {len(found.words_not_found)} words are not in it"
    )
    metrics.report("train:mean_rho", found.rho)
