"""What a verdict says beyond the test bench: comparisons, code, reasons, lines, causes, schema."""

import copy
import json
import zipfile
from pathlib import Path

import jsonschema
import pytest

from flywheel.review import Environment, Review, review
from flywheel.review.assembly import Acknowledgment
from flywheel.review.rules import BLOCKING, RULES
from flywheel.review.schema import FILE, as_text
from flywheel.settings.environment import ReviewSettings
from flywheel.settings.values import REVIEW_RULES
from tests.conftest import ROOT
from tests.review.planting import grant, put
from tests.review.plants import PLANTS
from tests.review.world import (
    NEW_HASH,
    OLD_HASH,
    STRANGER,
    environment,
    judge,
    statement,
    templates,
)


def against_dev(after: dict[str, dict[str, object]]) -> Review:
    before = environment(templates("dev"), name="dev", region="eu-west-1")
    return review(before, environment(after), against="dev")


def test_two_environments_that_differ_in_their_names_only_are_the_same() -> None:
    verdict = against_dev(templates())
    assert verdict.kind == "comparison"
    assert verdict.stacks == ()
    assert {change.change for change in verdict.access} == {"same"}


def test_the_region_of_an_environment_is_no_difference_either() -> None:
    elsewhere = json.loads(json.dumps(templates()).replace("eu-west-1", "eu-north-1"))
    before = environment(templates("dev"), name="dev")
    verdict = review(before, environment(elsewhere, region="eu-north-1"), against="dev")
    assert verdict.stacks == ()


def test_an_environments_name_inside_a_word_or_a_sentence_of_both_is_kept() -> None:
    before, after = templates("dev"), templates()
    put("Serving.Group.Properties.ModelPackageGroupDescription", "for dev use")(before)
    put("Serving.Group.Properties.ModelPackageGroupDescription", "for dev use")(after)
    put("Lake.Door.Properties.GroupDescription", "development")(before)
    put("Lake.Door.Properties.GroupDescription", "production")(after)
    verdict = review(environment(before, name="dev"), environment(after), against="dev")
    changed = [change.path for stack in verdict.stacks for change in stack.resources]
    assert changed == ["Lake/Door"]


def test_nothing_is_replaced_between_two_environments() -> None:
    after = templates()
    put("Lake.Named.Properties.BucketName", "prod-something-else")(after)
    del after["Lake"]["Resources"]["Scratch"]
    verdict = against_dev(after)
    actions = {change.path: change.action for change in verdict.stacks[0].resources}
    assert actions == {"Lake/Named": "changed", "Lake/Scratch": "removed"}
    assert not any(change.consequence for change in verdict.stacks[0].resources)
    assert not verdict.blocked


@pytest.fixture
def assets(tmp_path: Path) -> Path:
    for digest, text in ((OLD_HASH, "x = 1\n"), (NEW_HASH, "x = 2\n")):
        with zipfile.ZipFile(tmp_path / digest, "w") as archive:
            archive.writestr("train.py", text)
    return tmp_path


def test_a_change_of_code_only_is_shown_as_lines(assets: Path) -> None:
    after = templates()
    put("Serving.Code.Properties.Code.S3Key", f"{NEW_HASH}.zip")(after)
    verdict = judge(after, assets=assets)
    (change,) = verdict.stacks[0].resources
    assert change.action == "changed"
    assert change.properties == ()
    (code,) = change.code
    assert (code.asset, code.property) == ("Serving/Code", "Code.S3Key")
    assert code.files
    assert code.files[0].diff == "@@ -1 +1 @@\n-x = 1\n+x = 2"
    assert [finding.rule for finding in verdict.findings if finding.path == "Serving/Code"] == [
        "code_changed"
    ]


def test_an_archive_with_the_same_files_says_so(assets: Path) -> None:
    with zipfile.ZipFile(assets / NEW_HASH, "w") as archive:
        archive.writestr(zipfile.ZipInfo("train.py", (2020, 1, 1, 0, 0, 0)), "x = 1\n")
    after = templates()
    put("Serving.Code.Properties.Code.S3Key", f"{NEW_HASH}.zip")(after)
    (change,) = judge(after, assets=assets).stacks[0].resources
    assert change.code[0].files == ()


def test_a_replacement_names_what_it_drags_along() -> None:
    after = templates()
    put("Serving.Model.Properties.PrimaryContainer.Image", "xgboost:2")(after)
    changes = {change.path: change for change in judge(after).stacks[0].resources}
    (variant,) = changes["Serving/Config"].properties
    assert variant.path == "ProductionVariants[1].ModelName"
    assert (variant.forces, variant.because_of) == ("replacement", "Serving/Model")
    (config,) = changes["Serving/Endpoint"].properties
    assert (config.forces, config.because_of) == ("", "Serving/Config")


def test_stateful_resources_come_first_and_the_gravest_of_them_first() -> None:
    after = templates()
    put("Serving.Alarm.Properties.EvaluationPeriods", 2)(after)
    put("Serving.Group.Properties.Tags", [{"Key": "a", "Value": "b"}])(after)
    put("Lake.Log.Properties.RetentionInDays", 400)(after)
    del after["Lake"]["Resources"]["Scratch"]
    verdict = judge(after)
    order = [[change.path for change in stack.resources] for stack in verdict.stacks]
    assert order == [["Lake/Scratch", "Lake/Log"], ["Serving/Group", "Serving/Alarm"]]


