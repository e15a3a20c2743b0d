"""`make review`, `make diff`: both sides, everything that is said about them, and the files."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from flywheel.errors import UserError
from flywheel.review.assembly import Environment
from flywheel.review.checks import checks
from flywheel.review.costs import costs
from flywheel.review.deployed import Clients, of_deployment
from flywheel.review.markdown import as_markdown
from flywheel.review.page import as_html
from flywheel.review.pictures import draw
from flywheel.review.quotas import quotas
from flywheel.review.review import review
from flywheel.review.sources import (
    DEPLOYED,
    Revision,
    find_revision,
    of_revision,
    of_working_tree,
)
from flywheel.review.verdict import Review
from flywheel.settings import EnvironmentSettings, load_environments

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Question:
    """What is asked of a review.

    Attributes:
        root: the repository.
        environment: the one that is reviewed.
        against: a git revision, "deployed", or another environment.
        workload: names, separated by commas; empty: all of `config/workloads`.
        clients: gives boto3 clients of the environment's account; asked only for "deployed", and
            for quotas where `ask_account` is set.
    """

    root: Path
    environment: str
    against: str
    clients: Clients
    workload: str = ""
    ask_account: bool = False


@dataclass(frozen=True)
class Sides:
    """Both sides of a review, and the assembly that the later one is from."""

    before: Environment | None
    after: Environment
    against: str
    settings: EnvironmentSettings
    assembly: Path


def gather(question: Question, folder: Path, progress: Progress, *, nag: bool) -> Sides:
    """Synthesise or fetch both sides.

    Args:
        question: What is asked.
        folder: Scratch space; the assemblies must stay there until the review is written.
        progress: Told what takes long.
        nag: With the rule packs, for `checks`.

    Raises:
        UserError: the environment or the revision is not there, an app does not synthesise, or AWS
            cannot be asked.
    """
    known = load_environments(question.root / "config")
    if question.environment not in known:
        raise UserError(
            f"ENV is {question.environment}; it must be one of {', '.join(known)}: those of "
            "config/environments."
        )
    against = question.against
    other = against if against in known and against != question.environment else None
    revision = None
    if other is None and against != DEPLOYED:
        if against == question.environment:
            raise UserError(
                f"AGAINST is {against}, the environment itself; name a git revision, another "
                f"environment or {DEPLOYED}. A branch of that name is refs/heads/{against}."
            )
        revision = find_revision(question.root, against)
    assembly = folder / "after"
    with ThreadPoolExecutor(2) as pool:
        progress(f"Synthesising {question.environment} as it is now")
        later = pool.submit(
            of_working_tree,
            question.root,
            question.environment,
            assembly,
            workload=question.workload,
            nag=nag,
        )
        earlier = pool.submit(_before, question, folder / "before", revision, other)
        after, before = later.result(), earlier.result()
    if against == DEPLOYED:
        progress("Asking CloudFormation what is deployed")
        before = of_deployment(after, question.clients, folder / "deployed")
    words = revision.words if revision else against
    return Sides(before, after, words, known[question.environment], assembly)


def judge(
    question: Question, sides: Sides, progress: Progress, *, cache: Path | None = None
) -> Review:
    """Everything that is said about both sides.

    Args:
        question: What is asked.
        sides: From `gather`, with the rule packs.
        progress: Told what takes long.
        cache: Folder of what cfn-lint said before.
    """
    progress("Checking the templates: cdk-nag, config/rules, cfn-lint")
    return review(
        sides.before,
        sides.after,
        against=sides.against,
        blocking=sides.settings.review.blocking,
        costs=costs(sides.before, sides.after, sides.settings.review.costs),
        quotas=quotas(
            sides.before,
            sides.after,
            clients=question.clients if question.ask_account else None,
        ),
        checks=checks(sides.assembly, sides.after, cache=cache),
    )


def write(verdict: Review, sides: Sides, folder: Path) -> Mapping[str, Path]:
    """The page, the Markdown and the JSON; returns them by suffix."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = {
        "html": as_html(verdict, draw(sides.before, sides.after, verdict=verdict)),
        "md": as_markdown(verdict),
        "json": verdict.model_dump_json(indent=1) + "\n",
    }
    files = {suffix: folder / f"{verdict.environment}.{suffix}" for suffix in texts}
    for suffix, text in texts.items():
        files[suffix].write_text(text, encoding="utf-8")
    return files


def _before(
    question: Question, folder: Path, revision: Revision | None, other: str | None
) -> Environment | None:
    if other is not None:
        return of_working_tree(question.root, other, folder, workload=question.workload)
    if revision is not None:
        return of_revision(
            question.root, revision, question.environment, folder, workload=question.workload
        )
    return None
