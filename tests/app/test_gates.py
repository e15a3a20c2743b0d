"""The gates let nothing through that nobody accepted; no acceptance outlives its finding."""

import json
from pathlib import Path
from typing import Any

import pytest

from components.acknowledge import METADATA_TYPE
from flywheel import gates
from flywheel.algorithms import catalogue
from flywheel.errors import UserError
from flywheel.gates import Acknowledgment, Finding

WILDCARD = "AwsSolutions-IAM5[Resource::<Bucket.Arn>/flights/*]"


def test_the_metadata_type_is_the_same_on_both_sides() -> None:
    assert gates.ACKNOWLEDGED == METADATA_TYPE


@pytest.mark.parametrize(
    ("path", "rule", "covers"),
    [
        ("dev/Lake/Role", WILDCARD, True),
        ("dev/Lake", WILDCARD, True),
        ("dev/Lake/Role/Policy", WILDCARD, True),
        ("dev/Lake/Rol", WILDCARD, False),
        ("dev/Lake/Other", WILDCARD, False),
        ("prod/Lake/Role", WILDCARD, False),
        ("dev/Lake/Role", "AwsSolutions-IAM5[Resource::…/flights/*]", True),
        ("dev/Lake/Role", "AwsSolutions-IAM5[Resource::…/others/*]", False),
        ("dev/Lake/Role", "AwsSolutions-IAM5", False),
        ("dev/Lake/Role", "AwsSolutions-IAM5[Resource::.*]", False),
    ],
)
def test_an_acknowledgment_covers_its_construct_and_its_rule(
    path: str, rule: str, covers: bool
) -> None:
    finding = Finding("dev/Lake/Role/Policy", WILDCARD)
    assert Acknowledgment(path, rule, "because").covers(finding) is covers


PLANTED_APP = """
import sys
sys.path.insert(0, {root!r})
import aws_cdk as cdk
from app import add_rule_packs, new_app
from components.acknowledge import acknowledge
app = new_app()
stack = cdk.Stack(cdk.Stage(app, "dev", env=cdk.Environment(region="eu-west-1")), "Planted")
bucket = cdk.aws_s3.CfnBucket(stack, "Bucket")
acknowledge(bucket, "a finding that there is", "AwsSolutions-S10")
acknowledge(bucket, "a misspelt rule", "AwsSolutions-S11")
queue = cdk.CfnResource(stack, "Queue", type="AWS::SQS::Queue", properties={{"DelaySecs": 3}})
topic = cdk.CfnResource(
    stack, "Topic", type="AWS::SNS::Topic", properties={{"TopicName": queue.get_att("QueueName")}}
)
topic.add_resource_dependency(queue)
add_rule_packs(app)
app.synth()
"""


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> gates.Outcome:
    """What the gates say about a stack with faults of every kind."""
    folder = tmp_path_factory.mktemp("planted")
    (folder / "app.py").write_text(PLANTED_APP.format(root=str(gates.ROOT)), encoding="utf-8")
    gates.synthesise(folder / "cdk.out", app=folder / "app.py")
    return gates.check(folder / "cdk.out")


def test_a_planted_violation_is_found(planted: gates.Outcome) -> None:
    found = {
        problem.split()[1]: problem.split()[2]
        for problem in planted.problems
        if problem.startswith("rule ")
    }
    assert found["NIST.800.53.R5-S3BucketSSLRequestsOnly"] == "dev/Planted/Bucket:"
    assert found["AwsSolutions-S1"] == "dev/Planted/Bucket:"


def test_a_broken_rule_of_the_team_is_found(planted: gates.Outcome) -> None:
    assert [problem for problem in planted.problems if "buckets_are_private" in problem] == [
        "rule buckets_are_private dev/Planted/Bucket: A bucket must block public access in all "
        "four ways. Mend it, or call acknowledge() beside the resource with the reason."
    ]


def test_an_acknowledged_violation_is_accepted(planted: gates.Outcome) -> None:
    assert not [problem for problem in planted.problems if "AwsSolutions-S10 " in problem]


def test_an_acknowledgment_that_matches_nothing_fails(planted: gates.Outcome) -> None:
    assert [problem for problem in planted.problems if "matches no finding" in problem] == [
        "rule AwsSolutions-S11 dev/Planted/Bucket: the acknowledgment matches no finding. "
        "Remove it, or correct the rule's name."
    ]


def test_cfn_lint_errors_and_warnings_fail(planted: gates.Outcome) -> None:
    rules = {problem.split()[1] for problem in planted.problems if problem.startswith("cfn-lint")}
    assert rules == {"E3002", "W3005"}


def test_an_app_that_forgets_the_rule_packs_fails(tmp_path: Path) -> None:
    report: dict[str, Any] = {"pluginReports": []}
    (tmp_path / gates.REPORT).write_text(json.dumps(report), encoding="utf-8")
    assert [problem.split()[1] for problem in gates.check(tmp_path).problems] == [
        "AwsSolutions",
        "NIST.800.53.R5",
    ]


def test_an_app_that_fails_is_one_message(tmp_path: Path) -> None:
    app = tmp_path / "app.py"
    app.write_text("raise SystemExit('config/environments/dev.yaml:3 region is Mars.')")
    with pytest.raises(UserError, match=r"dev\.yaml:3 region is Mars\.$"):
        gates.synthesise(tmp_path / "cdk.out", app=app)


def test_the_built_in_workloads_are_checked_in_every_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[Any] = []
    nothing = gates.Outcome(0, 0, 0, ())
    monkeypatch.setattr(gates, "synthesise", lambda _, asked=None: asked_of(asked))
    monkeypatch.setattr(gates, "check", lambda _: nothing)

    def asked_of(context: Any) -> None:
        asked.append(context)

    assert gates.run(builtin=True) is gates.run() is nothing
    assert asked[0] is not None
    assert set(asked[0]) == {"workload"}
    assert set(asked[0]["workload"].split(",")) == set(catalogue.keys())
    assert asked[1] is None
