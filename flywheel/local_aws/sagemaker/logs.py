"""Job logs, also put where AWS puts them: CloudWatch Logs."""

from __future__ import annotations

import logging
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from flywheel.local_aws.sagemaker.config import SageMakerConfig
from flywheel.local_aws.sagemaker.storage import Storage

logger = logging.getLogger(__name__)

_MAX_EVENTS = 1000
_MAX_LINES = 20_000


class LogSender:
    """Puts the log of an ended job into its log group, while the job uploads its results."""

    def __init__(self, config: SageMakerConfig, storage: Storage) -> None:
        self._enabled = config.send_logs
        self._storage = storage
        self._pool = ThreadPoolExecutor(2, thread_name_prefix="sagemaker-logs")

    def send(self, group: str, stream: str, log: Path) -> Future[None]:
        """Begin to put every line of a log; a log service that is not there is only a warning."""
        return self._pool.submit(self._send, group, stream, log)

    def close(self) -> None:
        """Begin nothing more."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _send(self, group: str, stream: str, log: Path) -> None:
        if not self._enabled or not log.exists():
            return
        lines = log.read_text("utf-8", "replace").splitlines()[-_MAX_LINES:]
        stamp = int(time.time() * 1000)
        events = [{"timestamp": stamp, "message": line} for line in lines if line.strip()]
        if not events:
            return
        client = self._storage.client("logs")
        try:
            for create, names in (
                (client.create_log_group, {"logGroupName": group}),
                (client.create_log_stream, {"logGroupName": group, "logStreamName": stream}),
            ):
                try:
                    create(**names)
                except client.exceptions.ResourceAlreadyExistsException:
                    logger.debug("%s is already there", names)
            for first in range(0, len(events), _MAX_EVENTS):
                batch = events[first : first + _MAX_EVENTS]
                client.put_log_events(logGroupName=group, logStreamName=stream, logEvents=batch)
        except (ClientError, BotoCoreError) as error:
            logger.warning("the log of %s did not reach CloudWatch Logs: %s", stream, error)
