"""Transform jobs: a model server answers for every object below a prefix."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from flywheel.local_aws.sagemaker import transform_request
from flywheel.local_aws.sagemaker.fleet import Fleet, StartError, UnhealthyError, Variant
from flywheel.local_aws.sagemaker.jobs import Job, JobService, Services
from flywheel.local_aws.sagemaker.models import Models
from flywheel.local_aws.sagemaker.resources import echo, now, page
from flywheel.local_aws.sagemaker.transform_objects import Outcome, Transformer

_ECHOED = (
    "ModelName", "MaxConcurrentTransforms", "ModelClientConfig", "MaxPayloadInMB", "BatchStrategy",
    "Environment", "TransformInput", "TransformOutput", "TransformResources", "DataProcessing",
    "ExperimentConfig",
)  # fmt: skip
_UNHEALTHY = (
    "The primary container did not pass the ping health check. Please check CloudWatch logs for "
    "this transform job."
)


@dataclass(kw_only=True)
class TransformJob(Job):
    """One transform job."""

    fleet: Fleet | None = None

    @property
    def data_log(self) -> Path:
        """What is said about the objects, apart from what the container says."""
        return self.sandbox.root / "data.log"


class TransformJobs(JobService[TransformJob]):
    """The transform jobs of one account and region."""

    noun = "Transform Job"
    kind = "transform-job"
    log_group = "/aws/sagemaker/TransformJobs"

    def __init__(self, services: Services, models: Models) -> None:
        super().__init__(services)
        self._models = models

    def actions(self) -> dict[str, Callable[[dict[str, Any]], dict[str, Any]]]:
        """What this part of the service answers."""
        return {
            "CreateTransformJob": self.create,
            "DescribeTransformJob": lambda params: self.describe_job(
                self.get(params["TransformJobName"])
            ),
            "StopTransformJob": lambda params: self.stop(params["TransformJobName"]),
            "ListTransformJobs": lambda params: page(
                self.jobs.all(), params, "TransformJobSummaries", _summary
            ),
        }

    def create(self, params: dict[str, Any]) -> dict[str, Any]:
        """Check a request and start the job.

        Raises:
            ServiceError: The request means something that AWS or this machine cannot do.
        """
        transform_request.check(params)
        container = self._models.model(params["ModelName"]).container
        name = params["TransformJobName"]
        job = TransformJob(
            name=name,
            arn=self.config.arn(self.kind, name),
            request=params,
            sandbox=self.sandbox(name),
        )
        variant = Variant(
            name="transform",
            container=replace(
                container,
                environment={**container.environment, **transform_request.environment(params)},
            ),
            settings={},
            weight=1.0,
            num_instances=1,
            sandbox=job.sandbox,
        )
        job.fleet = Fleet(self.services, name, [variant], unhealthy=_UNHEALTHY)
        self.begin(job)
        self.tell(job)
        return {"TransformJobArn": job.arn}

    def stop(self, name: str) -> dict[str, Any]:
        """Ask a job to stop: its model server ends, and with it what is being asked."""
        answer = super().stop(name)
        fleet = self.get(name).fleet
        for server in fleet.abandon() if fleet else ():
            server.stop()
        return answer

    def abandon(self) -> None:
        """Ask no server any more; whoever closes the process table ends them."""
        for job in self.jobs.all():
            job.stopping.set()
            if job.fleet is not None:
                job.fleet.abandon()

    def describe_job(self, job: TransformJob) -> dict[str, Any]:
        """Answer DescribeTransformJob."""
        with self.services.state.changed:
            times = {
                "TransformStartTime": job.started,
                "TransformEndTime": job.ended,
                "FailureReason": job.failure_reason,
            }
            return {
                "TransformJobName": job.name,
                "TransformJobArn": job.arn,
                "TransformJobStatus": job.status,
                "CreationTime": job.created,
                **echo(job.request, *_ECHOED),
                **{name: value for name, value in times.items() if value is not None},
            }

    def carry_out(self, job: TransformJob) -> None:
        """Start the model server, ask it about every object, write the answers."""
        fleet = job.fleet
        if fleet is None:
            return
        transformer = Transformer(self.services, job.request, fleet, job.data_log, job.stopping)
        inputs = transformer.inputs()
        job.started = now()
        try:
            fleet.start()
            outcome = transformer.run(inputs)
        except UnhealthyError as error:
            outcome = Outcome("AlgorithmError", str(error))
        except StartError as error:
            outcome = Outcome("ClientError", str(error))
        finally:
            fleet.end()
            self._send_logs(job)
        if job.stopping.is_set():
            self.finish(job, "Stopped")
        elif outcome.kind:
            self.finish(job, "Failed", reason=f"{outcome.kind}: {outcome.reason}"[:1024])
        else:
            self.finish(job, "Completed")

    def finish(self, job: TransformJob, status: str, *, reason: str | None = None) -> None:
        """Set the last state and tell it."""
        with self.services.state.changed:
            job.status, job.failure_reason = status, reason
            job.ended = job.modified = now()
            self.services.state.changed.notify_all()
        self.tell(job)

    def _send_logs(self, job: TransformJob) -> None:
        stream = f"{job.name}/local-{int(job.created)}"
        logs = {stream: job.sandbox.log, f"{stream}/data-log": job.data_log}
        sent = [self.services.logs.send(self.log_group, *one) for one in logs.items()]
        for one in sent:
            one.result()


def _summary(job: TransformJob) -> dict[str, Any]:
    answer = {
        "TransformJobName": job.name,
        "TransformJobArn": job.arn,
        "CreationTime": job.created,
        "LastModifiedTime": job.modified,
        "TransformJobStatus": job.status,
    }
    if job.ended is not None:
        answer["TransformEndTime"] = job.ended
    return answer if job.failure_reason is None else answer | {"FailureReason": job.failure_reason}
