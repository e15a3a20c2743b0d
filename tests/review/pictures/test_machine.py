"""The picture of a state machine."""

import copy
from collections.abc import Callable
from typing import Any

from flywheel.review import Environment, review
from flywheel.review.pictures.conditions import condition
from flywheel.review.pictures.drawing import Drawing
from flywheel.review.pictures.machine import machine_drawing
from flywheel.review.pictures.picture import draw
from flywheel.review.verdict import ResourceChange
from tests.review.pictures.world import DEFINITION, arrow, box, flow, machine, ways
from tests.review.world import environment

Edit = Callable[[dict[str, Any]], None]


def change_of(before: Any, after: Any) -> ResourceChange | None:
    """What the review says about the machine."""
    old, new = flow(), flow()
    old["Flow"]["Resources"]["Loop"] = machine(before)
    new["Flow"]["Resources"]["Loop"] = machine(after)
    verdict = review(environment(old), environment(new), against="main")
    changes = [each for stack in verdict.stacks for each in stack.resources]
    return next((each for each in changes if each.logical_id == "Loop"), None)


def edited(edit: Edit) -> Drawing:
    """The picture of what an edit does to the definition's states."""
    after: dict[str, Any] = copy.deepcopy(dict(DEFINITION))
    edit(after["States"])
    return machine_drawing("Loop", DEFINITION, after, change_of(DEFINITION, after))


def test_every_state_is_there_with_what_it_does() -> None:
    drawing = machine_drawing("Loop", DEFINITION, DEFINITION, None)
    assert {each.title: (each.shape, each.kind) for each in drawing.boxes} == {
        "": ("start", ""),
        "Note": ("state", "dynamodb:putItem"),
        "Train": ("state", "sagemaker:createTrainingJob"),
        "Good": ("choice", ""),
        "Wait": ("state", "waits 30 s"),
        "Tell": ("state", "sns:publish"),
        "Done": ("end", "the run ends"),
    }
    assert box(drawing, "Train").says == "Train: One job"
    assert ways(drawing) == {
        ("start", "Note"), ("Note", "Train"), ("Train", "Good"), ("Train", "Tell"),
        ("Good", "Wait"), ("Good", "Tell"), ("Wait", "Tell"), ("Tell", "Done"),
    }  # fmt: skip


def test_choices_and_errors_are_labelled() -> None:
    drawing = machine_drawing("Loop", DEFINITION, DEFINITION, None)
    assert arrow(drawing, "Good", "Wait").label == "$metric > 0.5"
    assert arrow(drawing, "Good", "Tell").label == "otherwise"
    error = arrow(drawing, "Train", "Tell")
    assert (error.label, error.flow) == ("any error", "error")


def test_where_the_errors_of_many_states_lead_is_written_into_the_states() -> None:
    states: dict[str, Any] = {
        f"S{n}": {
            "Type": "Pass",
            "Next": f"S{n + 1}",
            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "S4"}],
        }
        for n in range(4)
    }
    definition = {"StartAt": "S0", "States": {**states, "S4": {"Type": "Fail"}}}
    drawing = machine_drawing("Loop", {}, definition, None)
    assert box(drawing, "S0").detail == "on error: S4"
    assert ways(drawing) == {
        ("start", "S0"),
        ("S0", "S1"),
        ("S1", "S2"),
        ("S2", "S3"),
        ("S3", "S4"),
    }
    assert drawing.notes == ("“on error: …” in a state stands for an arrow to S4.",)


def test_a_state_that_changes_comes_or_goes_is_marked_and_so_are_its_ways() -> None:
    def edit(states: dict[str, Any]) -> None:
        del states["Wait"]
        states["Good"]["Choices"][0]["Next"] = "Again"
        states["Again"] = {"Type": "Pass", "Next": "Note"}
        states["Train"]["TimeoutSeconds"] = 60

    drawing = edited(edit)
    marks = {each.title: each.mark for each in drawing.boxes if each.mark}
    assert marks == {"Wait": "removed", "Good": "changed", "Again": "added", "Train": "changed"}
    assert box(drawing, "Train").target == "Flow/Loop/StateMachine"
    assert arrow(drawing, "Good", "Wait").mark == "removed"
    assert arrow(drawing, "Wait", "Tell").mark == "removed"
    assert arrow(drawing, "Note", "Train").mark == ""


def test_a_new_way_between_old_states_is_marked() -> None:
    def edit(states: dict[str, Any]) -> None:
        states["Wait"]["Next"] = "Note"

    drawing = edited(edit)
    assert arrow(drawing, "Wait", "Note").mark == "added"
    assert arrow(drawing, "Wait", "Tell").mark == "removed"


def test_another_order_of_the_same_states_changes_nothing() -> None:
    def edit(states: dict[str, Any]) -> None:
        states["Note"] = states.pop("Note")

    drawing = edited(edit)
    assert {box.mark for box in drawing.boxes} == {arrow.mark for arrow in drawing.arrows} == {""}


def test_states_inside_of_states_stand_in_a_frame_and_are_marked_by_themselves() -> None:
    inner = {"StartAt": "One", "States": {"One": {"Type": "Pass", "End": True}}}
    before = {
        "StartAt": "All",
        "States": {
            "All": {"Type": "Map", "ItemProcessor": inner, "Next": "Both"},
            "Both": {
                "Type": "Parallel",
                "Branches": [{"StartAt": "Two", "States": {"Two": {"Type": "Succeed"}}}],
                "End": True,
            },
        },
    }
    after = copy.deepcopy(before)
    after["States"]["All"]["ItemProcessor"]["States"]["One"]["Comment"] = "New"  # type: ignore[index]
    drawing = machine_drawing("Loop", before, after, change_of(before, after))
    assert [frame.title for frame in drawing.frames] == ["inside All", "inside Both"]
    assert box(drawing, "One").frame == "All 1"
    assert box(drawing, "One").mark == "changed"
    assert box(drawing, "All").mark == ""
    assert ("All", "start") in ways(drawing)


def test_conditions_of_either_language_are_read() -> None:
    assert condition({"Condition": "{% $x = 1 %}"}) == "$x = 1"
    assert condition({"Variable": "$.a", "NumericGreaterThanEquals": 3}) == "$.a ≥ 3"
    assert condition({"Variable": "$.a", "StringEqualsPath": "$.b"}) == "$.a = $.b"
    assert condition({"Variable": "$.a", "IsPresent": False}) == "$.a is not present"
    both = [{"Variable": "$.a", "BooleanEquals": True}, {"Variable": "$.b", "IsNull": True}]
    assert condition({"And": both}) == "$.a = True and $.b is null"
    assert condition({"Not": both[1]}) == "not ($.b is null)"


def test_the_loop_is_drawn_with_all_its_states(dev: Environment) -> None:
    pictures = draw(dev, dev)
    assert len(pictures.machines) == 1
    loop = pictures.machines[0]
    for state in ("TakeLock", "RunEtl", "IsDataClean", "Train", "Gate", "SetPointer", "Promoted"):
        assert f">{state}</text>" in loop.svg
    assert not any(way.change for way in loop.ways)


def test_a_machine_that_comes_or_goes_has_its_picture(dev: Environment) -> None:
    empty = Environment(dev.name, {})
    assert len(draw(None, dev).machines) == 1
    assert len(draw(dev, empty).machines) == 1
