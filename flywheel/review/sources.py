"""Where the two sides of a review come from: the working tree, a git revision, or what is deployed.

The app is synthesised in a process of its own, with the context of its own `cdk.json`, so that a
revision is read by its own code. Its libraries are those that are installed now.
"""

import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from flywheel.errors import UserError
from flywheel.review.assembly import Environment, read_environment

DEPLOYED = "deployed"
_TRACES_OFF = "aws:cdk:disable-creation-stack-traces"
_AS_THE_CLI = {"aws:cdk:enable-path-metadata": True, "aws:cdk:enable-asset-metadata": True}
"""What the CDK CLI sets by itself. An API's deployment gets another logical id without it."""
_LAST_LINES = 6


@dataclass(frozen=True)
class Revision:
    """A commit of the repository.

    Attributes:
        asked: as somebody wrote it: main, HEAD~2, a tag.
        commit: its full id.
    """

    asked: str
    commit: str

    @property
    def words(self) -> str:
        """As a reader knows it: `main (1a2b3c4d)`."""
        short = self.commit[:8]
        return self.asked if self.commit.startswith(self.asked) else f"{self.asked} ({short})"


def find_revision(root: Path, asked: str) -> Revision:
    """The commit that `asked` names.

    Raises:
        UserError: there is no git repository, or no such revision in it.
    """
    found = _git(
        root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{asked}^{{commit}}"
    )
    if found.returncode:
        if _git(root, "rev-parse", "--git-dir").returncode:
            raise UserError(
                f"{root} is no git repository, so there is no revision {asked} to compare with. "
                "Compare with another environment, or with what is deployed: AGAINST=deployed."
            )
        raise UserError(
            f"AGAINST is {asked}; it must be a git revision, an environment, or {DEPLOYED}. "
            "`git log --oneline` lists revisions; a shallow clone has only the newest "
            "(`git fetch --unshallow`)."
        )
    return Revision(asked, found.stdout.strip())


def check_out(root: Path, revision: Revision, folder: Path) -> None:
    """Write the files of a revision into a folder; the working tree stays as it is."""
    with tempfile.TemporaryFile() as archive:
        done = subprocess.run(
            [_find_git(), "-C", str(root), "archive", "--format=tar", revision.commit],
            stdout=archive,
            stderr=subprocess.PIPE,
            check=False,
        )
        if done.returncode:
            raise UserError(f"git archive {revision.words} failed: {done.stderr.decode().strip()}")
        archive.seek(0)
        with tarfile.open(fileobj=archive) as files:
            files.extractall(folder, filter=_inside)  # noqa: S202 (by tarfile's data filter)


def _inside(member: tarfile.TarInfo, folder: str) -> tarfile.TarInfo | None:
    """Leaves out links to the outside, which are the machine's and not the revision's."""
    try:
        return tarfile.data_filter(member, folder)
    except tarfile.FilterError:
        return None


def synthesise(
    app: Path, assembly: Path, *, context: Mapping[str, str], lines_of_code: bool = True
) -> None:
    """Run the app of a folder into an assembly.

    Args:
        app: folder with app.py and cdk.json.
        assembly: where it goes.
        context: `env`, `workload`, `nag` …, as `cdk synth -c` takes them.
        lines_of_code: keep for each resource the lines that declare it.

    Raises:
        UserError: the app failed; the message is what it said.
    """
    try:
        own = json.loads((app / "cdk.json").read_text(encoding="utf-8")).get("context", {})
    except OSError as error:
        raise UserError(f"{app} has no cdk.json: it is no CDK app ({error.strerror}).") from error
    traces = {_TRACES_OFF: False} if lines_of_code else {}
    environment = {
        **os.environ,
        "CDK_OUTDIR": str(assembly),
        "CDK_CONTEXT_JSON": json.dumps({**own, **_AS_THE_CLI, **traces, **context}),
        "CDK_VALIDATION": "false",
        "JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
    }
    environment.pop("PYTHONPATH", None)
    if lines_of_code:
        environment["JSII_HOST_STACK_TRACES"] = "1"
    run = subprocess.run(
        [sys.executable, str(app / "app.py")],
        cwd=app,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    # With findings of a rule pack it ends with an error, after it has written everything.
    wrote = (assembly / "manifest.json").exists() and (
        run.returncode == 0 or (assembly / "validation-report.json").exists()
    )
    if not wrote:
        lines = (run.stderr or run.stdout).strip().splitlines()[-_LAST_LINES:]
        said = "\n".join(lines) or f"exit code {run.returncode}"
        raise UserError(f"The app of {app} cannot be synthesised:\n{said}")


def of_working_tree(
    root: Path, name: str, assembly: Path, *, workload: str = "", nag: bool = False
) -> Environment:
    """An environment as the files are now."""
    context = {"env": name, **({"workload": workload} if workload else {})}
    synthesise(root, assembly, context={**context, **({"nag": "true"} if nag else {})})
    return read_environment(assembly, name, root=root)


def of_revision(
    root: Path, revision: Revision, name: str, folder: Path, *, workload: str = ""
) -> Environment | None:
    """An environment as a revision has it; None where the revision does not have it at all."""
    sources = folder / "sources"
    check_out(root, revision, sources)
    if not (sources / "config" / "environments" / f"{name}.yaml").exists():
        return None
    context = {"env": name, **({"workload": workload} if workload else {})}
    try:
        synthesise(sources, folder / "cdk.out", context=context)
    except UserError as error:
        raise UserError(
            f"{revision.words} cannot be synthesised with the libraries that are installed now. "
            f"{error}"
        ) from error
    return read_environment(folder / "cdk.out", name, root=sources)


def _git(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [_find_git(), "-C", str(root), *arguments], capture_output=True, text=True, check=False
    )


def _find_git() -> str:
    found = shutil.which("git")
    if found is None:
        raise UserError("git is not installed; without it there are no revisions.")
    return found
