"""What the local SageMaker is told when it starts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flywheel.local_aws.images import ImageCatalogue

_ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class SageMakerConfig:
    """Where the rest of AWS is, where files go, and how long things may take.

    `put_events` receives a list of entries as EventBridge's PutEvents takes them (`Source`,
    `DetailType`, `Detail` as a JSON string, `Resources`); it is called from worker threads.
    """

    endpoint_url: str
    work_dir: Path
    region: str
    account_id: str
    put_events: Callable[[list[dict[str, Any]]], object]
    images: ImageCatalogue
    stand_ins: Path = _ROOT  # the folder that `flywheel.standins` is imported from
    access_key_id: str = "test"
    secret_access_key: str = "test"  # noqa: S105 - what ministack and every local AWS accepts
    num_model_workers: int = 1  # server processes per variant
    send_logs: bool = True  # job logs also go to CloudWatch Logs
    stop_grace_seconds: float = 20.0  # AWS: 120 s between SIGTERM and SIGKILL
    checkpoint_sync_seconds: float = 2.0
    capture_flush_seconds: float = 2.0
    model_start_seconds: float = (
        120.0  # unless the variant says ContainerStartupHealthCheckTimeoutInSeconds
    )
    invocation_seconds: float = 60.0  # AWS's limit for one InvokeEndpoint
    traffic_wait_scale: float = 1.0  # multiplies canary and baking waits of a DeploymentConfig

    def arn(self, kind: str, name: str) -> str:
        """ARN of a resource; SageMaker writes names in ARNs in small letters."""
        return f"arn:aws:sagemaker:{self.region}:{self.account_id}:{kind}/{name.lower()}"
