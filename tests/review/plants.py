"""The test bench: planted changes, each with the verdict that the review must give."""

from tests.review.planting import (
    CASCADE,
    DELETE,
    KEY,
    NOTHING,
    RIGHTS,
    TRUST,
    VARIANT,
    Plant,
    _without_stack,
    both,
    found,
    grant,
    put,
    rename,
)
from tests.review.world import STRANGER, arn, output, statement

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
