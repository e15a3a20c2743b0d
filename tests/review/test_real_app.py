"""Changes planted in the real app's assembly."""

import copy
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from flywheel.review import Environment, Review, read_environment, review
from tests.conftest import Assembly

Edit = Callable[[dict[str, Any]], None]


@pytest.fixture(scope="module")
def environments(assembly: Assembly) -> dict[str, Environment]:
    return {name: read_environment(assembly.path, name) for name in ("dev", "staging", "prod")}


def edited(environment: Environment, stack_id: str, edit: Edit) -> Environment:
    """The environment with one template changed by hand."""
    stack = environment.stacks[stack_id]
    template: Any = copy.deepcopy(stack.template)
    edit(template["Resources"])
    changed = {**environment.stacks, stack_id: replace(stack, template=template)}
    return Environment(environment.name, changed)


def the(resources: dict[str, Any], kind: str, prefix: str = "") -> Any:
    """The properties of the first resource of this type."""
    return next(
        each["Properties"]
        for logical_id, each in resources.items()
        if each["Type"] == kind and logical_id.startswith(prefix)
    )


def verdict_of(environment: Environment, stack_id: str, edit: Edit) -> Review:
    return review(environment, edited(environment, stack_id, edit), against="before")


def grave(verdict: Review) -> set[str]:
    """Rules with a finding that is not routine."""
    return {each.rule for each in verdict.findings if each.level in ("look", "danger")}


def rename(resources: dict[str, Any]) -> None:
    """Another construct path for the raw zone, as after moving the code."""
    old = next(each for each in resources if each.startswith("LakeRaw") and "Policy" not in each)
    resources["LakeOther0000"] = resources.pop(old)


def shorten_logs(resources: dict[str, Any]) -> None:
    the(resources, "AWS::Logs::LogGroup")["RetentionInDays"] = 1


def trust_a_stranger(resources: dict[str, Any]) -> None:
    document = the(resources, "AWS::IAM::Role")["AssumeRolePolicyDocument"]
    document["Statement"][0]["Principal"] = {"AWS": "999999999999"}


def reword(resources: dict[str, Any]) -> None:
    """Every statement of every role backwards, its actions in capitals."""
    for each in resources.values():
        if each["Type"] == "AWS::IAM::Policy":
            statements = each["Properties"]["PolicyDocument"]["Statement"]
            statements.reverse()
            for statement in statements:
                actions = statement["Action"]
                actions = actions if isinstance(actions, list) else [actions]
                statement["Action"] = [str(action).upper() for action in reversed(actions)]
                statement["Sid"] = "Reworded"


def double(resources: dict[str, Any]) -> None:
    config = the(resources, "AWS::SageMaker::EndpointConfig")
    variant = config["ProductionVariants"][0]
    variant["InitialInstanceCount"] = int(variant["InitialInstanceCount"]) * 2


def describe_anew(resources: dict[str, Any]) -> None:
    the(resources, "AWS::SageMaker::ModelPackageGroup")["ModelPackageGroupDescription"] = "Other"


@pytest.mark.parametrize("name", ["dev", "staging", "prod"])
def test_an_environment_compared_with_itself_does_not_change(
    environments: dict[str, Environment], name: str
) -> None:
    verdict = review(environments[name], environments[name], against="itself")
    assert verdict.stacks == ()
    assert {change.change for change in verdict.access} == {"same"}
    assert not any(each.new for each in verdict.wildcards)
    assert not any(each.new for each in verdict.outsiders)


@pytest.mark.parametrize(
    ("stack_id", "edit", "rules", "blocked"),
    [
        ("FlightDelayServing", double, {"capacity_raised"}, False),
        ("FlightDelayServing", shorten_logs, {"protection_weakened"}, False),
        ("FlightDelayServing", trust_a_stranger, {"access_widened", "outsider_admitted"}, True),
        (
            "FlightDelayRegistry",
            describe_anew,
            {"cannot_deploy", "data_left_behind"},
            True,
        ),
        ("FlightDelayRetraining", reword, set(), False),
        ("FlightDelayTraining", reword, set(), False),
    ],
)
def test_a_change_planted_in_the_app_gets_its_verdict(
    environments: dict[str, Environment],
    stack_id: str,
    edit: Edit,
    rules: set[str],
    blocked: bool,
) -> None:
    verdict = verdict_of(environments["prod"], stack_id, edit)
    assert grave(verdict) == rules
    assert verdict.blocked is blocked


def test_moving_the_raw_zone_loses_it_in_dev_and_leaves_it_behind_in_prod(
    environments: dict[str, Environment],
) -> None:
    for name, rule in (("dev", "data_lost"), ("prod", "data_left_behind")):
        assert rule in grave(verdict_of(environments[name], "DataLake", rename))


def test_staging_and_dev_differ_in_settings_and_never_in_names(
    environments: dict[str, Environment],
) -> None:
    verdict = review(environments["dev"], environments["staging"], against="dev")
    changes = [change for stack in verdict.stacks for change in stack.resources]
    assert {change.action for change in changes} <= {"added", "removed", "changed"}
    for change in changes:
        for each in change.properties:
            assert str(each.before).replace("dev", "staging") != str(each.after)


def test_every_wildcard_of_the_loop_carries_its_reason(
    environments: dict[str, Environment],
) -> None:
    verdict = review(None, environments["prod"], against="nothing")
    loop = [each for each in verdict.wildcards if each.subject.endswith("Loop/Role/DefaultPolicy")]
    assert loop
    assert all(each.reasons for each in loop)


def test_forty_workloads_are_reviewed_in_seconds(environments: dict[str, Environment]) -> None:
    def many(environment: Environment) -> Environment:
        stacks = dict(environment.stacks)
        for number in range(40):
            for stack_id, stack in environment.stacks.items():
                if stack_id.startswith("FlightDelay"):
                    name = f"W{number}{stack_id}"
                    stacks[name] = replace(stack, id=name, name=f"{environment.name}-{name}")
        return Environment(environment.name, stacks)

    started = time.perf_counter()
    verdict = review(many(environments["dev"]), many(environments["prod"]), against="dev")
    assert len(verdict.stacks) > 200
    assert time.perf_counter() - started < 45
