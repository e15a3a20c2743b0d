"""The AWS CDK command line, run against the embedded AWS and nothing else."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TextIO

from flywheel.errors import UserError
from flywheel.local_aws.processes import ChildProcess, clean_environment

PROJECT_DIR = Path(__file__).parents[2]

Progress = Callable[[str], None]

# Nothing of the CLI calls home, asks or colours.
QUIET = ("--no-notices", "--no-color", "--ci", "--no-version-reporting")
_STACK = r"(?P<stack>[^\s:]+)(?: \([^)]+\))?"
_STARTED = re.compile(
    rf"^{_STACK}: (?P<what>deploying|destroying)\.\.\. \[(?P<n>\d+)/(?P<of>\d+)\]"
)
_ENDED = re.compile(rf"^\s*✅\s+{_STACK}(?:: (?P<what>destroyed))?(?P<same> \(no changes\))?\s*$")
_ERROR = re.compile(r"❌|Error\b|error:|_FAILED\s|failed:|must be|is not")
_MAX_ERROR_LINES = 25
_LOOK_EVERY_SECONDS = 0.05
_STOP_GRACE_SECONDS = 3.0


class ToolError(UserError):
    """The CDK CLI ended with an error; the message holds what it said about it."""


def find_cdk(project_dir: Path = PROJECT_DIR) -> Path:
    """The CDK CLI of this repository.

    Raises:
        ToolError: it is not installed.
    """
    cdk = project_dir / "node_modules" / ".bin" / "cdk"
    if not cdk.exists():
        raise ToolError(f"{cdk} does not exist; install the tools: `make setup`.")
    return cdk


def tool_environment(
    aws: Mapping[str, str], home: Path, project_dir: Path = PROJECT_DIR
) -> dict[str, str]:
    """The CLI's whole environment: the embedded AWS, the pinned tools, no setting of the user's."""
    inherited = clean_environment()
    folders = (Path(sys.executable).parent, project_dir / "node_modules" / ".bin")
    accounts = {
        k: v for k, v in os.environ.items() if k.startswith(("FLYWHEEL_", "CDK_VALIDATION"))
    }
    return {
        "CDK_VALIDATION": "false",
        **accounts,
        **inherited,
        **aws,
        "PATH": os.pathsep.join([*map(str, folders), inherited.get("PATH", os.defpath)]),
        "HOME": str(home),
        "TMPDIR": str(home),
        "CDK_HOME": str(home / ".cdk"),
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "CDK_DISABLE_VERSION_CHECK": "true",
        "JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION": "1",
        # Kept: unpacking the construct library takes seconds.
        "JSII_RUNTIME_PACKAGE_CACHE_ROOT": str(project_dir / ".flywheel" / "jsii"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "NO_COLOR": "1",
    }


def run_cdk(
    arguments: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str],
    log: Path,
    progress: Progress,
    project_dir: Path = PROJECT_DIR,
) -> str:
    """Run the CLI and tell `progress` about each stack that starts or ends.

    Args:
        arguments: such as `deploy`, `--all`.
        folder: where it runs; its cdk.json names the app.
        environment: its whole environment.
        log: its output is appended here.
        progress: told one line at a time.
        project_dir: where the CLI is installed.

    Returns:
        What it printed.

    Raises:
        ToolError: it ended with an error.
    """
    command = [str(find_cdk(project_dir)), *arguments, *QUIET]
    log.touch()
    with log.open(encoding="utf-8", errors="replace") as output:
        output.seek(0, os.SEEK_END)
        child = ChildProcess(command, log=log, env=environment, cwd=folder)
        try:
            lines = _follow(child, output, progress)
        except BaseException:
            child.stop(_STOP_GRACE_SECONDS)
            child.wait(2 * _STOP_GRACE_SECONDS)
            raise
    if child.returncode != 0:
        raise ToolError(f"cdk {' '.join(arguments[:1])} failed.\n{_what_failed(lines)}")
    return "\n".join(lines)


def _follow(child: ChildProcess, output: TextIO, progress: Progress) -> list[str]:
    """All that it prints until it ends."""
    lines: list[str] = []
    begun = ""
    ended = False
    while not ended:
        ended = child.wait(_LOOK_EVERY_SECONDS) is not None
        *whole, begun = (begun + output.read()).split("\n")
        for line in whole:
            _report(line, progress)
        lines += whole
    return [*lines, begun]


def _report(line: str, progress: Progress) -> None:
    if match := _STARTED.match(line):
        progress(f"{match['stack']}: {match['what']} ({match['n']} of {match['of']})")
    elif match := _ENDED.match(line):
        done = match["what"] or ("unchanged" if match["same"] else "deployed")
        progress(f"{match['stack']}: {done}")


def _what_failed(lines: Sequence[str]) -> str:
    found = [line.strip() for line in lines if _ERROR.search(line)]
    chosen = list(dict.fromkeys(found)) or [line for line in lines if line.strip()]
    return "\n".join(chosen[-_MAX_ERROR_LINES:])
