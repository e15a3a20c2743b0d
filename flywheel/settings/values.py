"""Types of single values: each refuses what AWS would refuse, with the rule and a remedy."""

import ipaddress
import re
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

from flywheel.algorithms import catalogue, instance_types, regions, vpc_endpoints
from flywheel.algorithms.errors import RefusedError, nearest

LOG_RETENTION_DAYS = (
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
    3288, 3653,
)  # fmt: skip
"""Source: Amazon CloudWatch Logs API, PutRetentionPolicy."""

MEMORY_GB_BY_CPUS = {
    1: range(2, 9),
    2: range(4, 17),
    4: range(8, 31),
    8: range(16, 61),
    16: range(32, 121),
}
"""Worker sizes. Source: Amazon EMR Serverless User Guide, "Worker configurations"."""

GLUE_TYPES = (
    "tinyint", "smallint", "int", "bigint", "float", "double", "boolean", "string", "binary",
    "date", "timestamp", "array<int>", "array<double>", "array<string>",
)  # fmt: skip
"""Column types: simple ones, and lists of them. Source: Amazon Athena User Guide, "Data types"."""


def _checked(check: Callable[[Any], object]) -> AfterValidator:
    def validate(value: Any) -> Any:
        try:
            check(value)
        except RefusedError as error:
            raise custom_error(error.rule, error.remedy) from error
        return value

    return AfterValidator(validate)


def custom_error(rule: str, remedy: str = "") -> PydanticCustomError:
    """A validation error that already speaks our language."""
    return PydanticCustomError("flywheel", "{rule}", {"rule": rule, "remedy": remedy})


def _pattern(expression: str, rule: str, remedy: str = "") -> Callable[[str], None]:
    compiled = re.compile(expression, re.ASCII)

    def check(text: str) -> None:
        if not compiled.fullmatch(text):
            raise RefusedError(rule, remedy)

    return check


def _text(expression: str, rule: str, remedy: str = "") -> tuple[AfterValidator, WithJsonSchema]:
    schema = {"type": "string", "pattern": f"^({expression})$"}
    return _checked(_pattern(expression, rule, remedy)), WithJsonSchema(schema)


def _one_of(known: tuple[str, ...] | tuple[int, ...], value: Any, what: str) -> None:
    if value not in known:
        near = nearest(str(value), map(str, known))
        numbers = [n for n in known if isinstance(n, int)]
        if numbers:
            near = str(min(numbers, key=lambda n: abs(n - value)))
        raise RefusedError(f"it must be {what}", f"The nearest is {near}." if near else "")


def _instance_type(kind: instance_types.Kind) -> tuple[AfterValidator, WithJsonSchema]:
    schema = {"type": "string", "enum": list(instance_types.known(kind))}
    return _checked(lambda name: instance_types.check(kind, name)), WithJsonSchema(schema)


_training, _training_schema = _instance_type("training")
_processing, _processing_schema = _instance_type("processing")
_hosting, _hosting_schema = _instance_type("hosting")
TrainingInstanceType = Annotated[str, _training, _training_schema]
ProcessingInstanceType = Annotated[str, _processing, _processing_schema]
HostingInstanceType = Annotated[str, _hosting, _hosting_schema]

Region = Annotated[
    str,
    _checked(regions.check),
    WithJsonSchema({"type": "string", "enum": list(regions.known())}),
]


AlgorithmKey = Annotated[
    str,
    _checked(catalogue.find),
    WithJsonSchema({"type": "string", "enum": list(catalogue.keys())}),
]


def _check_network(text: str) -> None:
    try:
        network = ipaddress.IPv4Network(text, strict=False)
    except ValueError as error:
        raise RefusedError("it must be an IPv4 network, for example 10.20.0.0/16") from error
    if not 16 <= network.prefixlen <= 28:
        raise RefusedError("its prefix must be from /16 to /28, as Amazon VPC wants it")
    if str(network) != text:
        raise RefusedError(
            "it must be the network itself, not an address in it", f"Write {network}."
        )


IpNetwork = Annotated[str, _checked(_check_network)]

