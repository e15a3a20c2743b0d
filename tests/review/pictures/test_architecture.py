"""The picture of an environment, read from its templates alone."""

import pytest

from flywheel.review import Environment, review
from flywheel.review.pictures.architecture import architecture
from tests.review.pictures.world import arrow, box, drawn, flow, ways
from tests.review.planting import DELETE, put, rename
from tests.review.world import STRANGER, Templates, arn, environment, statement


def test_the_way_of_data_and_events_comes_from_rules_pipes_definitions_and_rights() -> None:
    assert ways(drawn()) == {
        ("producers of data", "In"),
        ("In", "Queue"),
        ("Queue", "Loop"),
        ("Loop", "Notes"),
        ("Loop", "Training"),
        ("Loop", "News"),
        ("In", "Training"),
        ("Training", "Out"),
        ("2 alarms", "News"),
        ("News", "people"),
        ("callers", "Api"),
        ("Api", "Endpoint"),
    }


def test_an_arrow_says_what_goes_along_it_and_both_directions_are_one_arrow() -> None:
    drawing = drawn()
    event = arrow(drawing, "In", "Queue")
    assert (event.flow, event.label, event.says) == ("event", "new files", "Object Created")
    both = arrow(drawing, "Training", "Out")
    assert (both.flow, both.both_ways, both.says) == ("data", True, "writes and reads")
    assert arrow(drawing, "In", "Training").says == "is read by"
    assert arrow(drawing, "Loop", "Training").flow == "control"


def test_a_job_that_only_a_definition_knows_has_a_box_in_the_stack_of_its_role() -> None:
    job = box(drawn(), "Training")
    assert (job.frame, job.kind, job.detail) == ("Flow", "training job", "2 × ml.m5.large")


def test_what_faces_the_outside_says_who_gets_in() -> None:
    drawing = drawn()
    assert box(drawing, "Api").is_open
    assert arrow(drawing, "callers", "Api").label == "signed by IAM"
    anyone = drawn(put("Flow.Ask.Properties.AuthorizationType", "NONE"))
    assert arrow(anyone, "callers", "Api").label == "anyone"
    private = drawn(put("Flow.Api.Properties.EndpointConfiguration", {"Types": ["PRIVATE"]}))
    assert arrow(private, "callers", "Api").mark == "removed"


def test_a_stranger_that_a_policy_lets_in_stands_outside() -> None:
    trust = "Flow.JobRole.Properties.AssumeRolePolicyDocument.Statement"
    opened = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": STRANGER}}
    drawing = drawn(put(trust, [opened]))
    stranger = box(drawing, "account 999999999999")
    assert (stranger.frame, stranger.shape, stranger.mark) == ("", "actor", "added")
    assert stranger.says == STRANGER


def test_what_serves_a_part_is_folded_into_it_and_its_change_marks_the_part() -> None:
    drawing = drawn(put("Flow.InPolicy.Properties.PolicyDocument.Statement", [statement("s3:*")]))
    assert not any(each.title == "InPolicy" for each in drawing.boxes)
    assert box(drawing, "In").mark == "changed"
    assert box(drawing, "In").detail == "1 changed inside"
    assert box(drawing, "In").target == "Flow/InPolicy"
    assert box(drawing, "Out").mark == ""


def test_several_alarms_are_one_box_that_counts_what_happens_to_them() -> None:
    alarms = box(drawn(put("Flow.Late", DELETE)), "2 alarms")
    assert alarms.kind in ("Failed, Late", "Late, Failed")
    assert (alarms.mark, alarms.detail) == ("changed", "1 removed")


def test_every_change_is_marked() -> None:
    def grow(given: Templates) -> None:
        given["Flow"]["Resources"]["More"] = {"Type": "AWS::S3::Bucket", "Properties": {}}

    drawing = drawn(
        grow,
        put("Flow.Notes", DELETE),
        put("Flow.Queue.Properties.VisibilityTimeout", 60),
        put("Flow.Out.Properties.BucketName", "another"),
    )
    marks = {each.title: each.mark for each in drawing.boxes if each.mark}
    assert marks == {
        "More": "added", "Notes": "removed", "Queue": "changed", "Out": "replaced",
        "Loop": "changed", "Training": "changed",
    }  # fmt: skip
    assert box(drawing, "Out").target == "Flow/Out"


