"""Settings that protect something, and which change of them protects less."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flywheel.review.schemas import Pointer, values_at
from flywheel.review.verdict import Level

Values = Sequence[Any]
Weaker = Callable[[Values, Values], bool]


@dataclass(frozen=True)
class Protection:
    """One setting of one type of resource.

    Attributes:
        type: The resource type, `*` for every type.
        pointer: The setting.
        weaker: Whether its values after protect less than those before.
        says: What then happens, in one sentence; `{before}` and `{after}` are the values.
        level: How much attention that wants.
        of_new: Whether a new resource can have it too: an open door is open from the beginning, but
            what it keeps for some time it has not kept for longer.
    """

    type: str
    pointer: Pointer
    weaker: Weaker
    says: str
    level: Level = "look"
    of_new: bool = True


def fewer(value: str) -> Weaker:
    """The value stands there less often."""
    return lambda before, after: list(before).count(value) > list(after).count(value)


def more(value: str) -> Weaker:
    """The value stands there more often."""
    return lambda before, after: list(after).count(value) > list(before).count(value)


def gone(before: Values, after: Values) -> bool:
    """It was set and is not any more."""
    return bool(before) and not after


def shrunk(before: Values, after: Values) -> bool:
    """There are fewer of them."""
    return len(before) > len(after)


def lower(before: Values, after: Values) -> bool:
    """The number is smaller, or gone."""
    return bool(before) and _number(after, 0.0) < _number(before, 0.0)


def shorter_or_set(before: Values, after: Values) -> bool:
    """The time is shorter; without a value it is for ever."""
    return _number(after, float("inf")) < _number(before, float("inf"))


def fewer_than(default: float) -> Weaker:
    """The number is smaller; without a value it is AWS's default."""
    return lambda before, after: _number(after, default) < _number(before, default)


def higher_or_gone(before: Values, after: Values) -> bool:
    """The limit is higher; without a value there is none."""
    return _number(after, float("inf")) > _number(before, float("inf"))


def _number(values: Values, otherwise: float) -> float:
    try:
        return min(float(value) for value in values) if values else otherwise
    except (TypeError, ValueError):
        return otherwise


_BLOCKS = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
_SSE = ("BucketEncryption", "ServerSideEncryptionConfiguration", "*")
_ROLLBACK = ("DeploymentConfig", "AutoRollbackConfiguration", "Alarms", "*")
_SECURITY_GROUP = "Anybody on the internet may now connect to it."

