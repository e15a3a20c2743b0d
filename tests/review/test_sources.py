"""Both sides of a review: a revision's own code, and errors that say what to do."""

import json
import shutil
import subprocess
import textwrap
from pathlib import Path

import pytest

from flywheel.errors import UserError
from flywheel.review.sources import find_revision, of_revision, of_working_tree

APP = """\
import aws_cdk as cdk
app = cdk.App()
stack = cdk.Stack(cdk.Stage(app, app.node.get_context("env")), "Lake")
cdk.CfnResource(stack, "Log", type="AWS::Logs::LogGroup", properties={"RetentionInDays": DAYS})
app.synth()
"""


def git(folder: Path, *arguments: str) -> None:
    name = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    program = shutil.which("git")
    assert program is not None
    subprocess.run([program, "-C", str(folder), *name, *arguments], check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Two commits of a small app: a log that is kept 30 days, then 7; 1 in the working tree."""
    folder = tmp_path / "app"
    (folder / "config" / "environments").mkdir(parents=True)
    (folder / "config" / "environments" / "dev.yaml").write_text("name: dev\n")
    (folder / "cdk.json").write_text(json.dumps({"app": "python app.py", "context": {}}))
    git(tmp_path, "init", "--quiet", str(folder))
    for days in (30, 7):
        (folder / "app.py").write_text(textwrap.dedent(APP).replace("DAYS", str(days)))
        git(folder, "add", "-A")
        git(folder, "commit", "--quiet", "-m", f"Keep the log {days} days")
    (folder / "app.py").write_text(textwrap.dedent(APP).replace("DAYS", "1"))
    return folder


def retention(environment: object) -> int:
    [stack] = environment.stacks.values()  # type: ignore[attr-defined]
    days: int = stack.resources["Log"]["Properties"]["RetentionInDays"]
    return days


def test_a_revision_is_read_by_its_own_code_and_the_tree_stays(
    repository: Path, tmp_path: Path
) -> None:
    old = of_revision(repository, find_revision(repository, "HEAD~1"), "dev", tmp_path / "old")
    new = of_working_tree(repository, "dev", tmp_path / "new")
    assert (retention(old), retention(new)) == (30, 1)
    assert "DAYS" not in (repository / "app.py").read_text()
    assert not list(repository.glob("cdk.out"))


def test_a_link_to_the_outside_is_no_part_of_a_revision(repository: Path, tmp_path: Path) -> None:
    (repository / "libraries").symlink_to("/usr/lib")
    git(repository, "add", "libraries")
    git(repository, "commit", "--quiet", "-m", "Link the libraries")
    revision = find_revision(repository, "HEAD")
    assert retention(of_revision(repository, revision, "dev", tmp_path / "old")) == 7
    assert not (tmp_path / "old" / "sources" / "libraries").exists()


def test_every_resource_has_its_line_of_code(repository: Path, tmp_path: Path) -> None:
    [stack] = of_working_tree(repository, "dev", tmp_path / "new").stacks.values()
    assert stack.sources["Log"][0] == "app.py:4"


def test_an_environment_that_the_revision_does_not_have_is_new(
    repository: Path, tmp_path: Path
) -> None:
    (repository / "config" / "environments" / "prod.yaml").write_text("name: prod\n")
    revision = find_revision(repository, "HEAD")
    assert of_revision(repository, revision, "prod", tmp_path / "old") is None


@pytest.mark.parametrize("asked", ["nonsense", "--help", "HEAD:app.py"])
def test_what_is_no_revision_is_refused(repository: Path, asked: str) -> None:
    with pytest.raises(UserError, match=r"it must be a git revision, an environment, or deployed"):
        find_revision(repository, asked)


def test_a_folder_without_git_is_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is no git repository"):
        find_revision(tmp_path, "HEAD")


def test_an_app_that_fails_is_quoted(repository: Path, tmp_path: Path) -> None:
    (repository / "app.py").write_text("raise SystemExit('config: region is Mars.')\n")
    with pytest.raises(UserError, match=r"cannot be synthesised:\nconfig: region is Mars\."):
        of_working_tree(repository, "dev", tmp_path / "new")


def test_a_revision_shows_its_name_and_its_commit(repository: Path) -> None:
    revision = find_revision(repository, "HEAD")
    assert revision.words == f"HEAD ({revision.commit[:8]})"
    assert find_revision(repository, revision.commit[:10]).words == revision.commit[:10]