LogRetentionDays = Annotated[
    int,
    _checked(
        lambda days: _one_of(
            LOG_RETENTION_DAYS, days, f"one of {', '.join(map(str, LOG_RETENTION_DAYS))}"
        )
    ),
    WithJsonSchema({"type": "integer", "enum": list(LOG_RETENTION_DAYS)}),
]

VpcEndpointService = Annotated[
    str,
    _checked(vpc_endpoints.check),
    WithJsonSchema({"type": "string", "enum": list(vpc_endpoints.known())}),
]

_workload, _workload_schema = _text(
    r"(?=.{1,32}$)[a-z][a-z0-9]*(_[a-z0-9]+)*",
    "it must be lower case words joined by underscores, at most 32 characters in all",
    "It becomes part of names that AWS limits to 63 characters.",
)
WorkloadName = Annotated[str, _workload, _workload_schema]

_environment, _environment_schema = _text(
    r"[a-z][a-z0-9]{0,11}",
    "it must be lower case letters and digits, at most 12 characters",
    "It becomes part of names that AWS limits to 63 characters.",
)
EnvironmentName = Annotated[str, _environment, _environment_schema]

_repository, _repository_schema = _text(
    r"(?=.{3,140}$)[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]+",
    "it must be the owner and the name of a GitHub repository, for example owner/name",
    "Without wildcards: whoever matches it may deploy.",
)
GitHubRepository = Annotated[str, _repository, _repository_schema]

REVIEW_RULES = (
    "data_lost", "data_left_behind", "cannot_deploy", "replaced", "may_be_replaced", "removed",
    "protection_weakened", "outsider_admitted", "access_widened", "access_narrowed",
    "network_policy_widened", "wildcard_unexplained", "check_failed", "quota_exceeded",
    "cost_raised", "capacity_raised", "capacity_lowered", "code_changed", "added", "changed",
    "stack_changed",
)  # fmt: skip
"""As in `flywheel.review.rules`, which needs settings to be read; a test compares them."""
ReviewRule = Annotated[
    str,
    _checked(lambda name: _one_of(REVIEW_RULES, name, f"one of {', '.join(REVIEW_RULES)}")),
    WithJsonSchema({"type": "string", "enum": list(REVIEW_RULES)}),
]

_email, _email_schema = _text(
    r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+", "it must be an e-mail address, for example ml@example.com"
)
EmailAddress = Annotated[str, _email, _email_schema]

_variant, _variant_schema = _text(
    r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}",
    "it must be letters, digits and single hyphens, at most 63 characters",
)
VariantName = Annotated[str, _variant, _variant_schema]

_check_name, _check_name_schema = _text(
    r"[a-z][a-z0-9_]{0,62}",
    "it must be lower case letters, digits and underscores, at most 63 characters",
)
CheckName = Annotated[str, _check_name, _check_name_schema]

_column, _column_schema = _text(
    r"[a-z_][a-z0-9_]{0,254}",
    "a column is lower case letters, digits and underscores, at most 255 characters",
)
ColumnName = Annotated[str, _column, _column_schema]

_channel, _channel_schema = _text(
    r"[A-Za-z0-9._-]{1,64}",
    "a channel is letters, digits, periods, hyphens and underscores, at most 64 characters",
)
ChannelName = Annotated[str, _channel, _channel_schema]

_folder, _folder_schema = _text(
    r"[A-Za-z0-9_-]{1,64}",
    "it must be one folder name of letters, digits, hyphens and underscores",
)
FolderName = Annotated[str, _folder, _folder_schema]

HyperparameterName = Annotated[str, StringConstraints(min_length=1, max_length=256)]


def _check_glue_type(text: str) -> None:
    if not re.fullmatch(r"decimal\(\d{1,2},\d{1,2}\)|(varchar|char)\(\d{1,5}\)", text):
        known = (*GLUE_TYPES, "decimal(10,2)")
        _one_of(known, text, f"a column type of Athena: {', '.join(known)}")


GlueType = Annotated[str, _checked(_check_glue_type)]

