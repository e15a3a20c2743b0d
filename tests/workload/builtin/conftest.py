"""What the tests of the built-in workloads share: one Spark session for all of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from components.spark_application import RELEASE_LABEL
from flywheel import samples
from flywheel.local_aws.images import ImageCatalogue
from flywheel.local_aws.lifecycle import IMAGES_DIR
from tests.workload.builtin.lake import DAMAGED, KEYS, MONTH, Lake

BEFORE = samples.MONTHS[0]
TWICE = ("image_classification", "xgboost")
"""Run again, after a month before them."""


@dataclass(frozen=True)
class Written:
    """The lake after all runs."""

    lake: Lake
    first: Path
    """The features of those that ran twice, as the first run wrote them."""
    unknown: str | None
    """What the script said to a workload that it does not know."""


DAMAGED_FILES = {
    "xgboost": {
        "rows/{}/rows.csv": "Log_Coinsurance,log incentive,log_incentive,education,poor_health\n"
        "4.6,7,abc,12,1\nNaN,,,12,Infinity\n",
        "rows/{}/empty.csv": "",
    },
    "factorization_machines": {"flights/{}/flights.csv": "carrier,hour\nUA,99999999999\n,\n"},
    "lda": {"articles/{}/articles.jsonl": '{"article": 3}\nno json\n{"text": "[]"}\n'},
    "blazingtext_text_classification": {"messages/{}/messages.jsonl": '{"language": "xx"}\n[1]\n'},
    "object2vec": {"words/{}/words.csv": "word\nABC\n"},
    "deepar": {"weather/{}/weather.csv": "origin,humid\nEWR,1e99\nXXX,3\n"},
    "image_classification": {"images/{}/picture.png": "no picture"},
    "object_detection": {
        "images/{}/view.png": "no picture",
        "images/{}/boxes.jsonl": '{"file": "view.png", "boxes": "none"}\n',
    },
    "semantic_segmentation": {"images/{}/scene.jpg": "no picture and no mask"},
}
"""Deliveries in which nothing is as it should be."""


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """A month of every workload, and some runs more."""
    lake = Lake(tmp_path_factory.mktemp("lake"))
    for key in KEYS:
        lake.deliver(key, [BEFORE, MONTH] if key in TWICE else [MONTH])
    for key, files in DAMAGED_FILES.items():
        for name, body in files.items():
            lake.put(key, name.format(f"month={DAMAGED}"), body.encode())
    python = ImageCatalogue(IMAGES_DIR).python(RELEASE_LABEL)
    script = "etl_code/builtin/tabular.py"
    steps = [lake.step(key, MONTH) for key in KEYS]
    steps += [lake.step(key, DAMAGED) for key in DAMAGED_FILES]
    first = lake.folder / "first"
    for key in TWICE:
        steps.append(["copy", str(lake.folder / "features" / key), str(first / key)])
        steps.append(lake.step(key, BEFORE, MONTH))
    *errors, unknown = lake.run(python, [*steps, lake.step("my_table", MONTH, script=script)])
    assert set(errors) == {None}
    return Written(lake, first, unknown)


@pytest.fixture(scope="session")
def lake(written: Written) -> Lake:
    return written.lake


@pytest.fixture(scope="session")
def sklearn_python() -> Path:
    """The environment that stands for the image of score.py."""
    return ImageCatalogue(IMAGES_DIR).python("sagemaker-scikit-learn:1.9-0-cpu-py3")