def test_properties_are_shown_before_and_after_with_the_cause_of_a_replacement() -> None:
    after = templates()
    put("Lake.Named.Properties.BucketName", "other")(after)
    (change,) = judge(after).stacks[0].resources
    (name,) = change.properties
    assert (name.path, name.before, name.after) == ("BucketName", "flywheel-prod-named", "other")
    assert name.forces == "replacement"
    assert "its objects and all their versions" in change.consequence


def test_a_wildcard_is_shown_with_the_reason_that_was_acknowledged() -> None:
    after = templates()
    grant(statement("ec2:DescribeVpcs"))(after)
    reason = Acknowledgment(
        "Serving/Rights", "AwsSolutions-IAM5[Resource::*]", "It has no narrower resource."
    )
    verdict = judge(after, acknowledgments=(reason,))
    found = {each.text: (each.reasons, each.new) for each in verdict.wildcards}
    assert found["Resource::*"] == (("It has no narrower resource.",), True)
    told = [finding.text for finding in verdict.findings if finding.rule == "wildcard_unexplained"]
    assert not any(text.startswith("Resource::* ") for text in told)


def test_a_right_that_the_table_knows_to_be_void_is_kept_apart() -> None:
    after = templates()
    grant(statement("ec2:DescribeVpcs", "arn:aws:ec2:eu-west-1:123456789012:vpc/vpc-1"))(after)
    role = next(each for each in judge(after).access if each.kind == "identity")
    assert role.change == "same"
    assert [grant.has_effect for grant in role.gained] == [False]


def test_rights_are_told_in_words_with_construct_paths() -> None:
    after = templates()
    put(
        "Serving.Rights.Properties.PolicyDocument.Statement.0.Action",
        ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
    )(after)
    (finding,) = (each for each in judge(after).findings if each.rule == "access_widened")
    assert finding.text == ("The role may s3:DeleteObject on arn:aws:s3:::${Lake/Raw}/flights/*.")


def test_rules_block_as_the_caller_says() -> None:
    after = templates()
    put("Lake.Log.Properties.RetentionInDays", 30)(after)
    was, now = environment(templates()), environment(after)
    assert not review(was, now, against="main").blocked
    verdict = review(was, now, against="main", blocking=["protection_weakened"])
    assert verdict.blocked
    assert verdict.findings[0].rule == "protection_weakened"


def test_a_first_deployment_is_all_new_and_its_outsiders_are_told() -> None:
    after = templates()
    put("Serving.Role.Properties.AssumeRolePolicyDocument.Statement.0.Principal", STRANGER)(after)
    verdict = review(None, environment(after), against="nothing")
    assert {stack.action for stack in verdict.stacks} == {"added"}
    assert {change.change for change in verdict.access} == {"added"}
    assert [outsider.principal for outsider in verdict.outsiders] == [STRANGER]
    assert verdict.blocked


def test_termination_protection_that_goes_is_told() -> None:
    verdict = judge(templates(), termination_protection=False)
    grave = [finding.stack for finding in verdict.findings if finding.level == "danger"]
    assert grave == ["Lake", "Serving"]


def test_a_change_of_what_a_stack_offers_is_told() -> None:
    after = templates()
    after["Lake"]["Outputs"]["RawName"] = {"Value": {"Ref": "Raw"}}
    (stack,) = judge(after).stacks
    assert [change.path for change in stack.settings] == ["Outputs.RawName"]


def test_a_statement_may_move_to_another_policy_of_the_same_role() -> None:
    after = templates()
    resources = after["Serving"]["Resources"]
    statements = resources["Rights"]["Properties"]["PolicyDocument"]["Statement"]
    moved = statements.pop()
    resources["More"] = {
        "Type": "AWS::IAM::ManagedPolicy",
        "Properties": {"PolicyDocument": {"Version": "2012-10-17", "Statement": [moved]}},
    }
    resources["Role"]["Properties"]["ManagedPolicyArns"] = [{"Ref": "More"}]
    verdict = judge(after)
    role = next(each for each in verdict.access if each.kind == "identity")
    assert (role.subject, role.change) == ("Serving/Role", "same")
    assert not any(finding.rule.startswith("access_") for finding in verdict.findings)


def test_a_verdict_is_what_its_schema_says() -> None:
    schema = json.loads(FILE.read_text(encoding="utf-8"))
    for plant in PLANTS[::5]:
        after = templates()
        plant.change(after)
        verdict = judge(after)
        document = json.loads(verdict.model_dump_json())
        jsonschema.validate(document, schema)
        assert Review.model_validate(document) == verdict


def test_the_exported_schema_is_up_to_date() -> None:
    assert FILE.read_text(encoding="utf-8") == as_text()


def test_the_same_review_has_the_same_bytes() -> None:
    after = templates()
    for plant in (PLANTS[3], PLANTS[5], PLANTS[11]):
        plant.change(after)
    shuffled = {
        stack: {**template, "Resources": dict(sorted(template["Resources"].items()))}
        for stack, template in copy.deepcopy(after).items()
    }
    assert judge(after).model_dump_json() == judge(shuffled).model_dump_json()


def test_an_environment_without_stacks_can_be_reviewed() -> None:
    verdict = review(None, Environment("prod", {}), against="nothing")
    assert (verdict.level, verdict.stacks) == ("nothing", ())


def test_the_documentation_lists_every_rule_with_its_meaning() -> None:
    text = (ROOT / "docs" / "review.md").read_text(encoding="utf-8")
    for rule, meaning in RULES.items():
        assert f"| `{rule}` | {meaning}" in text


def test_the_settings_know_every_rule() -> None:
    assert tuple(RULES) == REVIEW_RULES
    assert ReviewSettings().blocking == BLOCKING
