"""A client of the prediction API, which can call all the time while models change behind it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

TIMEOUT_SECONDS = 29  # API Gateway's own limit for a synchronous integration

type Instance = Mapping[str, Any]


class PredictionApi:
    """POST /predictions of one deployed API.

    Args:
        url: the stage's URL, as the API stack prints it.
        region: the region that the signature names.
        credentials: access key and secret of a caller with `execute-api:Invoke`.
    """

    def __init__(self, url: str, *, region: str, credentials: tuple[str, str]) -> None:
        self.url = f"{url.rstrip('/')}/predictions"
        self._signer = SigV4Auth(Credentials(*credentials), "execute-api", region)
        self._pool = urllib3.PoolManager(
            maxsize=4, retries=False, timeout=urllib3.Timeout(total=TIMEOUT_SECONDS)
        )

    def post(self, instances: Sequence[Instance]) -> tuple[int, bytes]:
        """Send feature rows as JSON; returns the HTTP status and the body as it came."""
        request = AWSRequest(
            method="POST",
            url=self.url,
            data=json.dumps({"instances": instances}),
            headers={"Content-Type": "application/json", "Accept": "application/json"},
        )
        self._signer.add_auth(request)
        response = self._pool.request(
            "POST", self.url, body=request.data, headers=dict(request.headers.items())
        )
        return response.status, response.data

    def predict(self, instances: Sequence[Instance]) -> list[dict[str, Any]]:
        """The predictions, one for each row.

        Raises:
            RuntimeError: the API answered with anything but 200.
        """
        status, body = self.post(instances)
        if status != 200:
            raise RuntimeError(f"{self.url} answered {status}: {body.decode(errors='replace')}")
        predictions: list[dict[str, Any]] = json.loads(body)["predictions"]
        return predictions


@dataclass
class CallCount:
    """What a steady caller has seen so far."""

    sent: int = 0
    failed: int = 0
    failures: list[str] = field(default_factory=list)  # the first few, in words
    latencies_ms: list[float] = field(default_factory=list)

    def percentile(self, percent: float) -> float | None:
        """A percentile of the latencies in milliseconds; None before the first call."""
        ordered = sorted(self.latencies_ms)
        if not ordered:
            return None
        return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


class SteadyCaller:
    """Calls the API every so often in a thread of its own, from `start` to `stop`."""

    KEPT_FAILURES = 5

    def __init__(
        self, api: PredictionApi, instances: Sequence[Instance], *, interval_seconds: float = 0.1
    ) -> None:
        self.count = CallCount()
        self._api = api
        self._instances = instances
        self._interval_seconds = interval_seconds
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._call, name="api-client", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> CallCount:
        """Finish the call under way and return the final count."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(TIMEOUT_SECONDS + 1)
        return self.count

    def _call(self) -> None:
        while not self._stopped.wait(self._interval_seconds):
            started = time.monotonic()
            failure = self._failure()
            self.count.sent += 1
            self.count.latencies_ms.append((time.monotonic() - started) * 1000)
            if failure:
                self.count.failed += 1
                if len(self.count.failures) < self.KEPT_FAILURES:
                    self.count.failures.append(failure)

    def _failure(self) -> str | None:
        try:
            status, body = self._api.post(self._instances)
        except urllib3.exceptions.HTTPError as error:
            return f"no answer: {error}"
        if status != 200:
            return f"{status}: {body[:300].decode(errors='replace')}"
        if len(json.loads(body)["predictions"]) != len(self._instances):
            return f"a wrong number of predictions: {body[:300].decode(errors='replace')}"
        return None
