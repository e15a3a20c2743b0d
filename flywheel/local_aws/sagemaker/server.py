"""One model server process, and the connections to it."""

from __future__ import annotations

import http.client
import socket
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from flywheel.local_aws.processes import ChildProcess

STOP_SECONDS = 3.0
_EXIT_SECONDS = 0.1  # after a connection breaks: whether the process went with it


class ServerGoneError(Exception):
    """A server process ended, or did not answer in time, while it worked on a request."""

    def __init__(self, variant: str, why: Literal["exited", "timeout"]) -> None:
        super().__init__(f"{variant}: {why}")
        self.variant = variant
        self.why: Literal["exited", "timeout"] = why


@dataclass(frozen=True)
class Answer:
    """What a model server answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Server:
    """One model server process and the connections to it."""

    def __init__(self, process: ChildProcess, port: int) -> None:
        self.process = process
        self.port = port
        self.in_flight = 0  # guarded by the fleet
        self._idle: deque[http.client.HTTPConnection] = deque()
        self._gone = False

    def ping(self) -> bool:
        """Whether GET /ping answers 200."""
        try:
            return self.request("GET", "/ping", b"", {}, timeout_seconds=2).status == 200
        except (ServerGoneError, OSError):
            return False

    def request(
        self,
        method: str,
        path: str,
        body: bytes,
        headers: Mapping[str, str],
        timeout_seconds: float,
    ) -> Answer:
        """Send one request over a kept connection, or a new one.

        Raises:
            ConnectionRefusedError: The process is gone; it has not seen the request.
            ServerGoneError: The process ended before it answered, or was too slow.
        """
        while True:
            connection, reused = self._connection(timeout_seconds)
            try:
                connection.request(method, path, body, dict(headers))
                response = connection.getresponse()
                answer = Answer(
                    response.status,
                    {k.lower(): v for k, v in response.getheaders()},
                    response.read(),
                )
            except TimeoutError as error:
                connection.close()
                raise ServerGoneError("", "timeout") from error
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                if reused and self.process.wait(_EXIT_SECONDS) is None:
                    continue  # it lives: it had closed an idle connection and has not seen this
                raise ServerGoneError("", "exited") from error
            if response.will_close or self._gone:
                connection.close()
            else:
                self._idle.append(connection)
            return answer

    def stop(self) -> None:
        """Ask the process to end; returns at once."""
        self.forget()
        self.process.stop(STOP_SECONDS)

    def forget(self) -> None:
        """Close the kept connections; there will be no more."""
        self._gone = True
        while self._idle:
            self._idle.pop().close()

    def _connection(self, timeout_seconds: float) -> tuple[http.client.HTTPConnection, bool]:
        """A connection, and whether it was kept from an earlier request."""
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout_seconds)
            connection.connect()
            return connection, False
        if connection.sock is not None:
            connection.sock.settimeout(timeout_seconds)
        return connection, True


def free_port() -> int:
    """A port of 127.0.0.1 that nobody has at this moment."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
