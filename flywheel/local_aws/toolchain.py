"""The AWS CDK command line, run against the embedded AWS and nothing else."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from flywheel.errors import UserError
from flywheel.local_aws.processes import clean_environment

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
    lines: list[str] = []
    with (
        log.open("a", encoding="utf-8") as file,
        subprocess.Popen(
            command,
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            process_group=0,
        ) as process,
    ):
        try:
            for line in process.stdout or ():
                file.write(line)
                file.flush()
                lines.append(line.rstrip())
                _report(line, progress)
            code = process.wait()
        except BaseException:
            _end(process)
            raise
    if code != 0:
        raise ToolError(f"cdk {' '.join(arguments[:1])} failed.\n{_what_failed(lines)}")
    return "\n".join(lines)


def _end(process: subprocess.Popen[str]) -> None:
    """Stop the CLI and what it started, the app included."""
    for signal_number in (15, 9):
        try:
            os.killpg(process.pid, signal_number)
        except (ProcessLookupError, PermissionError):
            break
        try:
            process.wait(3)
        except subprocess.TimeoutExpired:
            continue
        break
    process.wait()


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
