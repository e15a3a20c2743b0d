"""The team's own rules in config/rules: each finds its fault, and nothing where there is none."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from flywheel import gates

RULES = gates.ROOT / "config" / "rules"

APP = """
import json, sys
sys.path.insert(0, {root!r})
import aws_cdk as cdk
from app import add_rule_packs, new_app
app = new_app()
stack = cdk.Stack(cdk.Stage(app, "dev"), "Rules")
for name, (kind, properties) in json.loads({resources!r}).items():
    cdk.CfnResource(stack, name, type=kind, properties=properties)
add_rule_packs(app)
app.synth()
"""


def trust(principal: Any) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal}
    return {"AssumeRolePolicyDocument": {"Statement": [statement]}}


FAULTS: dict[str, tuple[str, dict[str, Any], str]] = {
    "Bucket": ("AWS::S3::Bucket", {}, "buckets_are_private buckets_are_encrypted"),
    "Key": ("AWS::KMS::Key", {"EnableKeyRotation": False}, "keys_rotate"),
    "Table": ("AWS::DynamoDB::Table", {}, "tables_can_be_restored deletion_is_decided"),
    "Log": ("AWS::Logs::LogGroup", {}, "logs_end"),
    "Anyone": ("AWS::IAM::Role", trust("*"), "roles_trust_somebody"),
    "AnyoneInAws": ("AWS::IAM::Role", trust({"AWS": "*"}), "roles_trust_somebody"),
    "Administrator": (
        "AWS::IAM::Role",
        {
            **trust({"Service": "states.amazonaws.com"}),
            "ManagedPolicyArns": ["arn:aws:iam::aws:policy/AdministratorAccess"],
        },
        "roles_are_no_administrators",
    ),
    "Model": ("AWS::SageMaker::Model", {}, "models_are_isolated"),
    "Method": (
        "AWS::ApiGateway::Method",
        {"HttpMethod": "POST", "AuthorizationType": "NONE"},
        "api_calls_are_signed",
    ),
    "Group": (
        "AWS::EC2::SecurityGroup",
        {"SecurityGroupIngress": [{"CidrIp": "10.0.0.0/16"}, {"CidrIp": "0.0.0.0/0"}]},
        "nothing_comes_in_from_everywhere",
    ),
}
RIGHT: dict[str, tuple[str, dict[str, Any]]] = {
    "Service": ("AWS::IAM::Role", trust({"Service": "states.amazonaws.com"})),
    "Preflight": (
        "AWS::ApiGateway::Method",
        {"HttpMethod": "OPTIONS", "AuthorizationType": "NONE"},
    ),
    "Inside": ("AWS::EC2::SecurityGroup", {"SecurityGroupIngress": [{"CidrIp": "10.0.0.0/16"}]}),
    "Sealed": (
        "AWS::SageMaker::Model",
        {"EnableNetworkIsolation": True, "VpcConfig": {"Subnets": ["a"]}},
    ),
}


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """Resource → the team's rules that it breaks."""
    folder = tmp_path_factory.mktemp("rules")
    resources = {**{name: fault[:2] for name, fault in FAULTS.items()}, **RIGHT}
    app = folder / "app.py"
    app.write_text(APP.format(root=str(gates.ROOT), resources=json.dumps(resources)))
    subprocess.run(
        [sys.executable, str(app)],
        env={**os.environ, "CDK_OUTDIR": str(folder / "cdk.out"), "CDK_VALIDATION": "false"},
        capture_output=True,
        check=False,
    )
    found: dict[str, set[str]] = {name: set() for name in resources}
    report = json.loads((folder / "cdk.out" / gates.REPORT).read_bytes())
    for plugin in report["pluginReports"]:
        for violation in plugin["violations"] if plugin["pluginName"] == gates.GUARD else ():
            for construct in violation["violatingConstructs"]:
                found[construct["constructPath"].rsplit("/", 1)[-1]].add(violation["ruleName"])
    return found


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_found(broken: dict[str, set[str]], name: str) -> None:
    assert set(FAULTS[name][2].split()) <= broken[name]


def test_what_is_right_is_left_in_peace(broken: dict[str, set[str]]) -> None:
    assert {name: broken[name] for name in RIGHT} == {name: set() for name in RIGHT}


def test_every_rule_has_a_planted_fault() -> None:
    text = "".join(path.read_text() for path in sorted(Path(RULES).glob("*.guard")))
    planted = {rule for fault in FAULTS.values() for rule in fault[2].split()}
    assert planted == set(re.findall(r"^rule (\w+)", text, re.MULTILINE))
