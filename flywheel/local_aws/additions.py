"""Puts what ministack lacks into it: services, resource types, tasks, pipes, a way to endpoints."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from flywheel.local_aws import ministack_seams as seams
from flywheel.local_aws import rest_sagemaker, sagemaker_types
from flywheel.local_aws.api_types import ApiTypes
from flywheel.local_aws.autoscaling import SERVICE as AUTOSCALING
from flywheel.local_aws.autoscaling import TARGET_PREFIX, AutoScaling
from flywheel.local_aws.emr_serverless.runner import JobRunner, RunnerConfig
from flywheel.local_aws.emr_serverless.service import SERVICE as EMR_SERVERLESS
from flywheel.local_aws.emr_serverless.service import EmrServerless
from flywheel.local_aws.gateway_config import ACCOUNT_ID, GatewayConfig
from flywheel.local_aws.images import ImageCatalogue
from flywheel.local_aws.job_tasks import JobTasks
from flywheel.local_aws.network_types import NetworkTypes
from flywheel.local_aws.patience import patient
from flywheel.local_aws.pipes import SqsPipes
from flywheel.local_aws.processes import ProcessTable
from flywheel.local_aws.request_validator import RequestValidator
from flywheel.local_aws.sagemaker import service as sagemaker
from flywheel.local_aws.sagemaker.config import SageMakerConfig
from flywheel.local_aws.sdk_tasks import Clients, SdkTasks

_GRACE_SECONDS = 0.5
# What a run of the loop calls.
_NEEDED_SOON = (
    "sqs",
    "s3",
    "ssm",
    "emr-serverless",
    "athena",
    "sagemaker",
    "sns",
    "cloudformation",
)


class Additions:
    """Everything of this package that runs inside the gateway.

    Args:
        config: the gateway's.
    """

    def __init__(self, config: GatewayConfig) -> None:
        self._config = config
        self._clients = Clients(config.endpoint_url)
        self._images = ImageCatalogue(config.images_dir)
        self._processes = ProcessTable()
        self._pipes = SqsPipes(self._clients)
        self._sagemaker = self._configure_sagemaker()
        self._emr = EmrServerless(
            JobRunner(
                RunnerConfig(
                    endpoint_url=config.endpoint_url,
                    work_dir=config.work_dir / "emr-serverless",
                    python=self._images.python,
                    client=self._clients.get,
                ),
                self._processes,
            ),
            self._images.find,
        )

    def install(self) -> None:
        """Register everything with ministack."""
        autoscaling = AutoScaling(
            lambda name: self._sagemaker.call("DescribeEndpoint", {"EndpointName": name})
        )
        seams.add_service(
            "sagemaker",
            sagemaker.handle_request,
            target_prefix="SageMaker.",
            payloads="/endpoints/",
        )
        seams.add_service(EMR_SERVERLESS, self._emr.service.handle_request)
        seams.add_service(
            AUTOSCALING, autoscaling.service.handle_request, target_prefix=TARGET_PREFIX
        )
        sagemaker_types.SageMakerTypes(
            self._sagemaker.call,
            lambda name, seconds: self._sagemaker.wait("endpoint", name, seconds),
            self._sagemaker.wait_deleted,
        ).install()
        for types in (ApiTypes, NetworkTypes, RequestValidator):
            types(self._clients).install()
        sdk = SdkTasks(self._clients)
        seams.use_sdk_tasks(sdk.run)
        JobTasks(sdk, self._waiters()).install()
        seams.keep_pipe_parameters()
        seams.allow_math_alarms()
        seams.check_only_modelled_bodies()
        seams.wrap_service("cloudformation", patient)
        seams.add_rest_integration(
            rest_sagemaker.SERVICE, rest_sagemaker.SageMakerIntegration(sagemaker.handle_request)
        )
        self._pipes.start()
        with seams.request_scope(ACCOUNT_ID, self._config.region):
            self._clients.warm(_NEEDED_SOON)

    def close(self) -> None:
        """End every job, model server and poller."""
        self._pipes.close()
        spark = threading.Thread(target=self._processes.close, args=(_GRACE_SECONDS,))
        spark.start()
        sagemaker.shutdown()
        spark.join()

    def _configure_sagemaker(self) -> sagemaker.SageMaker:
        return sagemaker.configure(
            SageMakerConfig(
                endpoint_url=self._config.endpoint_url,
                work_dir=self._config.work_dir / "sagemaker",
                region=self._config.region,
                account_id=ACCOUNT_ID,
                put_events=self._put_events,
                images=self._images,
            )
        )

    def _put_events(self, entries: list[dict[str, Any]]) -> None:
        with seams.request_scope(ACCOUNT_ID, self._config.region):
            seams.put_events(entries)

    def _waiters(self) -> dict[str, Any]:
        def of_sagemaker(kind: str, name: str) -> Any:
            def wait(key: Mapping[str, Any], seconds: float) -> None:
                try:
                    self._sagemaker.wait(kind, key[name], seconds)
                except TimeoutError:
                    return

            return wait

        return {
            "createTrainingJob": of_sagemaker("training-job", "TrainingJobName"),
            "createProcessingJob": of_sagemaker("processing-job", "ProcessingJobName"),
            "createHyperParameterTuningJob": of_sagemaker(
                "hyper-parameter-tuning-job", "HyperParameterTuningJobName"
            ),
            "createTransformJob": of_sagemaker("transform-job", "TransformJobName"),
            "startJobRun": lambda key, seconds: self._emr.wait(key["JobRunId"], seconds),
        }


def install(config: GatewayConfig) -> Additions:
    """Make and register everything; close what is returned at the end."""
    seams.check_version()
    additions = Additions(config)
    additions.install()
    return additions
