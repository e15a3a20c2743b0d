"""Small settings and a lone stack, for components by themselves."""

from typing import Any

import pytest
from aws_cdk import Environment, Stack
from aws_cdk.assertions import Template as CdkTemplate

from app import new_app
from flywheel.settings import EnvironmentSettings, WorkloadSettings
from tests.conftest import Template, feature_flags

WORKER = {"cpu": "2 vCPU", "memory": "8 GB"}


def environment_settings(**changes: Any) -> EnvironmentSettings:
    """A small environment, with changes."""
    settings: dict[str, Any] = {
        "name": "test",
        "region": "eu-west-1",
        "retain_data": False,
        "termination_protection": False,
        "approval": "automatic",
        "log_retention_days": 30,
        "network": {"cidr": "10.0.0.0/16", "max_azs": 2, "interface_endpoints": []},
        "retraining": {"batching_window_seconds": 0, "settle_seconds": 0},
    }
    return EnvironmentSettings.model_validate({**settings, **changes})


def workload_settings(name: str = "sales", **serving: Any) -> WorkloadSettings:
    """A small workload, with changes of how it is served."""
    image = {"framework": "xgboost", "version": "3.2-0"}
    return WorkloadSettings.model_validate(
        {
            "name": name,
            "description": "Predicts sales.",
            "data": {
                "trigger_prefix": "orders/",
                "tables": {"curated": {"amount": "double"}, "features": {"label": "int"}},
            },
            "etl": {
                "script": "etl_code/sales.py",
                "driver": WORKER,
                "executor": {**WORKER, "instances": 1},
                "maximum_capacity": {"cpu": "4 vCPU", "memory": "16 GB"},
            },
            "checks": [{"name": "rows", "expression": "count(*)", "min": 1.0}],
            "training": {
                "source": "training_code",
                "script": "train.py",
                "image": image,
                "instance_type": "ml.m5.xlarge",
                "max_runtime_minutes": 60,
            },
            "evaluation": {"script": "training_code/evaluate.py", "instance_type": "ml.m5.xlarge"},
            "gate": {"metric": "auc", "minimum": 0.5},
            "serving": {
                "source": "inference_code",
                "script": "inference.py",
                "variants": [{"instance_type": "ml.m5.large"}],
                "max_latency_ms": 500.0,
                "max_error_percent": 1.0,
                **serving,
            },
        }
    )


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Stack:
    """An empty stack of its own app."""
    monkeypatch.setenv("CDK_VALIDATION", "false")
    return Stack(new_app(context=feature_flags()), "Test", env=Environment(region="eu-west-1"))


def synthesised(stack: Stack) -> Template:
    """The stack's template."""
    return Template(CdkTemplate.from_stack(stack).to_json())
