"""A training script of ours in script mode."""

from collections.abc import Mapping
from typing import Any

from aws_cdk import aws_iam as iam
from constructs import Construct

from components.code_bundle import INSTALL_WITHOUT_NETWORK, REPOSITORY, CodeBundle
from components.loop.asl import expression
from components.training_program import Manifests, training_image_uri
from flywheel.settings import (
    EnvironmentSettings,
    RangeSettings,
    TuningSettings,
    WorkloadSettings,
)

_CODE = "/opt/ml/input/data/code"


class ScriptProgram:
    """A TrainingProgram whose code is one more channel, so that it needs no network.

    Attributes:
        image_uri: The framework's container.
        environment: What lets the container install the code without a network.
        metric_definitions: The settings' metrics.
    """

    def __init__(
        self, scope: Construct, *, environment: EnvironmentSettings, workload: WorkloadSettings
    ) -> None:
        self._settings, self._region = workload.training, environment.region
        self.image_uri = training_image_uri(environment, workload)
        self.environment: Mapping[str, str] = INSTALL_WITHOUT_NETWORK
        self.metric_definitions = [
            {"Name": metric.name, "Regex": metric.regex} for metric in workload.training.metrics
        ]
        self._code = CodeBundle(
            scope,
            "Code",
            source=REPOSITORY / workload.training.source,
            inference_source=REPOSITORY / workload.serving.source,
        )

    def grant_read(self, role: iam.IRole) -> None:
        """The archive with the code, and nothing else of the asset bucket."""
        self._code.grant_get(role)

    def hyperparameters(self) -> dict[str, str]:
        """The settings', and what Amazon's toolkit wants to know."""
        settings = self._settings
        return {
            **{name: str(value) for name, value in settings.hyperparameters.items()},
            "sagemaker_program": settings.script,
            # A path in the container instead of an S3 URI: that is what lets it do without network.
            "sagemaker_submit_directory": f"{_CODE}/{self._code.file_name}",
            "sagemaker_region": self._region,
        }

    def channels(self, manifests: Manifests) -> list[dict[str, Any]]:
        """The files of the clean months, and the code."""
        return [
            _channel("train", "ManifestFile", expression(manifests("train"))),
            _channel("code", "S3Prefix", self._code.uri),
        ]

    def objective(self, tuning: TuningSettings) -> dict[str, str]:
        """One of the script's metrics and where it should go."""
        return {"Type": str(tuning.goal).capitalize(), "MetricName": tuning.objective}

    def ranges(self, tuning: TuningSettings) -> dict[str, Any]:
        """Between whole numbers only whole numbers are tried."""
        sent: dict[str, list[dict[str, Any]]] = {}
        for name, tried in tuning.ranges.items():
            kind, entry = _range(name, tried)
            sent.setdefault(f"{kind}ParameterRanges", []).append(entry)
        return dict(sent)


def _channel(name: str, kind: str, uri: str) -> dict[str, Any]:
    return {
        "ChannelName": name,
        "InputMode": "File",
        "DataSource": {
            "S3DataSource": {
                "S3DataType": kind,
                "S3Uri": uri,
                "S3DataDistributionType": "FullyReplicated",
            }
        },
    }


def _range(name: str, tried: RangeSettings) -> tuple[str, dict[str, Any]]:
    if tried.values is not None:
        return "Categorical", {"Name": name, "Values": [str(value) for value in tried.values]}
    whole = isinstance(tried.min, int) and isinstance(tried.max, int)
    return "Integer" if whole else "Continuous", {
        "Name": name,
        "MinValue": str(tried.min),
        "MaxValue": str(tried.max),
        "ScalingType": tried.scaling or "Auto",
    }