_cpu, _cpu_schema = _text(
    r"[1-9][0-9]{0,3} vCPU", "it must be a number and vCPU, for example 2 vCPU"
)
VirtualCpus = Annotated[str, _cpu, _cpu_schema]
_memory, _memory_schema = _text(
    r"[1-9][0-9]{0,4} GB", "it must be a number and GB, for example 8 GB"
)
Memory = Annotated[str, _memory, _memory_schema]


def _check_path(text: str) -> None:
    parts = text.split("/")
    if text.startswith("/") or "\\" in text or any(part in {"", ".", ".."} for part in parts):
        raise RefusedError(
            "it must be a path inside the repository, with forward slashes",
            "Write it from the repository's root, for example training_code/train.py.",
        )
    if len(text) > 200 or not text.isprintable():
        raise RefusedError("it must have at most 200 printable characters")


SourceFolder = Annotated[str, _checked(_check_path)]
_python_file = _pattern(r".*\.py", "it must be a Python file (*.py)")
SourcePath = Annotated[str, _checked(_check_path), _checked(_python_file)]
_script, _script_schema = _text(
    r"(?=.{4,200}$)[A-Za-z0-9_][A-Za-z0-9_.-]*\.py",
    "it must be the file name of a Python script, without a folder",
    "Its folder stands in `source`.",
)
ScriptName = Annotated[str, _script, _script_schema]

_prefix, _prefix_schema = _text(
    r"([A-Za-z0-9_-]+/)+",
    "it must be folder names that end in a slash, for example flights/",
)
TriggerPrefix = Annotated[str, _prefix, _prefix_schema]


def _check_metric_regex(text: str) -> None:
    if not 1 <= len(text) <= 500:
        raise RefusedError("it must have 1 to 500 characters, as SageMaker wants it")
    try:
        groups = re.compile(text).groups
    except (re.error, OverflowError, RecursionError) as error:
        reason = getattr(error, "msg", "it cannot be compiled")
        raise RefusedError(f"it must be a regular expression ({reason})") from error
    if groups != 1:
        raise RefusedError(
            f"it must have exactly one group, the number; it has {groups}",
            "For example: 'auc=([0-9.]+)'. A group that is not the number is written (?:…).",
        )


MetricRegex = Annotated[str, _checked(_check_metric_regex)]


def _check_hyperparameter(value: Any) -> Any:
    if not isinstance(value, str | int | float):
        raise custom_error("it must be text, a number, true or false", "SageMaker passes on text.")
    if len(str(value)) > 2500:
        raise custom_error("it must have at most 2500 characters, as SageMaker wants it")
    return value


HyperparameterValue = Annotated[
    Any,
    BeforeValidator(_check_hyperparameter),
    WithJsonSchema({"type": ["string", "number", "boolean"]}),
]

_FIELD = r"[0-9A-Za-z*?,/#LW-]+"


def _check_schedule(text: str) -> None:
    rate = re.fullmatch(r"rate\(([1-9]\d*) (minutes?|hours?|days?)\)", text)
    cron = re.fullmatch(rf"cron\({_FIELD}( {_FIELD}){{5}}\)", text)
    moment = re.fullmatch(r"at\(\d{4}-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-5]\d\)", text)
    if not (rate or cron or moment):
        raise RefusedError(
            "it must be rate(…), cron(…) with six fields, or at(yyyy-mm-ddThh:mm:ss)",
            "For example rate(7 days) or cron(0 6 ? * MON *).",
        )
    if cron:
        fields = text[5:-1].split(" ")
        if (fields[2] == "?") == (fields[4] == "?"):
            raise RefusedError(
                "one of its fields day-of-month and day-of-week must be ?, the other not",
                "For example cron(0 6 ? * MON *).",
            )


ScheduleExpression = Annotated[str, _checked(_check_schedule)]


def _check_bound(value: Any) -> Any:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise custom_error("it must be a number")
    return value


RangeBound = Annotated[
    Any, BeforeValidator(_check_bound), WithJsonSchema({"type": ["number", "null"]})
]
RangeValue = HyperparameterValue
