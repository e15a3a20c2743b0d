"""The stacks of the 19 built-in workloads: all there, told apart by name, open to their formats."""

import json
from itertools import pairwise
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from flywheel.algorithms import catalogue
from tests.conftest import (
    BUILTIN,
    BUILTIN_ENVIRONMENTS,
    SHARED_STACKS,
    WORKLOAD_STACKS,
    Assembly,
    Template,
    construct_name,
)
from tests.stacks.test_snapshots import TemplateExtension

pytestmark = pytest.mark.xdist_group("builtin")
LIMITS = {
    # Resource type → property with a name, its longest by AWS's API reference.
    "AWS::ApiGateway::RestApi": ("Name", 1024),
    "AWS::Budgets::Budget": ("Budget.BudgetName", 100),
    "AWS::CloudWatch::Dashboard": ("DashboardName", 255),
    "AWS::Glue::Table": ("TableInput.Name", 255),
    "AWS::Logs::LogGroup": ("LogGroupName", 512),
    "AWS::SageMaker::Endpoint": ("EndpointName", 63),
    "AWS::SageMaker::ModelPackageGroup": ("ModelPackageGroupName", 63),
    "AWS::SSM::Parameter": ("Name", 1011),
    "AWS::StepFunctions::StateMachine": ("StateMachineName", 80),
}
LONGEST_STACK_NAME = 128
SNAPSHOT = "linear_learner_classification"
"""Stands for all: tuned, and with a name that has to be cut."""


def stack(key: str, step: str) -> str:
    return f"{construct_name(key)}{step}"


@pytest.mark.parametrize("environment", BUILTIN_ENVIRONMENTS)
def test_every_environment_has_the_stacks_of_every_algorithm(
    builtin: Assembly, environment: str
) -> None:
    expected = {stack(key, step) for key in BUILTIN for step in WORKLOAD_STACKS}
    assert set(builtin.templates(environment)) == expected | set(SHARED_STACKS)
    assert all(len(name) <= LONGEST_STACK_NAME for name in builtin.artifacts(environment))


@pytest.mark.parametrize("environment", BUILTIN_ENVIRONMENTS)
def test_names_fit_and_no_two_resources_share_one(builtin: Assembly, environment: str) -> None:
    seen: dict[tuple[str, str], str] = {}
    for stack_id, template in builtin.templates(environment).items():
        for kind, (path, longest) in LIMITS.items():
            for properties in template.properties(kind).values():
                name = name_at(properties, path)
                if name:
                    assert len(name) <= longest, name
                    assert (kind, name) not in seen, f"{stack_id} and {seen[kind, name]}"
                    seen[kind, name] = stack_id
    assert len(seen) > 100


def name_at(properties: Any, path: str) -> str | None:
    """A name that we give; None where AWS gives one."""
    for step in path.split("."):
        properties = properties.get(step, {})
    return properties if isinstance(properties, str) else None


@pytest.mark.parametrize("environment", BUILTIN_ENVIRONMENTS)
def test_no_workload_s_jobs_begin_like_another_one_s(builtin: Assembly, environment: str) -> None:
    prefixes: dict[str, str] = {}
    for key in BUILTIN:
        for prefix in job_prefixes(builtin.template(environment, stack(key, "Retraining"))):
            assert prefixes.setdefault(prefix, key) == key
    assert len(prefixes) >= len(BUILTIN)
    ordered = sorted(prefixes)
    for first, second in pairwise(ordered):
        if prefixes[first] != prefixes[second]:
            assert not second.startswith(first)


def job_prefixes(template: Template) -> set[str]:
    """What the role of the loop may call its jobs, up to the star."""
    found = set()
    for logical_id, statement in template.statements():
        if logical_id.startswith("LoopRole"):
            for part in json.dumps(statement["Resource"]).split('"'):
                for kind in ("processing-job/", "hyper-parameter-tuning-job/"):
                    if kind in part and part.endswith("*"):
                        found.add(part.partition(kind)[2].rstrip("*"))
    return found


def test_prefixes_leave_room_for_what_follows_them(builtin: Assembly) -> None:
    for key in BUILTIN:
        for prefix in job_prefixes(builtin.template("staging", stack(key, "Retraining"))):
            assert prefix.endswith("-")
            assert len(prefix) <= 27


@pytest.mark.parametrize("key", BUILTIN)
def test_bodies_that_the_algorithm_takes_pass_through_the_api(builtin: Assembly, key: str) -> None:
    api = builtin.template("staging", stack(key, "Api"))
    inference = catalogue.find(key).inference
    binary = set(api.only("AWS::ApiGateway::RestApi").get("BinaryMediaTypes", ()))
    method = api.only("AWS::ApiGateway::Method")
    for content_type in inference.requests:
        is_text = content_type.startswith(("text/", "application/json"))
        assert (content_type in binary) is not is_text, content_type
        modelled = content_type in method.get("RequestModels", {})
        assert modelled == (content_type == "application/json")
    masks = {answer.accept for answer in inference.responses if "image/" in answer.accept}
    assert masks <= binary


def test_a_body_that_no_model_describes_is_not_refused_in_the_name_of_json(
    builtin: Assembly,
) -> None:
    images = builtin.template("staging", stack("image_classification", "Api"))
    rows = builtin.template("staging", stack("kmeans", "Api"))
    assert not images.of_type("AWS::ApiGateway::GatewayResponse")
    assert rows.of_type("AWS::ApiGateway::GatewayResponse")
    for api in (images, rows):
        assert api.only("AWS::ApiGateway::RequestValidator")["ValidateRequestBody"] is True


@pytest.mark.parametrize("key", BUILTIN)
def test_no_algorithm_brings_code_into_its_training(builtin: Assembly, key: str) -> None:
    training = json.dumps(builtin.template("staging", stack(key, "Training")).body)
    assert "sagemaker_program" not in training
    assert "code.tar.gz" not in training


@pytest.mark.parametrize("key", BUILTIN)
def test_the_endpoint_serves_the_package_in_isolation(builtin: Assembly, key: str) -> None:
    model = builtin.template("staging", stack(key, "Serving")).only("AWS::SageMaker::Model")
    assert set(model["PrimaryContainer"]) == {"ModelPackageName"}
    assert model["EnableNetworkIsolation"] is True


@pytest.mark.parametrize("step", WORKLOAD_STACKS)
def test_the_template_is_as_reviewed(
    builtin: Assembly, step: str, snapshot: SnapshotAssertion
) -> None:
    template = builtin.template("staging", stack(SNAPSHOT, step))
    assert template.body == snapshot(extension_class=TemplateExtension)
