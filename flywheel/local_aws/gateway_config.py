"""How one gateway runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ACCOUNT_ID = "000000000000"


@dataclass(frozen=True)
class GatewayConfig:
    """What the gateway is told when it starts.

    Attributes:
        port: on 127.0.0.1.
        region: of requests that name none.
        work_dir: every file of this AWS is below it.
        images_dir: where the environments of the images are, which outlive this AWS.
        remove_work_dir: delete `work_dir` at the end.
    """

    port: int
    region: str
    work_dir: Path
    images_dir: Path
    remove_work_dir: bool

    @property
    def endpoint_url(self) -> str:
        """Where this AWS answers."""
        return f"http://127.0.0.1:{self.port}"
