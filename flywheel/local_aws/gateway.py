"""The program that is the embedded AWS: ministack, with what it lacks, on one loopback port.

Started by `LocalAws` as a child process; `python -m flywheel.local_aws` is the command for people.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import shutil
import signal
import sys
import tempfile
import threading
from pathlib import Path

from flywheel.local_aws.gateway_config import GatewayConfig

SERVICES = (
    "apigateway,athena,budgets,cloudformation,cloudwatch,dynamodb,ec2,ecr,events,glue,iam,kms,lambda,logs,pipes,"
    "resource-groups,s3,scheduler,secretsmanager,sns,sqs,ssm,states,sts,tagging"
)
SHUTDOWN_GRACE_SECONDS = 1.2  # the supervisor of this process allows two when its owner died
KEEP_ALIVE_SECONDS = 75


def main(argv: list[str] | None = None) -> int:
    """Run the gateway until SIGTERM."""
    parser = argparse.ArgumentParser(prog="flywheel.local_aws.gateway")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--region", required=True)
    parser.add_argument("--work-dir", type=Path, required=True)
    parser.add_argument("--images-dir", type=Path, required=True)
    parser.add_argument("--remove-work-dir", action="store_true")
    arguments = parser.parse_args(argv)
    config = GatewayConfig(**vars(arguments))
    _confine(config)
    # Imported only now: ministack reads its environment when it is imported.
    from flywheel.local_aws import additions  # noqa: PLC0415

    running = additions.install(config)
    try:
        asyncio.run(_serve(config))
    finally:
        # What is not gone by then goes with this process: its supervisor sees to it.
        closing = threading.Thread(target=running.close, daemon=True)
        closing.start()
        closing.join(SHUTDOWN_GRACE_SECONDS)
        if config.remove_work_dir:
            shutil.rmtree(config.work_dir, ignore_errors=True)
    # Threads of ministack that wait for nothing would keep the interpreter from ending.
    sys.stdout.flush()
    os._exit(0)


def _confine(config: GatewayConfig) -> None:
    """Keep ministack on loopback, in the work folder, and away from Docker."""
    temporary = config.work_dir / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    os.environ.update(
        {
            "GATEWAY_PORT": str(config.port),
            "BIND_HOST": "127.0.0.1",
            "MINISTACK_HOST": "127.0.0.1",
            "MINISTACK_REGION": config.region,
            "AWS_DEFAULT_REGION": config.region,
            "SERVICES": SERVICES,
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "DOCKER_HOST": "unix:///nonexistent/docker.sock",
            "S3_DATA_DIR": str(config.work_dir / "s3"),
            "STATE_DIR": str(config.work_dir / "state"),
            "TMPDIR": str(temporary),
            "ATHENA_ENGINE": "duckdb",
            "LOG_LEVEL": "WARNING",
        }
    )
    tempfile.tempdir = None  # looked up anew, in TMPDIR
    logging.basicConfig(
        level=logging.WARNING, format="%(asctime)s %(levelname)s [%(name)s] %(message)s"
    )


async def _serve(config: GatewayConfig) -> None:
    from hypercorn.asyncio import serve  # noqa: PLC0415
    from hypercorn.config import Config  # noqa: PLC0415

    from flywheel.local_aws import ministack_seams as seams  # noqa: PLC0415

    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    server = Config()
    server.bind = [f"127.0.0.1:{config.port}"]
    server.keep_alive_timeout = KEEP_ALIVE_SECONDS
    server.graceful_timeout = 0.2
    server.loglevel = "WARNING"
    server.backlog = 1024
    await serve(seams.asgi_app(), server, shutdown_trigger=stop.wait)


if __name__ == "__main__":
    sys.exit(main())
