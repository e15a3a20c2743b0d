"""The commands `review`, `diff`, `drift` and `prices`, as a person at a terminal has them."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import boto3
from rich.console import Console

from flywheel.errors import UserError
from flywheel.review.command import Question, gather, judge, write
from flywheel.review.costs import PRICES_FILE, refresh
from flywheel.review.costs.refresh import API_REGION
from flywheel.review.deployed import Clients
from flywheel.review.drift import CannotDetectError, detect
from flywheel.review.page.wording import counted
from flywheel.review.pictures import find_engine
from flywheel.review.review import review
from flywheel.review.sources import DEPLOYED
from flywheel.review.verdict import LEVELS, Review
from flywheel.review.workload_groups import Workloads
from flywheel.settings import load_environments

DIFFERENT = 1
"""Exit code of a drift, and of a review that blocks."""
_STYLES = {"danger": "bold red", "look": "yellow"}


def run_review(question: Question, folder: Path, console: Console) -> int:
    """Write the page, the Markdown and the JSON; 1 where a blocking rule is broken."""
    find_engine()  # better now than when everything else is done
    with _scratch() as scratch, _progress(console) as progress:
        sides = gather(question, scratch, progress, nag=True)
        verdict = judge(question, sides, progress, cache=question.root / "build" / "cfn-lint")
        progress("Drawing and writing")
        files = write(verdict, sides, folder)
    say_summary(verdict, console, routine=False)
    for path in files.values():
        console.print(str(path), highlight=False, soft_wrap=True)
    if verdict.blocked:
        rules = sorted({each.rule for each in verdict.findings if each.blocking})
        console.print(
            f"Blocked by {', '.join(rules)}: config/environments/{verdict.environment}.yaml "
            "review.blocking says so.",
            style="bold red",
            highlight=False,
            soft_wrap=True,
        )
    return DIFFERENT if verdict.blocked else 0


def run_diff(question: Question, console: Console) -> int:
    """Print what a review would say of the change itself, and write nothing."""
    with _scratch() as scratch, _progress(console) as progress:
        sides = gather(question, scratch, progress, nag=False)
        verdict = review(
            sides.before,
            sides.after,
            against=sides.against,
            blocking=sides.settings.review.blocking,
        )
    say_summary(verdict, console, routine=True)
    return 0


def run_drift(question: Question, console: Console) -> int:
    """Templates against what is deployed, and that against the resources; 1 for any difference."""
    with _scratch() as scratch, _progress(console) as progress:
        sides = gather(question, scratch, progress, nag=False)
        if sides.before is None:
            raise UserError(
                f"Nothing of {question.environment} is deployed in this account and region; "
                f"deploy it: cdk deploy -c env={question.environment} '{question.environment}/*'."
            )
        verdict = review(sides.before, sides.after, against=DEPLOYED)
        cannot = ""
        try:
            drifted = detect(sides.before, question.clients("cloudformation"), progress)
        except CannotDetectError as error:
            drifted, cannot = [], str(error)
    say_summary(verdict, console, routine=True)
    for each in drifted:
        console.print(f"  changed by hand  {each.path}: {each.what}", highlight=False)
    if cannot:
        console.print(f"Resources were not looked at: {cannot}", highlight=False)
    elif not drifted:
        console.print("Every resource is as its deployed template says.", highlight=False)
    return DIFFERENT if verdict.stacks or drifted else 0


def run_prices(region: str, console: Console) -> int:
    """Ask AWS for the prices of a region and write the table again."""

    def say(text: str) -> None:
        console.print(text, highlight=False)

    pricing = boto3.client("pricing", region_name=API_REGION)
    refresh(pricing, region=region, today=f"{datetime.now(UTC):%Y-%m-%d}", say=say)
    say(f"{PRICES_FILE.name} is new; `git diff` shows it.")
    return 0


def question(
    root: Path, environment: str, against: str, *, workload: str, ask_account: bool
) -> Question:
    """A question whose clients are those of the account that the user is logged in to."""
    known = load_environments(root / "config")
    region = known[environment].region if environment in known else None
    return Question(
        root=root,
        environment=environment,
        against=against,
        clients=_clients(region),
        workload=workload,
        ask_account=ask_account,
    )


def _clients(region: str | None) -> Clients:
    def client(service: str) -> object:
        return boto3.client(service, region_name=region)

    return client


def say_summary(verdict: Review, console: Console, *, routine: bool) -> None:
    """The verdict in lines, the gravest first; what is said of many workloads is said once.

    Args:
        verdict: What is said.
        console: Where.
        routine: With the findings that nobody need look at.
    """
    counts: dict[str, int] = {}
    for change in (each for stack in verdict.stacks for each in stack.resources):
        counts[change.action] = counts.get(change.action, 0) + 1
    changes = ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in counts.items())
    if not changes:
        changes = "settings of stacks only" if verdict.stacks else "nothing differs"
    console.print(
        f"{verdict.environment} against {verdict.against}: {changes}.",
        highlight=False,
        soft_wrap=True,
    )
    said = [each for each in verdict.findings if routine or each.level in _STYLES]
    said.sort(key=lambda found: -LEVELS.index(found.level))
    for group in Workloads(verdict).findings(said):
        each = group.items[0]
        mark = "blocks" if each.blocking else each.level
        also = f" (And in {counted(len(group.like), 'other workload')}.)" if group.like else ""
        console.print(
            f"  {mark:8} {each.path or each.stack or each.rule}: {each.text}{also}",
            style=_STYLES.get(each.level),
            highlight=False,
            markup=False,
            soft_wrap=True,
        )


@contextmanager
def _scratch() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="flywheel-review-") as folder:
        yield Path(folder)


@contextmanager
def _progress(console: Console) -> Iterator[Callable[[str], None]]:
    """A line that says what is being done, while it is done; lines where nobody looks."""
    if not console.is_terminal:
        yield lambda text: console.print(f"{text} ...", highlight=False)
        return
    with console.status("") as status:
        yield status.update
