"""What is deployed, and drift, with AWS's answers given by hand; tests/e2e has real ones."""

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, NoCredentialsError

from flywheel.errors import UserError
from flywheel.review import Environment, review
from flywheel.review.assembly import Asset
from flywheel.review.deployed import of_deployment
from flywheel.review.drift import CannotDetectError, detect
from tests.review.estate import environment

OLD = "a" * 64


def refused(code: str, action: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, action)


class Account:
    """CloudFormation, S3 and STS of an account with these stacks and objects."""

    def __init__(self, stacks: dict[str, Any], objects: dict[str, bytes] | None = None) -> None:
        self.stacks, self.objects = stacks, objects or {}
        self.meta = type("Meta", (), {"region_name": "eu-west-1"})

    def __call__(self, _service: str) -> "Account":
        return self

    def get_paginator(self, _name: str) -> "Account":
        return self

    def paginate(self) -> list[Any]:
        described = [
            {
                "StackName": name,
                "StackId": f"arn:aws:cloudformation:eu-west-1:000000000000:stack/{name}/1",
                "StackStatus": "DELETE_COMPLETE" if template is None else "UPDATE_COMPLETE",
            }
            for name, template in self.stacks.items()
        ]
        return [{"Stacks": described}]

    def get_template(self, *, StackName: str, TemplateStage: str) -> Any:  # noqa: N803
        assert TemplateStage == "Original"
        return {"TemplateBody": self.stacks[StackName]}

    def get_caller_identity(self) -> Any:
        return {"Account": "000000000000"}

    def get_object(self, *, Bucket: str, Key: str) -> Any:  # noqa: N803
        assert Bucket == "cdk-hnb659fds-assets-000000000000-eu-west-1"
        if Key not in self.objects:
            raise refused("NoSuchKey", "GetObject")
        return {"Body": io.BytesIO(self.objects[Key])}


AFTER = environment(Lake={"Log": ("AWS::Logs::LogGroup", {"RetentionInDays": 7})})


def test_what_is_deployed_is_the_before(tmp_path: Path) -> None:
    template = {"Resources": {"Log": {"Type": "AWS::Logs::LogGroup", "Properties": {}}}}
    account = Account({"prod-Lake": template, "other-Lake": template, "prod-Gone": None})
    before = of_deployment(AFTER, account, tmp_path)
    assert before is not None
    assert list(before.stacks) == ["Lake"]
    assert [
        each.path for each in review(before, AFTER, against="deployed").stacks[0].resources
    ] == ["Lake/Log"]


def test_a_deployed_stack_that_no_template_has_is_removed(tmp_path: Path) -> None:
    template = {"Resources": {"Zone": {"Type": "AWS::S3::Bucket"}}}
    lake = AFTER.stacks["Lake"].template
    before = of_deployment(AFTER, Account({"prod-Lake": lake, "prod-Old": template}), tmp_path)
    [change] = review(before, AFTER, against="deployed").stacks
    assert (change.stack, change.action) == ("Old", "removed")


def test_deployed_code_is_fetched_and_compared_file_by_file(tmp_path: Path) -> None:
    new = tmp_path / ("b" * 64 + ".py")
    new.write_text("LATE = 20\n")
    after = environment(Loop={"Job": ("AWS::Glue::Job", {"Command": {"Location": new.name}})})
    stack = replace(after.stacks["Loop"], assets={"b" * 64: Asset("b" * 64, "Etl/Script", new)})
    after = Environment("prod", {"Loop": stack})
    template = json.loads(json.dumps(stack.template).replace("b" * 64, OLD))
    account = Account({"prod-Loop": json.dumps(template)}, {f"{OLD}.py": b"LATE = 15\n"})

    before = of_deployment(after, account, tmp_path / "deployed")
    [change] = review(before, after, against="deployed").stacks[0].resources
    [code] = change.code
    assert code.files is not None
    assert code.files[0].diff.splitlines()[1:] == ["-LATE = 15", "+LATE = 20"]


def test_nothing_deployed_is_nothing(tmp_path: Path) -> None:
    assert of_deployment(AFTER, Account({}), tmp_path) is None


def test_without_credentials_the_error_says_how_to_log_in(tmp_path: Path) -> None:
    def client(_service: str) -> Any:
        raise NoCredentialsError

    with pytest.raises(UserError, match="Log in to its account"):
        of_deployment(AFTER, client, tmp_path)


class Drifting:
    """CloudFormation's drift detection, which needs a second look."""

    def __init__(self, *, ends: str = "DETECTION_COMPLETE") -> None:
        self._statuses = iter(["DETECTION_IN_PROGRESS", ends])

    def detect_stack_drift(self, *, StackName: str) -> Any:  # noqa: N803
        return {"StackDriftDetectionId": StackName}

    def describe_stack_drift_detection_status(self, **_: str) -> Any:
        return {"DetectionStatus": next(self._statuses), "DetectionStatusReason": "a reason"}

    def describe_stack_resource_drifts(self, *, NextToken: str = "", **_: Any) -> Any:  # noqa: N803
        drift = {
            "LogicalResourceId": "Log",
            "ResourceType": "AWS::Logs::LogGroup",
            "StackResourceDriftStatus": "MODIFIED",
            "PropertyDifferences": [
                {"PropertyPath": "/RetentionInDays", "ActualValue": "1", "ExpectedValue": "7"}
            ],
        }
        gone = {**drift, "StackResourceDriftStatus": "DELETED"}
        return (
            {"StackResourceDrifts": [gone]}
            if NextToken
            else {"StackResourceDrifts": [drift], "NextToken": "more"}
        )


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flywheel.review.drift._POLL_SECONDS", 0)


def test_a_resource_changed_by_hand_is_found_on_every_page() -> None:
    found = detect(AFTER, Drifting(), lambda _: None)
    assert [(each.path, each.what) for each in found] == [
        ("Lake/Log", "AWS::Logs::LogGroup: RetentionInDays is 1 instead of 7"),
        ("Lake/Log", "AWS::Logs::LogGroup is deleted"),
    ]


def test_a_detection_that_fails_says_why() -> None:
    with pytest.raises(UserError, match="of prod-Lake failed: a reason"):
        detect(AFTER, Drifting(ends="DETECTION_FAILED"), lambda _: None)


def test_an_aws_without_drift_detection_says_so() -> None:
    class Without(Drifting):
        def detect_stack_drift(self, *, StackName: str) -> Any:  # noqa: N803
            raise refused("InvalidAction", "DetectStackDrift")

    with pytest.raises(CannotDetectError, match="no drift detection"):
        detect(AFTER, Without(), lambda _: None)
