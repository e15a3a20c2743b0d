"""Runs in the environment of the data packages: `make.py KEY FOLDER` writes one data set."""

import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from flywheel.samples import addresses, documents, languages, pictures, tables, words
from flywheel.samples.files import File

MAKERS: Mapping[str, Callable[[], Iterator[File]]] = {
    "blazingtext_text_classification": languages.messages,
    "blazingtext_word2vec": documents.text,
    "deepar": tables.weather,
    "factorization_machines": tables.flights,
    "image_classification": pictures.digits,
    "ip_insights": addresses.events,
    "kmeans": tables.iris,
    "knn": tables.digits,
    "lda": documents.sections,
    "linear_learner_classification": tables.tumours,
    "linear_learner_regression": tables.diabetes,
    "ntm": documents.sections,
    "object2vec": words.judged_words,
    "object_detection": pictures.coins,
    "pca": tables.digits,
    "random_cut_forest": tables.rare_tumours,
    "semantic_segmentation": pictures.textures,
    "seq2seq": words.spelt_words,
    "xgboost": tables.health_insurance,
}


def main() -> None:
    """Write the files of the data set."""
    key, folder = sys.argv[1], Path(sys.argv[2])
    for name, body in MAKERS[key]():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)


if __name__ == "__main__":
    main()
