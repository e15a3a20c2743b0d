"""The servers behind an endpoint: one process each, one fleet per deployment."""

from __future__ import annotations

import logging
import random
import shutil
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flywheel.errors import UserError
from flywheel.local_aws.sagemaker import model_container
from flywheel.local_aws.sagemaker.errors import JobError
from flywheel.local_aws.sagemaker.jobs import Services
from flywheel.local_aws.sagemaker.models import Container
from flywheel.local_aws.sagemaker.sandbox import Sandbox
from flywheel.local_aws.sagemaker.server import (
    STOP_SECONDS,
    Answer,
    Server,
    ServerGoneError,
    free_port,
)

logger = logging.getLogger(__name__)

_PING_SECONDS = 0.02  # between two looks whether a starting server answers
_RESTART_WAIT_SECONDS = 10.0  # how long a request waits for a server that is being started again
_RESTART_SECONDS = 1.0  # between two starts of a server that dies while it starts
_UNHEALTHY = (
    "The primary container for production variant {variant} did not pass the ping health check. "
    "Please check CloudWatch logs for this endpoint."
)


class StartError(Exception):
    """A fleet does not start; the text is AWS's failure reason."""


class UnhealthyError(StartError):
    """A container was started and does not answer GET /ping."""


@dataclass
class Variant:
    """One production variant of a deployment."""

    name: str
    container: Container
    settings: Mapping[str, Any]  # the ProductionVariant of the endpoint configuration
    weight: float
    num_instances: int
    sandbox: Sandbox
    servers: list[Server] = field(default_factory=list)


