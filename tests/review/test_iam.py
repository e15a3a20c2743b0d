"""Policies are compared by what they allow."""

from typing import Any

import pytest

from flywheel.review.iam.actions import expand, may_apply, overlap
from flywheel.review.iam.clauses import clauses_of, same_meaning, split
from flywheel.review.iam.conditions import alternatives, covers, glob_covers
from flywheel.review.iam.outsiders import kind_of
from flywheel.review.iam.wildcards import as_nag_writes
from tests.review.world import policy, statement

BUCKET = "arn:aws:s3:::${Lake.Raw}"


def same(*pair: dict[str, Any]) -> bool:
    before, after = (list(clauses_of(policy(each))) for each in pair)
    return same_meaning(before, after)


def test_a_wildcard_means_the_actions_of_awss_table() -> None:
    assert expand("s3:Get*Tagging") == {
        "s3:getbuckettagging",
        "s3:getjobtagging",
        "s3:getobjecttagging",
        "s3:getobjectversiontagging",
        "s3:getstoragelensconfigurationtagging",
    }
    assert "s3:getobject" in expand("S3:*")
    assert expand("s3:NobodyKnows*") == {"s3:nobodyknows*"}
    assert len(expand("*")) > 10_000


def test_a_wildcard_and_its_list_say_the_same_but_a_whole_service_is_more_than_its_list() -> None:
    listed = sorted(expand("s3:Get*Tagging"))
    assert same(statement("s3:Get*Tagging"), statement(listed))
    whole = sorted(expand("sqs:*") - {"sqs:*"})
    assert not same(statement("sqs:*"), statement(whole))


def test_what_is_not_excluded_is_allowed() -> None:
    (clause,) = clauses_of(policy({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}))
    assert "s3:getobject" in clause.actions
    assert "iam:passrole" not in clause.actions


def test_all_but_more_is_narrower() -> None:
    wide = list(clauses_of(policy({**statement("s3:*"), "NotResource": ["a"], "Resource": None})))
    for each in wide:
        assert each.resource == "all but a"
    narrow = list(clauses_of(policy({**statement("s3:*"), "NotResource": ["b", "a"]})))
    assert split(narrow, wide)[1] == []
    assert split(wide, narrow)[1] == wide


@pytest.mark.parametrize(
    ("action", "resource", "applies"),
    [
        ("s3:getobject", f"{BUCKET}/*", True),
        ("s3:getobject", BUCKET, False),
        ("s3:listbucket", BUCKET, True),
        ("s3:listbucket", f"{BUCKET}/flights/*", False),
        ("s3:getobject", "*", True),
        ("s3:getobject", "arn:aws:s3:::*", True),
        ("ec2:describevpcs", "arn:aws:ec2:eu-west-1:123456789012:vpc/vpc-1", False),
        ("kms:decrypt", "arn:aws:kms:eu-west-1:${AWS::AccountId}:key/${Lake.Key}", True),
        ("kms:decrypt", BUCKET, False),
        ("kms:decrypt", "${Lake.Unknown.Attribute}", True),
        ("new:action", BUCKET, True),
    ],
)
def test_awss_table_says_which_resources_an_action_is_about(
    action: str, resource: str, applies: bool
) -> None:
    assert may_apply(action, resource) is applies


@pytest.mark.parametrize(
    ("left", "right", "together"),
    [
        ("a*c", "ab*", True),
        ("a*", "b*", False),
        ("a?c", "abc", True),
        ("", "*", True),
        ("a", "", False),
    ],
)
def test_two_patterns_overlap_where_one_text_matches_both(
    left: str, right: str, together: bool
) -> None:
    assert overlap(left, right) is together
    assert overlap(right, left) is together


@pytest.mark.parametrize(
    ("wide", "narrow", "covered"),
    [
        ("*", "a/*", True),
        ("a/*", "a/b", True),
        ("a/*", "a/b*", True),
        ("a/b*", "a/*", False),
        ("a?", "ab", True),
        ("a?", "a*", False),
        ("a", "b", False),
    ],
)
def test_a_pattern_covers_another_one(wide: str, narrow: str, covered: bool) -> None:
    assert glob_covers(wide, narrow) is covered


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        ({}, {"StringEquals": {"k": "a"}}),
        ({"StringLike": {"k": "a*"}}, {"StringEquals": {"K": "ab"}}),
        ({"StringEqualsIfExists": {"k": "a"}}, {"StringEquals": {"k": "a"}}),
        ({"IpAddress": {"k": "10.0.0.0/8"}}, {"IpAddress": {"k": "10.1.0.0/16"}}),
        ({"StringNotEquals": {"k": "a"}}, {"StringNotEquals": {"k": ["a", "b"]}}),
        ({"ArnEquals": {"k": "arn:*"}}, {"ArnLike": {"k": "arn:x"}}),
        ({"Bool": {"k": "true"}}, {"Bool": {"k": "True"}, "StringEquals": {"j": "a"}}),
    ],
)
def test_a_condition_that_lets_more_through_covers_the_stricter_one(
    wide: dict[str, Any], narrow: dict[str, Any]
) -> None:
    (mine,), (theirs,) = alternatives(wide), alternatives(narrow)
    assert covers(mine, theirs)
    if wide.keys() != narrow.keys() or len(str(wide)) != len(str(narrow)):
        assert mine == theirs or not covers(theirs, mine)


