"""The test bench: planted changes, each with the verdict that the review must give."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.review.world import (
    OWN_ROOT,
    STRANGER,
    Templates,
    arn,
    output,
    policy,
    statement,
)

DELETE: Any = object()
NOTHING = {"Ref": "AWS::NoValue"}


@dataclass(frozen=True)
class Plant:
    """One planted change.

    Attributes:
        says: What was done, as the name of the test.
        change: Does it.
        findings: (rule, construct path) of all findings that are not routine.
        actions: Construct path → action, of all resources that change.
        level: The level of the whole verdict.
        blocked: Whether the deployment is blocked.
    """

    says: str
    change: Callable[[Templates], None]
    findings: frozenset[tuple[str, str]] = frozenset()
    actions: Mapping[str, str] = field(default_factory=dict)
    level: str = "look"
    blocked: bool = False


def put(path: str, value: Any) -> Callable[[Templates], None]:
    """Set what is at a place like Lake.Raw.Properties.BucketName; DELETE takes it away."""

    def change(given: Templates) -> None:
        stack, *steps = path.split(".")
        target: Any = given[stack]["Resources"]
        for step in steps[:-1]:
            target = target[int(step) if step.isdecimal() else step]
        last = int(steps[-1]) if steps[-1].isdecimal() else steps[-1]
        if value is DELETE:
            del target[last]
        else:
            target[last] = value

    return change


def both(*changes: Callable[[Templates], None]) -> Callable[[Templates], None]:
    def change(given: Templates) -> None:
        for each in changes:
            each(given)

    return change


def rename(stack: str, old: str, new: str, *, path: str | None) -> Callable[[Templates], None]:
    """Give a resource another logical id, and every reference to it too."""

    def replaced(value: Any) -> Any:
        if isinstance(value, dict):
            if value == {"Ref": old}:
                return {"Ref": new}
            if isinstance(value.get("Fn::GetAtt"), list) and value["Fn::GetAtt"][0] == old:
                return {"Fn::GetAtt": [new, *value["Fn::GetAtt"][1:]]}
            return {key: replaced(item) for key, item in value.items()}
        return [replaced(item) for item in value] if isinstance(value, list) else value

    def change(given: Templates) -> None:
        given[stack] = replaced(given[stack])
        resources = given[stack]["Resources"]
        resources[new] = resources.pop(old)
        resources[new]["Metadata"] = {"path": path or f"{stack}/{new}"}

    return change


def grant(*statements: Mapping[str, Any]) -> Callable[[Templates], None]:
    """Give the role these rights besides those that it has."""

    def change(given: Templates) -> None:
        document = given["Serving"]["Resources"]["Rights"]["Properties"]["PolicyDocument"]
        document["Statement"] += statements

    return change


def _without_stack(given: Templates) -> None:
    del given["Serving"]


RIGHTS = "Serving.Rights.Properties.PolicyDocument.Statement"
TRUST = "Serving.Role.Properties.AssumeRolePolicyDocument.Statement"
KEY = "Lake.Key.Properties.KeyPolicy.Statement"
VARIANT = "Serving.Config.Properties.ProductionVariants.0"
CASCADE = {
    "Serving/Config": "replaced",
    "Serving/Endpoint": "changed",
}
PREFIX = {"Fn::Join": ["", [output("RawArn"), "/flights/*"]]}


def found(*pairs: tuple[str, str]) -> frozenset[tuple[str, str]]:
    return frozenset(pairs)


PLANTS = [
    # Data
    Plant(
        "a bucket that deletes its objects gets another logical id",
        rename("Lake", "Scratch", "Scratch2", path="Lake/Scratch"),
        found(("data_lost", "Lake/Scratch")),
        {"Lake/Scratch": "replaced"},
        "danger",
        blocked=True,
    ),
    Plant(
        "a bucket is moved to another construct path",
        rename("Lake", "Scratch", "InsideScratch", path="Lake/Inside/Scratch"),
        found(("data_lost", "Lake/Inside/Scratch")),
        {"Lake/Inside/Scratch": "replaced"},
        "danger",
        blocked=True,
    ),
    Plant(
        "a kept bucket gets another logical id, and the rights to it follow",
        rename("Lake", "Raw", "Raw2", path="Lake/Raw"),
        found(("data_left_behind", "Lake/Raw"), ("replaced", "Lake/RawPolicy")),
        {
            "Lake/Raw": "replaced",
            "Lake/RawPolicy": "replaced",
            "Lake/Way": "changed",
            "Serving/Rights": "changed",
        },
    ),
    Plant(
        "a bucket gets another name",
        put("Lake.Named.Properties.BucketName", "flywheel-prod-other"),
        found(("data_lost", "Lake/Named")),
        {"Lake/Named": "replaced"},
        "danger",
        blocked=True,
    ),
    Plant(
        "a bucket is removed",
        put("Lake.Scratch", DELETE),
        found(("data_lost", "Lake/Scratch")),
        {"Lake/Scratch": "removed"},
        "danger",
        blocked=True,
    ),
    Plant(
        "a log group that is kept gets another name",
        put("Lake.Log.Properties.LogGroupName", "/flywheel/prod/other"),
        found(("data_left_behind", "Lake/Log")),
        {"Lake/Log": "replaced"},
    ),
    Plant(
        "nothing keeps a bucket's objects any more",
        both(put("Lake.Raw.DeletionPolicy", "Delete"), put("Lake.Raw.UpdateReplacePolicy", DELETE)),
        found(("protection_weakened", "Lake/Raw")),
        {"Lake/Raw": "changed"},
        "danger",
    ),
    Plant(
        "the description of a model package group with a fixed name changes",
        put("Serving.Group.Properties.ModelPackageGroupDescription", "All flights"),
        found(("cannot_deploy", "Serving/Group"), ("data_left_behind", "Serving/Group")),
        {"Serving/Group": "replaced"},
        "danger",
        blocked=True,
    ),
    Plant(
        "a logical id is given to another type",
        put(
            "Serving.Alarm",
            {"Type": "AWS::CloudWatch::CompositeAlarm", "Properties": {"AlarmRule": "TRUE"}},
        ),
        found(
            ("cannot_deploy", "Serving/Alarm"),
            ("replaced", "Serving/Alarm"),
        ),
        {"Serving/Alarm": "replaced", "Serving/Endpoint": "changed"},
        "danger",
        blocked=True,
    ),
    Plant(
        "a Spark application gets another release",
        put("Lake.Spark.Properties.ReleaseLabel", "emr-7.6.0"),
        found(("may_be_replaced", "Lake/Spark")),
        {"Lake/Spark": "maybe_replaced"},
    ),
    Plant(
        "a whole stack is removed",
        _without_stack,
        found(
            ("data_left_behind", "Serving/Group"),
            ("protection_weakened", "Serving/Alarm"),
            *(
                ("removed", f"Serving/{name}")
                for name in (
                    "Alarm",
                    "Code",
                    "Config",
                    "Endpoint",
                    "Loop",
                    "Method",
                    "Model",
                    "Rights",
                    "Role",
                    "Scaling",
                )
            ),
        ),
        {
            f"Serving/{name}": "removed"
            for name in (
                "Alarm",
                "Code",
                "Config",
                "Endpoint",
                "Group",
                "Loop",
                "Method",
                "Model",
                "Rights",
                "Role",
                "Scaling",
            )
        },
    ),
    # Replacements without loss
    Plant(
        "a model gets another image",
        put("Serving.Model.Properties.PrimaryContainer.Image", "xgboost:2"),
        frozenset(),
        {"Serving/Model": "replaced", **CASCADE},
        "routine",
    ),
    Plant(
        "an instance type is doubled",
        put(f"{VARIANT}.InstanceType", "ml.m5.2xlarge"),
        found(("capacity_raised", "Serving/Config")),
        CASCADE,
    ),
    Plant(
        "an instance type of another family is chosen",
        put(f"{VARIANT}.InstanceType", "ml.g5.xlarge"),
        found(("capacity_raised", "Serving/Config")),
        CASCADE,
    ),
    Plant(
        "an instance type is halved",
        put(f"{VARIANT}.InstanceType", "ml.m5.large"),
        frozenset(),
        CASCADE,
        "routine",
    ),
    Plant(
        "there are more instances",
        put(f"{VARIANT}.InitialInstanceCount", 3),
        found(("capacity_raised", "Serving/Config")),
        CASCADE,
    ),
    Plant(
        "autoscaling may go further",
        put("Serving.Scaling.Properties.MaxCapacity", 8),
        found(("capacity_raised", "Serving/Scaling")),
        {"Serving/Scaling": "changed"},
    ),
    Plant(
        "training inside the state machine takes a larger instance",
        put(
            "Serving.Loop.Properties.DefinitionString.Fn::Join.1.2",
            '","InstanceType":"ml.m5.4xlarge","InstanceCount":1},"End":true}}}',
        ),
        found(("capacity_raised", "Serving/Loop")),
        {"Serving/Loop": "changed"},
    ),
    # Protection
    Plant(
        "a log is kept for a shorter time",
        put("Lake.Log.Properties.RetentionInDays", 30),
        found(("protection_weakened", "Lake/Log")),
        {"Lake/Log": "changed"},
    ),
    Plant(
        "a log is kept for ever",
        put("Lake.Log.Properties.RetentionInDays", DELETE),
        frozenset(),
        {"Lake/Log": "changed"},
        "routine",
    ),
    Plant(
        "versioning is switched off",
        put("Lake.Raw.Properties.VersioningConfiguration.Status", "Suspended"),
        found(("protection_weakened", "Lake/Raw")),
        {"Lake/Raw": "changed"},
        "danger",
    ),
    Plant(
        "one lock against public access is opened",
        put("Lake.Raw.Properties.PublicAccessBlockConfiguration.BlockPublicPolicy", False),
        found(("protection_weakened", "Lake/Raw")),
        {"Lake/Raw": "changed"},
        "danger",
    ),
    Plant(
        "a key is no longer rotated",
        put("Lake.Key.Properties.EnableKeyRotation", False),
        found(("protection_weakened", "Lake/Key")),
        {"Lake/Key": "changed"},
    ),
    Plant(
        "an alarm is removed",
        both(
            put("Serving.Alarm", DELETE),
            put("Serving.Endpoint.Properties.DeploymentConfig.AutoRollbackConfiguration", DELETE),
        ),
        found(
            ("removed", "Serving/Alarm"),
            ("protection_weakened", "Serving/Alarm"),
            ("protection_weakened", "Serving/Endpoint"),
        ),
        {"Serving/Alarm": "removed", "Serving/Endpoint": "changed"},
        "danger",
    ),
    Plant(
        "fewer predictions are captured",
        put("Serving.Config.Properties.DataCaptureConfig.InitialSamplingPercentage", 5),
        found(("protection_weakened", "Serving/Config")),
        CASCADE,
    ),
    Plant(
        "a container may use the network",
        put("Serving.Model.Properties.EnableNetworkIsolation", False),
        found(("protection_weakened", "Serving/Model")),
        {"Serving/Model": "replaced", **CASCADE},
        "danger",
    ),
    Plant(
        "a security group is opened to the internet",
        put(
            "Lake.Door.Properties.SecurityGroupIngress",
            [
                {"CidrIp": "10.0.0.0/16", "IpProtocol": "tcp", "FromPort": 443},
                {"CidrIp": "0.0.0.0/0", "IpProtocol": "tcp", "FromPort": 443},
            ],
        ),
        found(("protection_weakened", "Lake/Door")),
        {"Lake/Door": "changed"},
        "danger",
    ),
    Plant(
        "an API asks for no authorisation",
        put("Serving.Method.Properties.AuthorizationType", "NONE"),
        found(("protection_weakened", "Serving/Method")),
        {"Serving/Method": "changed"},
        "danger",
    ),
    # Rights
    Plant(
        "a key's policy allows a service more",
        put(f"{KEY}.1.Action", ["kms:Decrypt", "kms:GenerateDataKey", "kms:Encrypt"]),
        found(("access_widened", "Lake/Key")),
        {"Lake/Key": "changed"},
    ),
    Plant(
        "a key's policy lets another account in",
        put(f"{KEY}.1.Principal", {"Service": "logs.amazonaws.com", "AWS": STRANGER}),
        found(("access_widened", "Lake/Key"), ("outsider_admitted", "Lake/Key")),
        {"Lake/Key": "changed"},
        "danger",
        blocked=True,
    ),
    Plant(
        "a trust policy is opened to another account",
        put(f"{TRUST}.0.Principal", {"Service": "sagemaker.amazonaws.com", "AWS": "999999999999"}),
        found(("access_widened", "Serving/Role"), ("outsider_admitted", "Serving/Role")),
        {"Serving/Role": "changed"},
        "danger",
        blocked=True,
    ),
    Plant(
        "a trust policy loses its condition",
        put(f"{TRUST}.0.Condition", DELETE),
        found(("access_widened", "Serving/Role")),
        {"Serving/Role": "changed"},
    ),
    Plant(
        "anyone may read a bucket",
        put(
            "Lake.RawPolicy.Properties.PolicyDocument.Statement",
            [
                statement(
                    "s3:*",
                    [arn("Raw"), arn("Raw", "/*")],
                    Effect="Deny",
                    Principal="*",
                    Condition={"Bool": {"aws:SecureTransport": False}},
                ),
                statement("s3:GetObject", arn("Raw", "/*"), Principal="*"),
            ],
        ),
        found(("access_widened", "Lake/Raw"), ("outsider_admitted", "Lake/Raw")),
        {"Lake/RawPolicy": "changed"},
        "danger",
        blocked=True,
    ),
    Plant(
        "an identity provider may take on a role",
        put(
            f"{TRUST}.0",
            {
                "Effect": "Allow",
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Principal": {
                    "Federated": "arn:aws:iam::123456789012:oidc-provider/token.example.com"
                },
            },
        ),
        found(("access_widened", "Serving/Role"), ("outsider_admitted", "Serving/Role")),
        {"Serving/Role": "changed"},
        "danger",
        blocked=True,
    ),
    Plant(
        "a bucket is no longer closed to unencrypted connections",
        put("Lake.RawPolicy.Properties.PolicyDocument.Statement.0.Action", "s3:GetObject"),
        found(("access_widened", "Lake/Raw")),
        {"Lake/RawPolicy": "changed"},
        "danger",
    ),
    Plant(
        "a role may do one more thing",
        put(f"{RIGHTS}.0.Action", ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]),
        found(("access_widened", "Serving/Role")),
        {"Serving/Rights": "changed"},
    ),
    Plant(
        "a role may do one thing less",
        put(f"{RIGHTS}.0.Action", "s3:GetObject"),
        frozenset(),
        {"Serving/Rights": "changed"},
        "routine",
    ),
    Plant(
        "a role reaches the whole bucket instead of a prefix",
        put(f"{RIGHTS}.0.Resource", {"Fn::Join": ["", [output("RawArn"), "/*"]]}),
        found(("access_widened", "Serving/Role"), ("wildcard_unexplained", "Serving/Rights")),
        {"Serving/Rights": "changed"},
    ),
    Plant(
        "a role gets a right that no acknowledgment explains",
        grant(statement("ec2:DescribeVpcs")),
        found(("access_widened", "Serving/Role"), ("wildcard_unexplained", "Serving/Rights")),
        {"Serving/Rights": "changed"},
    ),
    Plant(
        "a role gets everything but one service",
        grant({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}),
        found(("access_widened", "Serving/Role"), ("wildcard_unexplained", "Serving/Rights")),
        {"Serving/Rights": "changed"},
        "danger",
    ),
    Plant(
        "a role may hand on a role",
        grant(statement("iam:PassRole", "arn:aws:iam::123456789012:role/admin")),
        found(("access_widened", "Serving/Role")),
        {"Serving/Rights": "changed"},
        "danger",
    ),
    Plant(
        "a role may do more under a condition of the template",
        grant({"Fn::If": ["Big", statement("s3:DeleteObject", "arn:aws:s3:::x/y"), NOTHING]}),
        found(("access_widened", "Serving/Role")),
        {"Serving/Rights": "changed"},
    ),
    Plant(
        "a role becomes an administrator by a managed policy",
        put(
            "Serving.Role.Properties.ManagedPolicyArns",
            ["arn:aws:iam::aws:policy/AdministratorAccess"],
        ),
        found(("access_widened", "Serving/Role")),
        {"Serving/Role": "changed"},
        "danger",
    ),
    Plant(
        "a policy of a VPC endpoint lets more through",
        put("Lake.Way.Properties.PolicyDocument.Statement.0.Action", "s3:*"),
        found(("network_policy_widened", "Lake/Way")),
        {"Lake/Way": "changed"},
    ),
    Plant(
        "another account may call a function",
        put(
            "Serving.Permission",
            {
                "Type": "AWS::Lambda::Permission",
                "Properties": {
                    "Action": "lambda:InvokeFunction",
                    "FunctionName": arn("Code"),
                    "Principal": "999999999999",
                },
            },
        ),
        found(("access_widened", "Serving/Code"), ("outsider_admitted", "Serving/Code")),
        {"Serving/Permission": "added"},
        "danger",
        blocked=True,
    ),
    Plant(
        "a new log is kept for a month, a new key may be deleted in a week: neither was longer",
        both(
            put(
                "Serving.Fresh",
                {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": 30}},
            ),
            put(
                "Serving.Young",
                {
                    "Type": "AWS::KMS::Key",
                    "Properties": {"PendingWindowInDays": 7, "EnableKeyRotation": True},
                },
            ),
        ),
        actions={"Serving/Fresh": "added", "Serving/Young": "added"},
        level="routine",
    ),
    Plant(
        "a new method asks for no authorisation",
        put(
            "Serving.Open",
            {"Type": "AWS::ApiGateway::Method", "Properties": {"AuthorizationType": "NONE"}},
        ),
        found(("protection_weakened", "Serving/Open")),
        {"Serving/Open": "added"},
        "danger",
    ),
]
"""Changes that a reviewer must see."""

REWORDED = [
    Plant(
        "the actions are in another order and another case",
        put(f"{RIGHTS}.0.Action", ["S3:putobject", "s3:GETObject"]),
    ),
    Plant(
        "one statement is cut in two, with names",
        both(
            put(f"{RIGHTS}.0.Action", "s3:GetObject"),
            grant(statement(["s3:PutObject"], [PREFIX], Sid="Write")),
        ),
    ),
    Plant(
        "two statements become one, where the table knows what applies to what",
        both(
            put(f"{RIGHTS}.0.Action", ["s3:GetObject", "s3:PutObject", "s3:ListBucket"]),
            put(f"{RIGHTS}.0.Resource", [PREFIX, output("RawArn")]),
            put(f"{RIGHTS}.1", DELETE),
        ),
    ),
    Plant(
        "a statement is said twice, and once more for a part of it",
        grant(
            statement("s3:GetObject", PREFIX),
            statement("s3:PutObject", {"Fn::Join": ["/", [output("RawArn"), "flights", "a/*"]]}),
        ),
    ),
    Plant(
        "an ARN is put together otherwise",
        put(
            f"{RIGHTS}.0.Resource",
            {"Fn::Sub": ["${Bucket}/flights/*", {"Bucket": output("RawArn")}]},
        ),
    ),
    Plant(
        "a key is named by its stack's output instead of its export",
        put(f"{RIGHTS}.2.Resource", output("KeyArn")),
    ),
    Plant(
        "the account is named by its number",
        put(f"{KEY}.0.Principal", {"AWS": "123456789012"}),
    ),
    Plant(
        "the account's root is written with the partition's name",
        put(
            f"{KEY}.0.Principal",
            {"AWS": {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}},
        ),
    ),
    Plant(
        "a condition's key is in another case and its values in a list",
        put(f"{TRUST}.0.Condition", {"StringEquals": {"AWS:sourceACCOUNT": ["123456789012"]}}),
    ),
    Plant(
        "a condition without wildcards uses the operator that knows them",
        put(f"{TRUST}.0.Condition", {"StringLike": {"aws:SourceAccount": "123456789012"}}),
    ),
    Plant(
        "anyone is written the other way, and false without quotes",
        both(
            put("Lake.RawPolicy.Properties.PolicyDocument.Statement.0.Principal", "*"),
            put(
                "Lake.RawPolicy.Properties.PolicyDocument.Statement.0.Condition",
                {"Bool": {"aws:securetransport": False}},
            ),
        ),
    ),
    Plant(
        "a policy is a list with one statement instead of the statement",
        put("Lake.Way.Properties.PolicyDocument.Statement", {
            "Effect": "Allow",
            "Action": ["s3:GetObject"],
            "Principal": {"AWS": ["*"]},
            "Resource": [arn("Raw", "/*")],
        }),
    ),
]  # fmt: skip
"""Policies in other words: no change at all."""

UNCHANGED = [
    Plant("nothing changes", both()),
    Plant(
        "tags are in another order",
        put(
            "Lake.Raw.Properties.Tags",
            [{"Key": "zone", "Value": "raw"}, {"Key": "team", "Value": "a"}],
        ),
    ),
    Plant("a number is written as a text", put("Lake.Log.Properties.RetentionInDays", "365")),
    Plant("a flag is written as a text", put("Lake.Key.Properties.EnableKeyRotation", "true")),
    Plant("the order of creation is given", put("Serving.Model.DependsOn", ["Rights"])),
    Plant("metadata changes", put("Lake.Raw.Metadata", {"note": "x"})),
    Plant(
        "a state machine's definition is laid out otherwise",
        put(
            "Serving.Loop.Properties.DefinitionString.Fn::Join.1.2",
            '",  "InstanceCount": 1, "InstanceType": "ml.m5.large"}, "End": true}} }',
        ),
    ),
]
"""Templates that differ in their text only."""

__all__ = ["OWN_ROOT", "PLANTS", "REWORDED", "UNCHANGED", "Plant", "policy"]
