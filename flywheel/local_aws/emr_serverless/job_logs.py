"""Job logs, put where the monitoring configuration wants them, under EMR Serverless's names."""

from __future__ import annotations

import gzip
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from flywheel.local_aws.emr_serverless.job_run import JobRun
from flywheel.local_aws.emr_serverless.mirror import Prefix

_MOST_LINES = 2000

logger = logging.getLogger("flywheel.emr-serverless")


class JobLogs:
    """Keeps the logs of ended jobs.

    Args:
        client: a boto3 client of a service, in the current account and region.
    """

    def __init__(self, client: Callable[[str], Any]) -> None:
        self._client = client

    def keep(self, job: JobRun, log: Path) -> None:
        """Put a log on S3 and into CloudWatch Logs, as configured; a failure is worth a warning."""
        name = f"applications/{job.application_id}/jobs/{job.job_run_id}/SPARK_DRIVER"
        text = log.read_text("utf-8", "replace")
        uri = job.monitoring("s3MonitoringConfiguration").get("logUri")
        cloudwatch = job.monitoring("cloudWatchLoggingConfiguration")
        try:
            if uri:
                self._to_s3(uri, f"{name}/stderr.gz", text)
            if cloudwatch.get("enabled"):
                group = cloudwatch.get("logGroupName") or "/aws/emr-serverless"
                prefix = cloudwatch.get("logStreamNamePrefix")
                self._to_cloudwatch(group, "/".join(filter(None, (prefix, name, "stderr"))), text)
        except (ClientError, BotoCoreError) as error:
            logger.warning("the log of job run %s was not kept: %s", job.job_run_id, error)

    def _to_s3(self, uri: str, name: str, text: str) -> None:
        place = Prefix.parse(uri)
        key = f"{place.key.rstrip('/')}/{name}".lstrip("/")
        body = gzip.compress(text.encode(), mtime=0)
        self._client("s3").put_object(Bucket=place.bucket, Key=key, Body=body)

    def _to_cloudwatch(self, group: str, stream: str, text: str) -> None:
        now = int(time.time() * 1000)
        events = [{"timestamp": now, "message": line} for line in text.splitlines() if line.strip()]
        logs = self._client("logs")
        try:
            logs.create_log_group(logGroupName=group)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceAlreadyExistsException":
                raise
        logs.create_log_stream(logGroupName=group, logStreamName=stream)
        if events:
            logs.put_log_events(
                logGroupName=group, logStreamName=stream, logEvents=events[-_MOST_LINES:]
            )