def test_what_got_another_logical_id_is_one_box() -> None:
    drawing = drawn(rename("Flow", "Out", "Outgoing", path="Flow/Out"))
    assert [each.mark for each in drawing.boxes if each.title == "Out"] == ["replaced"]
    assert ("Training", "Out") in ways(drawing)


def test_ways_that_come_and_go_are_marked() -> None:
    rights = "Flow.JobRole.Properties.Policies.0.PolicyDocument.Statement"
    more = drawn(
        put(f"{rights}.2", statement("dynamodb:Query", arn("Notes"))), put(f"{rights}.0", DELETE)
    )
    assert arrow(more, "Notes", "Training").mark == "added"
    assert arrow(more, "In", "Training").mark == "removed"
    assert arrow(more, "Training", "Out").mark == ""
    rule = drawn(put("Flow.NewFiles.Properties.Description", "Another"))
    assert arrow(rule, "In", "Queue").mark == "changed"


def test_a_job_whose_request_changes_is_marked() -> None:
    def grow(given: Templates) -> None:
        pieces = given["Flow"]["Resources"]["Loop"]["Properties"]["DefinitionString"]
        pieces["Fn::Join"][1] = [
            each.replace('"InstanceCount": 2', '"InstanceCount": 4')
            if isinstance(each, str)
            else each
            for each in pieces["Fn::Join"][1]
        ]

    drawing = drawn(grow)
    assert box(drawing, "Training").mark == "changed"
    assert box(drawing, "Training").detail == "4 × ml.m5.large"


def test_a_new_stack_is_marked_as_a_whole() -> None:
    after = environment(flow())
    drawing = architecture(None, after, review(None, after, against="nothing"))
    assert [frame.mark for frame in drawing.frames] == ["added"]
    assert {each.mark for each in drawing.boxes} == {""}


def test_a_stack_without_parts_is_drawn_too() -> None:
    def empty(given: Templates) -> None:
        role = given["Flow"]["Resources"]["PipeRole"]
        given["Roles"] = {"Resources": {"Other": {**role, "Metadata": {}}}}

    assert box(drawn(empty), "1 resource").frame == "Roles"


def test_the_app_is_drawn_with_every_stack_and_the_whole_way_of_the_data(
    dev: Environment,
) -> None:
    drawing = architecture(dev, dev, review(dev, dev, against="itself"))
    assert [frame.id for frame in drawing.frames] == list(dev.stacks)
    found = ways(drawing)
    for way in (
        ("producers of data", "Raw"), ("Raw", "Queue"), ("Queue", "Loop"), ("Loop", "Spark"),
        ("Raw", "Spark"), ("Spark", "Curated"), ("Spark", "Features"), ("Curated", "Workgroup"),
        ("Loop", "Workgroup"), ("Loop", "Training"), ("Features", "Training"),
        ("Training", "Artifacts"), ("Loop", "Evaluation"), ("Loop", "ModelPackageGroup"),
        ("Loop", "Champion"), ("Champion", "Serving"), ("Loop", "Serving"),
        ("Artifacts", "Serving"), ("Serving", "Captured"), ("callers", "Predictions"),
        ("Predictions", "Serving"), ("Loop", "Topic"), ("7 alarms", "Topic"),
    ):  # fmt: skip
        assert way in found
    assert {box.mark for box in drawing.boxes} == {arrow.mark for arrow in drawing.arrows} == {""}


def test_nothing_differs_between_environments_but_what_the_review_says(
    dev: Environment, prod: Environment
) -> None:
    verdict = review(dev, prod, against="dev")
    drawing = architecture(dev, prod, verdict)
    paths = {change.path for stack in verdict.stacks for change in stack.resources}
    assert {each.target for each in drawing.boxes if each.target} <= paths
    assert box(drawing, "Training").mark == ""


@pytest.mark.parametrize("change", ["Flow.Loop.Properties.DefinitionString", "Flow.In.Properties"])
def test_a_template_that_says_little_is_drawn_nevertheless(change: str) -> None:
    assert drawn(put(change, {})).boxes
