"""Numbers, rights and resources as people say them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from flywheel.review.sections import Money
from flywheel.review.verdict import Grant

_ARN = re.compile(
    r"arn:[^:]*:(?P<service>[a-z0-9-]+):(?P<region>[^:]*):(?P<account>[^:]*):(?P<rest>.+)"
)
_OWN = "${AWS::AccountId}"
_MARKED_OWN = "\0own\0"
_SYMBOL = re.compile(r"\$\{(?P<name>[^}]+)\}")
_SERVICES = {
    "s3": "S3",
    "kms": "KMS",
    "ssm": "SSM",
    "sns": "SNS",
    "sqs": "SQS",
    "iam": "IAM",
    "ec2": "EC2",
    "ecr": "ECR",
    "sts": "STS",
    "emr-serverless": "EMR Serverless",
    "dynamodb": "DynamoDB",
    "sagemaker": "SageMaker",
    "cloudformation": "CloudFormation",
    "states": "Step Functions",
    "events": "EventBridge",
    "logs": "CloudWatch Logs",
    "cloudwatch": "CloudWatch",
    "execute-api": "API Gateway",
}
_ACCESS = {
    "List": "list",
    "Read": "read",
    "Write": "write",
    "Tagging": "tag",
    "Permissions management": "manage permissions",
}


@dataclass(frozen=True)
class Target:
    """What a right is about.

    Attributes:
        service: AWS's name of the service; nothing where the pattern names none.
        pieces: The rest, each with whether it is a resource of the environment.
        elsewhere: The account and region, where they are not its own.
    """

    service: str
    pieces: tuple[tuple[str, bool], ...]
    elsewhere: str = ""


def target(pattern: str) -> Target:
    """A resource pattern as one reads it: without the parts that are the same everywhere."""
    match = _ARN.fullmatch(pattern.replace(_OWN, _MARKED_OWN))
    if match is None:
        return Target("", pieces("everything" if pattern == "*" else pattern))
    account = match["account"]
    own = account in ("", _MARKED_OWN)
    elsewhere = "" if own else f"in {'any account' if account == '*' else f'account {account}'}"
    if match["region"] == "*":
        elsewhere = ", ".join(filter(None, (elsewhere, "in any region")))
    service = _SERVICES.get(match["service"], match["service"])
    return Target(service, pieces(match["rest"].replace(_MARKED_OWN, _OWN)), elsewhere)


def pieces(text: str) -> tuple[tuple[str, bool], ...]:
    """A text cut into what is written and what stands for a resource."""
    found, end = [], 0
    for match in _SYMBOL.finditer(text):
        if match["name"] == "AWS::AccountId":
            continue
        found += [(text[end : match.start()], False), (match["name"], True)]
        end = match.end()
    found.append((text[end:].replace(_OWN, "this account"), False))
    return tuple((piece, is_name) for piece, is_name in found if piece)


def may(grant: Grant) -> str:
    """What a right lets somebody do, in a word or two for each kind of access."""
    verb = "may" if grant.effect == "Allow" else "must not"
    if "*" in grant.actions:
        return f"{verb} do everything"
    if all(action.startswith("sts:AssumeRole") for action in grant.actions):
        return f"{verb} take on the role"
    words = [_ACCESS[level] for level in grant.access if level in _ACCESS]
    return f"{verb} {listed(words) or 'do this'}"


def listed(words: Iterable[str]) -> str:
    """`a, b and c`."""
    all_words = list(words)
    if len(all_words) < 2:
        return "".join(all_words)
    return f"{', '.join(all_words[:-1])} and {all_words[-1]}"


def counted(count: int, noun: str, plural: str = "") -> str:
    """`1 resource`, `2 resources`."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def dollars(amount: float | None) -> str:
    """US dollars; small amounts with as many digits as it takes to see them."""
    if amount is None:
        return "–"
    if amount and abs(amount) < 0.01:
        return f"{'-' if amount < 0 else ''}${abs(amount):.4f}"
    return f"{'-' if amount < 0 else ''}${abs(amount):,.2f}"


def difference(before: float | None, after: float | None) -> str:
    """How much more or less; nothing where it is the same."""
    change = _cents(after) - _cents(before)
    if abs(change) < 0.00005:
        return ""
    return f"{'+' if change > 0 else '−'}{dollars(abs(change))}"


def _cents(amount: float | None) -> float:
    """The amount as it is shown, so that differences add up for the reader."""
    return round(amount or 0, 2 if abs(amount or 0) >= 0.01 else 4)


def at_rest(money: Money | None) -> float | None:
    """Dollars a month."""
    return None if money is None else money.at_rest_month


def number(value: float | None) -> str:
    """A count, without the decimals that it does not have."""
    return "–" if value is None else f"{value:,.4f}".rstrip("0").rstrip(".")
