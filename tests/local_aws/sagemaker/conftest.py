"""The local SageMaker behind one HTTP port, with ministack's S3, logs and alarms beside it."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flywheel.local_aws.images import REQUIREMENTS, ImageCatalogue
from flywheel.local_aws.sagemaker.config import SageMakerConfig
from flywheel.local_aws.sagemaker.service import SageMaker
from tests.local_aws.sagemaker import fake_stand_ins
from tests.local_aws.sagemaker.helpers import ACCOUNT, REGION, Aws

IMAGES = Path(__file__).parents[3] / ".flywheel" / "images"


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    """One local AWS for all tests of this process; every test uses names of its own."""
    work_dir = tmp_path_factory.mktemp("aws")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    events: list[dict[str, Any]] = []
    config = SageMakerConfig(
        endpoint_url=f"http://127.0.0.1:{port}",
        work_dir=work_dir,
        region=REGION,
        account_id=ACCOUNT,
        put_events=events.extend,
        images=ImageCatalogue(IMAGES, requirements=_one_environment(work_dir / "requirements")),
        stand_ins=fake_stand_ins.write(work_dir / "fakes"),
        checkpoint_sync_seconds=0.05,
        capture_flush_seconds=0.05,
        stop_grace_seconds=5,
    )
    service = SageMaker(config)
    stop = threading.Event()
    ready = threading.Event()
    thread = threading.Thread(target=_serve, args=(service, port, stop, ready), daemon=True)
    thread.start()
    assert ready.wait(30)
    yield Aws(config.endpoint_url, service, events)
    service.close()
    stop.set()
    thread.join(10)


def _one_environment(folder: Path) -> Path:
    """A catalogue in which every image has the libraries of XGBoost's: one has to be built."""
    folder.mkdir()
    libraries = "sagemaker-xgboost-3.2-0.txt"
    (folder / libraries).write_bytes((REQUIREMENTS / libraries).read_bytes())
    entries = json.loads((REQUIREMENTS / "catalogue.json").read_text())
    shared = [entry | {"requirements": libraries} for entry in entries]
    (folder / "catalogue.json").write_text(json.dumps(shared))
    return folder


def _serve(service: SageMaker, port: int, stop: threading.Event, ready: threading.Event) -> None:
    asyncio.run(_serve_async(service, port, stop, ready))


async def _serve_async(
    service: SageMaker, port: int, stop: threading.Event, ready: threading.Event
) -> None:
    os.environ.update({"SERVICES": "s3,logs,cloudwatch", "LOG_LEVEL": "ERROR"})
    from hypercorn.asyncio import serve
    from hypercorn.config import Config
    from ministack.app import app as ministack

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            while (message := await receive())["type"] != "lifespan.shutdown":
                await send({"type": f"{message['type']}.complete"})
                ready.set()
            await send({"type": "lifespan.shutdown.complete"})
            return
        headers = {name.decode().lower(): value.decode() for name, value in scope["headers"]}
        ours = headers.get("x-amz-target", "").startswith("SageMaker.")
        if not ours and not scope["path"].startswith("/endpoints/"):
            await ministack(scope, receive, send)
            return
        body = b""
        while (message := await receive())["type"] == "http.request":
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        status, answered, content = await service.handle_request(scope["path"], headers, body)
        head = [(name.lower().encode(), value.encode()) for name, value in answered.items()]
        head.append((b"content-length", str(len(content)).encode()))
        await send({"type": "http.response.start", "status": status, "headers": head})
        await send({"type": "http.response.body", "body": content})

    server = Config()
    server.bind = [f"127.0.0.1:{port}"]
    server.loglevel = "ERROR"
    server.graceful_timeout = 0.5
    loop = asyncio.get_running_loop()
    await serve(app, server, shutdown_trigger=lambda: loop.run_in_executor(None, stop.wait))
