"""What is paid for each retraining and for predictions."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from flywheel.review.costs.line import Estimate, Line, Place, Unknown, number
from flywheel.review.naming import readable_path
from flywheel.review.sections import CostKind
from flywheel.review.state_machines import Task, machines, tasks_of

_RUN: CostKind = "per_retraining"
_MILLION: CostKind = "per_million_predictions"
_STATES_OF_A_RUN = 60
"""Transitions of a run that promotes, with a few looks at what it waits for."""


def retraining(estimate: Estimate) -> Iterator[Line | Unknown]:
    """The lines of one run of each state machine: its jobs, one after another."""
    for machine in machines(estimate.environment, estimate.resolver):
        place = (machine.stack.id, machine.path)
        for name, task in tasks_of(machine.definition):
            yield from _of_task(estimate, place, name, task)
        what = f"{_STATES_OF_A_RUN} transitions"
        yield estimate.line(place, what, _RUN, _STATES_OF_A_RUN / 1000, "step-functions")


def _of_task(estimate: Estimate, place: Place, name: str, task: Task) -> Iterator[Line | Unknown]:
    assumed, arguments = estimate.assumed, task.arguments

    def job(resources: Mapping[str, Any], minutes: float, jobs: float = 1) -> Line | Unknown:
        kind = str(resources.get("InstanceType"))
        count = number(resources.get("InstanceCount"), 1)
        times = f"{jobs:g} × " if jobs != 1 else ""
        what = f"{name}: {times}{count:g} × {kind}, {minutes:g} minutes assumed"
        return estimate.instance(place, what, _RUN, jobs * count * minutes / 60, kind)

    match task.service, task.action:
        case "sagemaker", "createTrainingJob":
            yield job(arguments.get("ResourceConfig", {}), assumed.training_minutes)
        case "sagemaker", "createHyperParameterTuningJob":
            config = arguments.get("HyperParameterTuningJobConfig", {})
            trainings = number(config.get("ResourceLimits", {}).get("MaxNumberOfTrainingJobs"), 1)
            resources = arguments.get("TrainingJobDefinition", {}).get("ResourceConfig", {})
            yield job(resources, assumed.training_minutes, trainings)
        case "sagemaker", "createProcessingJob":
            resources = arguments.get("ProcessingResources", {}).get("ClusterConfig", {})
            yield job(resources, assumed.evaluation_minutes)
        case "sagemaker", "createTransformJob":
            yield job(arguments.get("TransformResources", {}), assumed.evaluation_minutes)
        case "emr-serverless", "startJobRun":
            yield from _spark(estimate, place, name, task)
        case "athena", "startQueryExecution":
            what = f"{name}: {assumed.checked_gb:g} GB assumed"
            yield estimate.line(place, what, _RUN, assumed.checked_gb / 1024, "athena")


def _spark(estimate: Estimate, place: Place, name: str, task: Task) -> Iterator[Line]:
    """Driver and executors, for as long as the job is assumed to run."""
    submit = task.arguments.get("JobDriver", {}).get("SparkSubmit", {})
    said = str(submit.get("SparkSubmitParameters", ""))
    sizes = dict(re.findall(r"spark\.((?:driver|executor)\.\w+)=(\d+)", said))
    executors = number(sizes.get("executor.instances"), 1)
    cpus = number(sizes.get("driver.cores"), 1) + executors * number(sizes.get("executor.cores"), 1)
    memory = number(sizes.get("driver.memory"), 1)
    memory = (memory + executors * number(sizes.get("executor.memory"), 1)) * 1.1
    hours = estimate.assumed.spark_minutes / 60
    minutes = f"{estimate.assumed.spark_minutes:g} minutes"
    what = f"{name}: {cpus:g} vCPU, {minutes} assumed"
    yield estimate.line(place, what, _RUN, cpus * hours, "emr-serverless-vcpu")
    what = f"{name}: {memory:.0f} GB, {minutes} assumed"
    yield estimate.line(place, what, _RUN, memory * hours, "emr-serverless-memory")


def predictions(estimate: Estimate) -> Iterator[Line | Unknown]:
    """The lines of a million calls of each API, and of what is captured of them."""
    gigabytes = 2 * 1e6 * estimate.assumed.kilobytes_per_prediction / 1e6
    for stack in estimate.environment.stacks.values():
        for logical_id, resource in stack.resources.items():
            place = (stack.id, readable_path(stack, logical_id))
            if resource["Type"] == "AWS::ApiGateway::RestApi":
                yield estimate.line(place, "requests", _MILLION, 1, "api-gateway-rest")
            elif resource["Type"] == "AWS::SageMaker::EndpointConfig":
                what = f"{gigabytes:g} GB in and out assumed"
                yield estimate.line(place, what, _MILLION, gigabytes, "sagemaker-endpoint-data")
                properties = estimate.resolver.plain(stack, resource.get("Properties", {}))
                capture = properties.get("DataCaptureConfig", {})
                share = number(capture.get("InitialSamplingPercentage")) / 100
                if capture.get("EnableCapture") == "true" and share:
                    kept = gigabytes * share
                    what = f"capture of {share:.0%}, kept for a month"
                    yield estimate.line(place, what, _MILLION, kept, "s3-storage")
