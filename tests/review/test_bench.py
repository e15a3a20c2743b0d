"""Every planted change gets the verdict that it must have, no more and no less."""

import pytest

from flywheel.review import Review
from tests.review.planting import Plant
from tests.review.plants import PLANTS
from tests.review.reworded import REWORDED, UNCHANGED
from tests.review.world import judge, templates


def verdict_of(plant: Plant) -> Review:
    after = templates()
    plant.change(after)
    return judge(after)


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.says)
def test_a_planted_change_gets_its_verdict(plant: Plant) -> None:
    verdict = verdict_of(plant)
    graver = {
        (finding.rule, finding.path)
        for finding in verdict.findings
        if finding.level in ("look", "danger")
    }
    actions = {change.path: change.action for stack in verdict.stacks for change in stack.resources}
    assert graver == plant.findings
    assert actions == plant.actions
    assert (verdict.level, verdict.blocked) == (plant.level, plant.blocked)


@pytest.mark.parametrize("plant", REWORDED, ids=lambda plant: plant.says)
def test_a_policy_in_other_words_is_no_change(plant: Plant) -> None:
    before, verdict = templates(), verdict_of(plant)
    after = templates()
    plant.change(after)
    assert before != after
    assert [stack.resources for stack in verdict.stacks if stack.resources] == []
    assert {change.change for change in verdict.access} == {"same"}
    assert {finding.rule for finding in verdict.findings} <= {"wildcard_unexplained"}
    assert verdict.level == "routine"


@pytest.mark.parametrize("plant", UNCHANGED, ids=lambda plant: plant.says)
def test_other_text_with_the_same_effect_is_no_change(plant: Plant) -> None:
    verdict = verdict_of(plant)
    assert verdict.stacks == ()
    assert {finding.rule for finding in verdict.findings} == {"wildcard_unexplained"}


def test_the_bench_has_at_least_25_plants_of_which_many_are_reworded() -> None:
    assert len(PLANTS) >= 25
    assert len(REWORDED) >= 10
