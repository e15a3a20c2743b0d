"""Small workloads with what ours lack: built-in algorithms, selection, fixed data, tuning."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT, Assembly, feature_flags

_WORKER = {"cpu": "1 vCPU", "memory": "2 GB"}
_COMMON: dict[str, Any] = {
    "etl": {
        "script": "etl_code/flight_delay.py",
        "driver": _WORKER,
        "executor": {**_WORKER, "instances": 1},
        "maximum_capacity": {"cpu": "2 vCPU", "memory": "4 GB"},
    },
    "checks": [{"name": "rows", "expression": "count(*)", "min": 10}],
}
_SERVING = {
    "variants": [{"instance_type": "ml.m5.large"}],
    "max_latency_ms": 500,
    "max_error_percent": 1,
}
_EVALUATION = {
    "script": "training_code/evaluate.py",
    "image": {"framework": "sklearn", "version": "1.9-0"},
    "instance_type": "ml.m5.large",
}


def _data(prefix: str, **tables: dict[str, str]) -> dict[str, Any]:
    return {"trigger_prefix": f"{prefix}/", "tables": tables}


FLOWERS: dict[str, Any] = {
    **_COMMON,
    "name": "flowers",
    "description": "A built-in algorithm, tuned, that begins with what the last tuning has learnt.",
    "data": _data("flowers", curated={"length": "double", "width": "double"}),
    "training": {
        "algorithm": "kmeans",
        "channels": {
            "train": {"data": "training", "folder": "rows", "content_type": "text/csv"},
            "test": {"data": "holdout", "folder": "rows", "content_type": "text/csv"},
        },
        "instance_type": "ml.m5.xlarge",
        "max_runtime_minutes": 60,
        "hyperparameters": {"feature_dim": 2, "k": 3, "eval_metrics": '["msd"]'},
        "tuning": {
            "objective": "test:msd",
            "ranges": {"epochs": {"min": 1, "max": 5}, "init_method": {}},
            "max_jobs": 6,
            "max_parallel_jobs": 2,
            "warm_start": True,
        },
    },
    "evaluation": _EVALUATION,
    "gate": {"metric": "silhouette", "minimum": 0.4, "tolerance": 0.02},
    "serving": _SERVING,
}
LETTERS: dict[str, Any] = {
    **_COMMON,
    "name": "letters_to_sounds_of_one_english",  # as long as a name may be
    "description": "A built-in algorithm with a month to select by and files that never change.",
    "data": _data("words", curated={"word": "string"}),
    "training": {
        "algorithm": "seq2seq",
        "channels": {
            name: {
                "data": data,
                "folder": folder,
                "content_type": "application/json"
                if name == "vocab"
                else "application/x-recordio-protobuf",
            }
            for name, data, folder in (
                ("train", "training", "pairs"),
                ("validation", "selection", "pairs"),
                ("vocab", "fixed", "vocabulary"),
            )
        },
        "instance_type": "ml.g5.xlarge",
        "max_runtime_minutes": 60,
    },
    "evaluation": _EVALUATION,
    "gate": {"metric": "token_accuracy", "minimum": 0.2},
    "serving": {**_SERVING, "variants": [{"instance_type": "ml.g5.xlarge"}]},
}
DELAYS: dict[str, Any] = {
    **_COMMON,
    "name": "delays",
    "description": "A script, tuned.",
    "data": _data("flights", curated={"carrier": "string"}, features={"late": "int"}),
    "training": {
        "source": "training_code",
        "script": "train.py",
        "image": {"framework": "sklearn", "version": "1.9-0"},
        "instance_type": "ml.m5.xlarge",
        "max_runtime_minutes": 60,
        "spot": True,
        "max_wait_minutes": 90,
        "hyperparameters": {"label": "late", "seed": 2013},
        "metrics": [{"name": "validation:auc", "regex": "validation-auc=([0-9.]+)"}],
        "tuning": {
            "objective": "validation:auc",
            "goal": "maximize",
            "strategy": "Random",
            "early_stopping": False,
            "ranges": {
                "max_depth": {"min": 3, "max": 8},
                "eta": {"min": 0.01, "max": 0.3, "scaling": "Logarithmic"},
                "booster": {"values": ["gbtree", "dart"]},
            },
            "max_jobs": 5,
            "max_parallel_jobs": 2,
        },
    },
    "evaluation": {"script": "training_code/evaluate.py", "instance_type": "ml.m5.xlarge"},
    "gate": {"metric": "auc", "minimum": 0.65, "tolerance": 0.02},
    "serving": {**_SERVING, "source": "inference_code", "script": "inference.py"},
}
SAMPLES = (FLOWERS, LETTERS, DELAYS)
STACKS = {FLOWERS["name"]: "Flowers", LETTERS["name"]: "LettersToSoundsOfOneEnglish"} | {
    DELAYS["name"]: "Delays"
}


def write(folder: Path, *workloads: dict[str, Any]) -> Path:
    """A project with our environments and code, and these workloads; returns its `config`."""
    for code in ("etl_code", "training_code", "inference_code"):
        (folder / code).symlink_to(ROOT / code)
    config = folder / "config"
    (config / "workloads").mkdir(parents=True)
    (config / "environments").symlink_to(ROOT / "config" / "environments")
    for workload in workloads:
        text = json.dumps(workload, indent=1)  # JSON is YAML
        (config / "workloads" / f"{workload['name']}.yaml").write_text(text, encoding="utf-8")
    return config


def synthesise(folder: Path, *workloads: dict[str, Any], **context: str) -> Assembly:
    """These workloads in our environments, without AWS CDK's own validation."""
    from app import build, new_app

    config = write(folder, *workloads)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CDK_VALIDATION", "false")
        app = new_app(outdir=str(folder / "cdk.out"), context={**feature_flags(), **context})
        build(app, config=config, accounts={})
        app.synth()
    return Assembly(folder / "cdk.out")
