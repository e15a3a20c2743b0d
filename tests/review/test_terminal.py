"""What a person at a terminal is told."""

import io
from pathlib import Path

import boto3
import pytest
from rich.console import Console

from flywheel.errors import UserError
from flywheel.review.command import Question
from flywheel.review.pictures import layout
from flywheel.review.terminal import run_review, say_summary
from flywheel.review.verdict import Review
from tests.review.page.examples import many
from tests.review.planting import put
from tests.review.world import judge, templates


def said(verdict: Review, *, routine: bool = False) -> list[str]:
    file = io.StringIO()
    say_summary(verdict, Console(file=file, width=80), routine=routine)
    return file.getvalue().splitlines()


def test_the_gravest_comes_first_and_what_is_routine_only_where_it_is_asked_for() -> None:
    after = templates()
    put("Lake.Log.Properties.RetentionInDays", 30)(after)
    put("Serving.Role.Properties.MaxSessionDuration", 7200)(after)
    del after["Lake"]["Resources"]["Scratch"]
    first, *findings = said(judge(after))
    assert first == "prod against main: 1 removed, 2 changed."
    assert [line.split(maxsplit=1)[0] for line in findings] == ["blocks", "look"]
    _, *everything = said(judge(after), routine=True)
    assert everything[:2] == findings
    assert len(everything) > 2
    assert all(line.startswith("  routine ") for line in everything[2:])


def test_what_is_said_of_many_workloads_is_said_once() -> None:
    before, after = many(templates(), 14), many(templates(), 14)
    for number in range(14):
        put(f"W{number}Lake.Log.Properties.RetentionInDays", 30)(after)
    [line] = said(judge(after, before))[1:]
    assert line.startswith("  look     W0Lake/Log: AWS::Logs::LogGroup: Its log is kept for 30")
    assert line.endswith("(And in 13 other workloads.)")


def test_what_is_the_same_is_said_too() -> None:
    assert said(judge(templates())) == ["prod against main: nothing differs."]


def test_what_the_pictures_need_is_asked_for_before_anything_takes_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layout, "_ENGINE", tmp_path / "elkjs")
    asked = Question(tmp_path, "prod", "main", clients=boto3.client)
    with pytest.raises(UserError, match=r"Node and elkjs, .* `make setup`"):
        run_review(asked, tmp_path / "review", Console(file=io.StringIO()))
    assert not list(tmp_path.iterdir())