class Fleet:
    """All servers of one deployment of an endpoint."""

    def __init__(
        self,
        services: Services,
        config_name: str,
        variants: list[Variant],
        *,
        unhealthy: str = _UNHEALTHY,
    ) -> None:
        self._unhealthy = unhealthy
        self.config_name = config_name
        self.variants = {variant.name: variant for variant in variants}
        self._services = services
        self._config = services.config
        self._changed = threading.Condition()
        self._in_flight = 0
        self._ended = threading.Event()

    def start(self) -> None:
        """Download the models and start every server; returns when all answer /ping.

        Raises:
            StartError: One does not; everything that was started is ended again.
        """
        with ThreadPoolExecutor(max_workers=8) as pool:
            done = [pool.submit(self._start_variant, variant) for variant in self.variants.values()]
        errors = [error for future in done if (error := future.exception()) is not None]
        if errors:
            self.end()
            raise errors[0] if isinstance(errors[0], StartError) else StartError(str(errors[0]))

    def enter(self) -> None:
        """Count a request as in flight; `leave` must follow."""
        with self._changed:
            self._in_flight += 1

    def leave(self) -> None:
        """The request that entered has its answer."""
        with self._changed:
            self._in_flight -= 1
            self._changed.notify_all()

    def request(
        self,
        target: str | None,
        body: bytes,
        headers: Mapping[str, str],
        timeout_seconds: float | None = None,
    ) -> tuple[str, Answer]:
        """Have one request answered; the variant that did it, and its answer.

        Args:
            target: TargetVariant; else a variant is drawn by weight.
            body: Of the request.
            headers: Of the request.
            timeout_seconds: For the answer; None: as long as InvokeEndpoint waits.

        Raises:
            KeyError: No such variant.
            ServerGoneError: The server ended while it worked on the request, or was too slow, or
                none is up and none came back in time.
        """
        limit = timeout_seconds or self._config.invocation_seconds
        while True:
            with self._server(target) as (variant, server):
                try:
                    return variant.name, server.request(
                        "POST", "/invocations", body, headers, limit
                    )
                except ServerGoneError as error:
                    raise ServerGoneError(variant.name, error.why) from error
                except ConnectionRefusedError:  # it died a moment ago; another one has to do it
                    self._lose(variant, server)

    @contextmanager
    def _server(self, variant_name: str | None = None) -> Iterator[tuple[Variant, Server]]:
        """The least busy server for one request."""
        with self._changed:
            variant = self.variants[variant_name] if variant_name else self._draw()
            if not variant.servers:  # its process died a moment ago and is being started again
                self._changed.wait_for(
                    lambda: bool(variant.servers) or self._ended.is_set(), _RESTART_WAIT_SECONDS
                )
            if not variant.servers:
                raise ServerGoneError(variant.name, "exited")
            server = min(variant.servers, key=lambda known: known.in_flight)
            server.in_flight += 1
        try:
            yield variant, server
        finally:
            with self._changed:
                server.in_flight -= 1

    def drain(self, timeout_seconds: float) -> bool:
        """Wait until no request is in flight; False when some still are after the timeout."""
        with self._changed:
            return self._changed.wait_for(lambda: self._in_flight == 0, timeout_seconds)

    def end(self) -> None:
        """End every server and remove the files."""
        servers = self.abandon()
        for server in servers:
            server.stop()
        for server in servers:
            server.process.wait(STOP_SECONDS + 2)
        for variant in self.variants.values():
            shutil.rmtree(variant.sandbox.root / "opt", ignore_errors=True)

    def _lose(self, variant: Variant, server: Server) -> None:
        with self._changed:
            variant.servers = [known for known in variant.servers if known is not server]
        server.forget()

    def abandon(self) -> list[Server]:
        """Take no more requests and start no server again; what ran until now."""
        self._ended.set()
        with self._changed:
            servers = [server for variant in self.variants.values() for server in variant.servers]
            for variant in self.variants.values():
                variant.servers = []
            self._changed.notify_all()
        for server in servers:
            server.forget()
        return servers

    def _draw(self) -> Variant:
        variants = list(self.variants.values())
        if len(variants) == 1:
            return variants[0]
        return random.choices(variants, [variant.weight for variant in variants])[0]  # noqa: S311 - traffic, not secrets

    def _start_variant(self, variant: Variant) -> None:
        try:
            python = self._config.images.python(variant.container.image)
            model_container.prepare(self._services, variant.container, variant.sandbox)
        except (JobError, UserError, OSError) as error:
            raise StartError(str(error)) from error
        try:
            model_container.check_health(self._services, variant.container, variant.sandbox)
        except JobError as error:
            raise self._unhealthy_because(variant, str(error)) from error
        num_servers = self._config.num_model_workers
        with ThreadPoolExecutor(max_workers=num_servers) as pool:
            servers = [pool.submit(self._start_server, variant, python) for _ in range(num_servers)]
        for server in servers:
            server.result()

    def _unhealthy_because(self, variant: Variant, why: str) -> UnhealthyError:
        return UnhealthyError(f"{self._unhealthy.format(variant=variant.name)} ({why})")

    def _start_server(self, variant: Variant, python: Path) -> Server:
        port = free_port()
        exited = threading.Event()
        process = self._services.processes.start(
            [python, model_container.PROGRAM, str(port)],
            log=variant.sandbox.log,
            env=model_container.environment(
                self._services, variant.container, variant.sandbox, python
            ),
            cwd=variant.sandbox.root,
            on_exit=lambda _: exited.set(),
        )
        server = Server(process, port)
        limit = variant.settings.get(
            "ContainerStartupHealthCheckTimeoutInSeconds", self._config.model_start_seconds
        )
        deadline = time.monotonic() + limit
        while not exited.wait(_PING_SECONDS):
            if server.ping():
                break
            if time.monotonic() > deadline or self._ended.is_set():
                process.stop(0)
                break
        if not process.running or time.monotonic() > deadline:
            raise self._unhealthy_because(variant, f"{process.log}: {process.tail(600)}")
        with self._changed:
            if self._ended.is_set():
                process.stop(0)
                raise StartError(
                    f"The deployment of variant {variant.name} ended while its server started."
                )
            variant.servers.append(server)
            self._changed.notify_all()
        threading.Thread(
            target=self._watch,
            args=(variant, server, python, exited),
            name=f"watch-{port}",
            daemon=True,
        ).start()
        return server

    def _watch(
        self, variant: Variant, server: Server, python: Path, exited: threading.Event
    ) -> None:
        """Start a server again that ended by itself, as SageMaker does with a container."""
        exited.wait()
        self._lose(variant, server)
        if self._ended.is_set():
            return
        logger.warning(
            "a model server of variant %s ended by itself; it is started again", variant.name
        )
        while not self._ended.is_set():
            try:
                self._start_server(variant, python)
            except StartError as error:
                logger.warning("%s", error)
                self._ended.wait(_RESTART_SECONDS)
            else:
                return