PROTECTIONS: tuple[Protection, ...] = (
    Protection(
        "AWS::Logs::LogGroup", ("RetentionInDays",), shorter_or_set,
        "Its log is kept for {after} days and was for {before}.", of_new=False,
    ),
    Protection(
        "AWS::S3::Bucket", ("VersioningConfiguration", "Status"), fewer("Enabled"),
        "Versioning is off: what is overwritten or deleted cannot be brought back.", "danger",
    ),
    *(
        Protection(
            "AWS::S3::Bucket", ("PublicAccessBlockConfiguration", name), fewer("true"),
            f"{name} is off: one of the four locks against public access is open.", "danger",
        )
        for name in _BLOCKS
    ),
    Protection(
        "AWS::S3::Bucket", (*_SSE, "ServerSideEncryptionByDefault", "SSEAlgorithm"),
        fewer("aws:kms"), "It is no longer encrypted with a key of ours.", "danger",
    ),
    Protection(
        "AWS::S3::Bucket", ("ObjectLockEnabled",), fewer("true"), "Its lock is off.", "danger",
    ),
    Protection(
        "AWS::S3::Bucket", ("LoggingConfiguration",), gone, "Access to it is no longer logged.",
    ),
    Protection(
        "AWS::KMS::Key", ("EnableKeyRotation",), fewer("true"), "The key is no longer rotated.",
    ),
    Protection(
        "AWS::KMS::Key", ("PendingWindowInDays",), fewer_than(30),
        "A deleted key can be brought back for {after} days only, instead of {before}.",
        of_new=False,
    ),
    Protection(
        "AWS::DynamoDB::Table",
        ("PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled"), fewer("true"),
        "Point-in-time recovery is off.", "danger",
    ),
    Protection(
        "*", ("DeletionProtection",), fewer("true"), "Deletion protection is off.", "danger",
    ),
    Protection(
        "*", ("DeletionProtectionEnabled",), fewer("true"), "Deletion protection is off.", "danger",
    ),
    *(
        Protection("*", (name,), gone, "It is no longer encrypted with a key of ours.", "danger")
        for name in ("KmsKeyId", "KmsMasterKeyId", "KmsKeyArn", "KMSMasterKeyID", "KMSKeyArn")
    ),
    *(
        Protection("*", (name,), gone, "It is no longer encrypted with a key of ours.", "danger")
        for name in ("SSESpecification", "EncryptionConfiguration")
    ),
    Protection("*", ("StorageEncrypted",), fewer("true"), "It is no longer encrypted.", "danger"),
    Protection("*", ("Encrypted",), fewer("true"), "It is no longer encrypted.", "danger"),
    Protection(
        "*", ("PubliclyAccessible",), more("true"), "It can be reached from the internet.", "danger"
    ),
    Protection("*", ("BackupRetentionPeriod",), lower, "Backups are kept for a shorter time."),
    Protection(
        "AWS::SQS::Queue", ("SqsManagedSseEnabled",), more("false"),
        "It is not encrypted.", "danger",
    ),
    Protection(
        "AWS::SQS::Queue", ("RedrivePolicy",), gone,
        "What cannot be processed no longer goes to a dead-letter queue.",
    ),
    Protection(
        "AWS::SQS::Queue", ("MessageRetentionPeriod",), lower,
        "Messages wait for {after} seconds instead of {before}.",
    ),
    Protection(
        "AWS::CloudWatch::Alarm", ("ActionsEnabled",), more("false"), "The alarm tells nobody.",
    ),
    Protection(
        "AWS::CloudWatch::Alarm", ("AlarmActions", "*"), shrunk, "The alarm tells fewer.",
    ),
    *(
        Protection(
            kind, ("EnableNetworkIsolation",), fewer("true"),
            "The container may now use the network.", "danger",
        )
        for kind in ("AWS::SageMaker::Model", "AWS::SageMaker::EndpointConfig")
    ),
    Protection(
        "AWS::SageMaker::Model", ("VpcConfig",), gone, "It no longer runs in our network.", "danger"
    ),
    Protection(
        "AWS::SageMaker::EndpointConfig", ("DataCaptureConfig", "EnableCapture"), fewer("true"),
        "Predictions are no longer captured, so that drift is not seen.",
    ),
    Protection(
        "AWS::SageMaker::EndpointConfig", ("DataCaptureConfig", "InitialSamplingPercentage"), lower,
        "{after} % of the predictions are captured instead of {before} %.",
    ),
    Protection(
        "AWS::SageMaker::Endpoint", _ROLLBACK, shrunk,
        "Fewer alarms roll a bad update back.", "danger",
    ),
    Protection(
        "AWS::SageMaker::Endpoint", ("DeploymentConfig", "BlueGreenUpdatePolicy"), gone,
        "An update moves all traffic at once.", "danger",
    ),
    Protection(
        "AWS::SageMaker::ModelPackageGroup", ("ModelPackageGroupPolicy",), gone,
        "Its resource policy is gone.",
    ),
    Protection(
        "AWS::ApiGateway::Method", ("AuthorizationType",), more("NONE"),
        "Anybody may call it: it asks for no authorisation.", "danger",
    ),
    Protection(
        "AWS::ApiGateway::Method", ("RequestValidatorId",), gone, "Requests are not validated.",
    ),
    Protection(
        "AWS::ApiGateway::Stage", ("AccessLogSetting",), gone, "Calls are no longer logged.",
    ),
    *(
        Protection(
            "AWS::ApiGateway::Stage", ("MethodSettings", "*", name), higher_or_gone,
            "It lets more calls through before it throttles ({after} instead of {before}).",
        )
        for name in ("ThrottlingRateLimit", "ThrottlingBurstLimit")
    ),
    Protection(
        "AWS::StepFunctions::StateMachine", ("LoggingConfiguration",), gone,
        "Executions are no longer logged.",
    ),
    Protection(
        "AWS::Lambda::Url", ("AuthType",), more("NONE"),
        "Anybody may call it: it asks for no authorisation.", "danger",
    ),
    *(
        Protection(kind, pointer, more(everywhere), _SECURITY_GROUP, "danger")
        for kind, pointer in (
            ("AWS::EC2::SecurityGroupIngress", ("CidrIp",)),
            ("AWS::EC2::SecurityGroupIngress", ("CidrIpv6",)),
            ("AWS::EC2::SecurityGroup", ("SecurityGroupIngress", "*", "CidrIp")),
            ("AWS::EC2::SecurityGroup", ("SecurityGroupIngress", "*", "CidrIpv6")),
        )
        for everywhere in ("0.0.0.0/0", "::/0")
    ),
    Protection(
        "AWS::EC2::Subnet", ("MapPublicIpOnLaunch",), more("true"),
        "What starts in this subnet gets a public address.", "danger",
    ),
    Protection(
        "AWS::Athena::WorkGroup", ("WorkGroupConfiguration", "EnforceWorkGroupConfiguration"),
        fewer("true"), "Clients may choose another place and no encryption for their results.",
    ),
)  # fmt: skip


def weakened(
    resource_type: str, before: Mapping[str, Any] | None, after: Mapping[str, Any]
) -> Iterator[tuple[Level, str]]:
    """Level and sentence for every setting that protects less than before.

    Args:
        resource_type: Type of the resource.
        before: Its rendered properties before; None for a new resource.
        after: Its rendered properties after.
    """
    said = set()
    for protection in PROTECTIONS:
        if protection.type not in ("*", resource_type):
            continue
        if before is None and not protection.of_new:
            continue
        was = list(values_at(before or {}, protection.pointer))
        now = list(values_at(after, protection.pointer))
        if was != now and protection.weaker(was, now):
            says = protection.says.format(before=_words(was), after=_words(now))
            if says not in said:
                said.add(says)
                yield protection.level, says


def _words(values: Values) -> str:
    return ", ".join(str(value) for value in values) or "the default"
