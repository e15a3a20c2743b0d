"""The other half of the test bench: what is written otherwise and means the same."""

from tests.review.planting import DELETE, KEY, PREFIX, RIGHTS, TRUST, Plant, both, grant, put
from tests.review.world import arn, output, statement

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
