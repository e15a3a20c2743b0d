"""What is written into a model package: how it is served, and where it comes from."""

from typing import Any

from components.code_bundle import INSTALL_WITHOUT_NETWORK
from components.loop.asl import expression, literal
from components.loop.context import LoopContext
from flywheel.algorithms.given import content_type_of

_SCRIPT_REQUESTS = [
    "text/csv",
    "application/json",
    "application/jsonlines",
    "application/x-parquet",
    "application/x-npy",
]
_SCRIPT_RESPONSES = ["application/json", "text/csv"]


def inference_specification(loop: LoopContext) -> dict[str, Any]:
    """InferenceSpecification: container, formats, instance types.

    A script is told where it lies; a built-in algorithm brings its code, and the catalogue says
    what its endpoint takes and answers.
    """
    serving, algorithm = loop.workload.serving, loop.algorithm
    environment: dict[str, str] = {}
    if not algorithm:
        environment = {
            "SAGEMAKER_PROGRAM": serving.script,
            "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
        }
    environment["MODEL_SHA256"] = expression("$sha256")
    specification: dict[str, Any] = {
        "Containers": [
            {
                "Image": loop.serving_image_uri,
                "ModelDataUrl": expression("$model"),
                "Environment": environment,
            }
        ],
        "SupportedContentTypes": _SCRIPT_REQUESTS,
        "SupportedResponseMIMETypes": _SCRIPT_RESPONSES,
        "SupportedRealtimeInferenceInstanceTypes": sorted(
            {variant.instance_type for variant in serving.variants}
        ),
    }
    if not algorithm:
        environment.update(INSTALL_WITHOUT_NETWORK)
        return specification
    answers = [content_type_of(answer.accept)[0] for answer in algorithm.inference.responses]
    return {
        **specification,
        "SupportedContentTypes": list(algorithm.inference.requests),
        "SupportedResponseMIMETypes": list(dict.fromkeys(answers)),
        "SupportedTransformInstanceTypes": [serving.variants[0].instance_type],
    }


def metadata(loop: LoopContext) -> dict[str, str]:
    """CustomerMetadataProperties: a value takes 256 characters."""
    artifacts = f"s3://{loop.lake.artifacts.bucket_name}/{loop.run_folder}"
    metric = loop.workload.gate.metric
    properties = {
        "run_id": expression("$run"),
        "holdout_month": expression("$holdout"),
        # The data manifest always has all months.
        "training_months": expression(
            """(
            $all := $join($training_months, ' ');
            $length($all) <= 256 ? $all
            : $training_months[0] & ' to ' & $training_months[-1]
            )"""
        ),
        "sha256": expression("$sha256"),
        "data_manifest": expression(f"'{artifacts}' & $run & '/data_manifest.json'"),
        metric: expression(f"$string($lookup($challenger, {literal(metric)}))"),
    }
    if loop.algorithm:
        properties["algorithm"] = loop.algorithm.key
    if loop.selects:
        properties["selection_month"] = expression("$selection_month")
    if loop.tuning_job:
        properties["tuning_job"] = expression("$tuning.job")
    return properties
