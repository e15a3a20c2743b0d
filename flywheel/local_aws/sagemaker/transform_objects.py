"""What a transform job does with its objects: each is asked about, and answered whole or not."""

from __future__ import annotations

import gzip
import threading
import zlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flywheel.local_aws.sagemaker import data_processing, transform_input, transform_request
from flywheel.local_aws.sagemaker.errors import JobError
from flywheel.local_aws.sagemaker.fleet import Fleet
from flywheel.local_aws.sagemaker.jobs import Services
from flywheel.local_aws.sagemaker.server import ServerGoneError
from flywheel.local_aws.sagemaker.storage import join_uri

_SHOWN_CHARACTERS = 400
_SEE_LOGS = "See job logs for more information"


@dataclass(frozen=True)
class Outcome:
    """How the objects of a job went; `kind` is whose fault it was, empty when all went well."""

    kind: str = ""
    reason: str = ""


class _AnswerError(Exception):
    """The model server did not answer a request as it should."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Transformer:
    """Asks the model server of one job.

    Args:
        services: where S3 is.
        request: CreateTransformJob's.
        fleet: the model server.
        data_log: receives a line for each object that fails.
        stopping: set when the job is to stop.
    """

    def __init__(
        self,
        services: Services,
        request: Mapping[str, Any],
        fleet: Fleet,
        data_log: Path,
        stopping: threading.Event,
    ) -> None:
        self._storage = services.storage
        self._request = request
        self._fleet = fleet
        self._data_log = data_log
        self._stopping = stopping
        self._sending = transform_request.sending(request)
        self._processing = data_processing.of(request)

    def inputs(self) -> dict[str, str]:
        """Every object's URI, and its name below the output path.

        Raises:
            JobError: There is none, or S3 does not say.
        """
        source = self._request["TransformInput"]["DataSource"]["S3DataSource"]
        return self._storage.objects(source["S3Uri"], source["S3DataType"])

    def run(self, inputs: Mapping[str, str]) -> Outcome:
        """Answer for each object; one that fails leaves no output and does not stop the others."""
        failed: list[Outcome] = []
        with ThreadPoolExecutor(self._sending.num_concurrent) as pool:
            for uri, name in inputs.items():
                if self._stopping.is_set():
                    break
                try:
                    self._transform(uri, name, pool)
                except JobError as error:
                    failed.append(self._failed(uri, "ClientError", str(error)))
                except _AnswerError as error:
                    failed.append(self._failed(uri, error.kind, str(error)))
        if not failed:
            return Outcome()
        # The model's own fault is told before a request's.
        return min(failed, key=lambda one: one.kind != "AlgorithmError")

    def _failed(self, uri: str, kind: str, why: str) -> Outcome:
        self._data_log.parent.mkdir(parents=True, exist_ok=True)
        with self._data_log.open("a", encoding="utf-8") as log:
            log.write(f"[sagemaker logs]: {uri}: {kind}: {why}\n")
        return Outcome(kind, f"{_SEE_LOGS}. {uri}: {why}")

    def _transform(self, uri: str, name: str, pool: ThreadPoolExecutor) -> None:
        given, output = self._request["TransformInput"], self._request["TransformOutput"]
        content = self._storage.read(uri)
        if given.get("CompressionType") == "Gzip":
            content = _unzipped(content, uri)
        bodies = transform_input.bodies(
            content,
            given.get("SplitType", "None"),
            single=self._sending.single,
            max_bytes=self._sending.max_bytes,
        )
        answers = list(pool.map(self._answer, bodies))
        if not self._stopping.is_set():
            self._storage.write(
                join_uri(output["S3OutputPath"], f"{name}.out"),
                transform_input.assembled(answers, output.get("AssembleWith", "None")),
                output.get("KmsKeyId"),
            )

    def _answer(self, body: bytes) -> bytes:
        if self._processing is None:
            return self._ask(body)
        return self._processing.result(body, self._ask(self._processing.request(body)))

    def _ask(self, body: bytes) -> bytes:
        sending = self._sending
        status, said = 0, ""
        for _ in range(1 + sending.num_retries):
            if self._stopping.is_set():
                break
            try:
                _, answer = self._fleet.request(
                    None, body, sending.headers, sending.timeout_seconds
                )
            except ServerGoneError as error:
                said = f"the model server {'took too long' if error.why == 'timeout' else 'ended'}"
                continue
            if answer.status < 400:
                return answer.body
            status, said = answer.status, answer.body.decode("utf-8", "replace")
            if status < 500:
                break  # the same request would be refused again
        raise _AnswerError(
            "ClientError" if 400 <= status < 500 else "AlgorithmError",
            f"Bad HTTP status received from algorithm: {status}: {said[:_SHOWN_CHARACTERS]}",
        )


def _unzipped(content: bytes, uri: str) -> bytes:
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise JobError(f"{uri} is not compressed with gzip: {error}") from error