def test_a_list_of_values_says_the_same_as_two_statements() -> None:
    both = policy(statement("s3:*", Condition={"StringEquals": {"k": ["a", "b"]}}))
    apart = policy(
        *(statement("s3:*", Condition={"StringEquals": {"k": value}}) for value in ("b", "a"))
    )
    assert same_meaning(clauses_of(both), clauses_of(apart))
    forall = policy(statement("s3:*", Condition={"ForAllValues:StringEquals": {"k": ["a", "b"]}}))
    assert not same_meaning(clauses_of(both), clauses_of(forall))


def test_values_of_a_negated_condition_belong_together() -> None:
    both = policy(statement("s3:*", Condition={"StringNotEquals": {"k": ["a", "b"]}}))
    apart = policy(
        *(statement("s3:*", Condition={"StringNotEquals": {"k": value}}) for value in ("b", "a"))
    )
    assert not same_meaning(clauses_of(both), clauses_of(apart))


def test_too_many_alternatives_are_not_multiplied() -> None:
    block = {"StringEquals": {key: [str(value) for value in range(9)] for key in "abc"}}
    assert len(alternatives(block)) == 1


NOTHING = {"Ref": "AWS::NoValue"}


def under(name: str, yes: Any, no: Any = NOTHING) -> dict[str, Any]:
    return {"Fn::If": [name, yes, no]}


def test_a_statement_under_a_template_condition_is_seen_wherever_the_condition_stands() -> None:
    whole = under("Big", statement("s3:GetObject", "a"))
    inside = statement("s3:GetObject", under("Big", "a"))
    (clause,) = (each for each in clauses_of(policy(whole)))
    assert [each.text for each in clause.conditions] == ["template condition Big true"]
    assert same(whole, inside)


def test_another_template_condition_is_another_meaning() -> None:
    big, small = (under(name, statement("s3:*")) for name in ("Big", "Small"))
    assert not same(big, small)
    assert not same(big, under("Big", NOTHING, statement("s3:*")))
    before, after = list(clauses_of(policy(big))), list(clauses_of(policy(statement("s3:*"))))
    assert split(before, after)[1] == []
    assert split(after, before)[1] == after


def test_an_allow_and_a_deny_are_never_the_same() -> None:
    assert not same(statement("s3:*"), statement("s3:*", Effect="Deny"))


def test_policy_variables_are_plain_text_in_the_old_language() -> None:
    given = statement("s3:GetObject", "arn:aws:s3:::home/${aws:username}/*")
    old = {"Version": "2008-10-17", "Statement": [given]}
    assert not same_meaning(clauses_of(old), clauses_of(policy(given)))


@pytest.mark.parametrize(
    ("principal", "kind"),
    [
        ("anyone", "anyone"),
        ("arn:aws:iam::999999999999:role/x", "account"),
        ("arn:aws:iam::${AWS::AccountId}:root", None),
        ("${Serving.Role.Arn}", None),
        ("sagemaker.amazonaws.com", None),
        ("arn:aws:iam::${AWS::AccountId}:oidc-provider/token.example.com", "identity provider"),
        ("cognito-identity.amazonaws.com", "identity provider"),
        ("accounts.example.com", "identity provider"),
        ("0" * 64, "account"),
        ("AIDAEXAMPLE1234567890", "account"),
    ],
)
def test_an_outsider_is_told_from_those_inside(principal: str, kind: str | None) -> None:
    assert kind_of(principal) == kind


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("*", "*"),
        ({"Fn::GetAtt": ["Raw", "Arn"]}, "<Raw.Arn>"),
        ({"Fn::Join": ["", [{"Fn::GetAtt": ["Raw", "Arn"]}, "/*"]]}, "<Raw.Arn>/*"),
        ({"Fn::Sub": "arn:${AWS::Partition}:s3:::x"}, "arn:<AWS::Partition>:s3:::x"),
        ({"Ref": "Topic"}, "<Topic>"),
    ],
)
def test_a_wildcard_is_written_as_cdk_nag_writes_it(value: Any, text: str) -> None:
    assert as_nag_writes(value) == text
