"""The loop's template as CloudFormation would deploy it, with sample names."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

ACCOUNT, REGION = "000000000000", "us-east-1"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/00000000-0000-0000-0000-000000000000"
_PSEUDO = {
    "AWS::Partition": "aws",
    "AWS::AccountId": ACCOUNT,
    "AWS::Region": REGION,
    "AWS::StackName": "loop",
    "AWS::URLSuffix": "amazonaws.com",
}
_SAMPLES: tuple[tuple[str, Callable[[re.Match[str]], str]], ...] = (
    (r"RefLake(Raw|Curated|Features|Artifacts|QueryResults)[0-9A-F]{8}", lambda m: m[1].lower()),
    (
        r"Lake(Raw|Curated|Features|Artifacts|QueryResults)[0-9A-F]{8}Arn",
        lambda m: f"arn:aws:s3:::{m[1].lower()}",
    ),
    (r"Key[0-9A-F]{8}Arn", lambda _: KEY),
    (r"Role[0-9A-F]{8}Arn", lambda m: f"arn:aws:iam::{ACCOUNT}:role/{m.string}"),
    (r"RefState", lambda _: "state"),
    (r"State[0-9A-F]{8}Arn", lambda _: f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/state"),
    (r"RefTopic", lambda _: f"arn:aws:sns:{REGION}:{ACCOUNT}:topic"),
    (r"ApplicationId", lambda _: "00spark"),
    (
        r"Application[0-9A-F]{8}Arn",
        lambda _: f"arn:aws:emr-serverless:{REGION}:{ACCOUNT}:/applications/00spark",
    ),
    (r"SecurityGroup", lambda _: "sg-00000000000000000"),
    (r"Subnet", lambda m: f"subnet-{m.string[-8:].lower()}"),
)


def resolve(value: Any) -> Any:
    """The value with every intrinsic function replaced."""
    if isinstance(value, list):
        return [resolve(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    (name, argument) = next(iter(value.items()), ("", None))
    if len(value) == 1 and name in _FUNCTIONS:
        return _FUNCTIONS[name](argument)
    return {key: resolve(item) for key, item in value.items()}


def _sample(name: str) -> str:
    for pattern, sample in _SAMPLES:
        match = re.search(pattern, name)
        if match:
            return str(sample(match))
    return name


_FUNCTIONS: dict[str, Callable[[Any], str]] = {
    "Fn::GetAtt": lambda argument: _sample("".join(argument)),
    "Fn::GetStackOutput": lambda argument: _sample(argument["OutputName"]),
    "Fn::ImportValue": lambda argument: _sample(str(resolve(argument)).rpartition(":")[2]),
    "Fn::Join": lambda argument: str(argument[0]).join(resolve(part) for part in argument[1]),
    "Fn::Sub": lambda argument: re.sub(r"\$\{([^}]+)\}", lambda m: _PSEUDO[m[1]], argument),
    "Ref": lambda argument: _PSEUDO.get(argument) or _sample(f"Ref{argument}"),
}


def definition_of(template: Mapping[str, Any]) -> dict[str, Any]:
    """The state machine's definition."""
    machines = [
        resource["Properties"]["DefinitionString"]
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::StepFunctions::StateMachine"
    ]
    (text,) = machines
    definition: dict[str, Any] = json.loads(resolve(text))
    return definition
