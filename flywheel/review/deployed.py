"""The other side of a review: what CloudFormation has deployed, asked with boto3.

The templates are those that were deployed, and the code is fetched from the bootstrap's bucket. So
an environment can be compared with what runs, whoever deployed it and from wherever.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from flywheel.errors import UserError
from flywheel.review.assembly import Asset, Environment, Stack

Clients = Callable[[str], Any]
"""Gives a boto3 client of the environment's account and region, for a service's name."""

QUALIFIER = "hnb659fds"
_GONE = ("DELETE_COMPLETE", "REVIEW_IN_PROGRESS")
_ASSET = re.compile(r"(?<![0-9a-f])(?P<hash>[0-9a-f]{64})(?P<suffix>(?:\.[a-z0-9]{1,7}){1,2})")
_OF_CDK = "aws:cdk:path"


def of_deployment(after: Environment, clients: Clients, folder: Path) -> Environment | None:
    """What is deployed of an environment; None where no stack of it is.

    Args:
        after: The same environment from the templates: its stacks' ids, lines of code and code.
        clients: Of the account and region that it is deployed to.
        folder: Gets the code that was deployed and is not the same any more.

    Raises:
        UserError: AWS cannot be asked.
    """
    try:
        described = list(_stacks(after.name, clients("cloudformation")))
        stacks = [_stack(each, after, clients("cloudformation")) for each in described]
        stacks = _with_code(stacks, after, clients, folder)
    except (BotoCoreError, ClientError) as error:
        raise UserError(
            f"What is deployed of {after.name} cannot be read: {error} Log in to its account "
            "(`aws sso login`), or set the variables that `make local` prints for the one on this "
            "machine."
        ) from error
    return Environment(after.name, {each.id: each for each in stacks}) if stacks else None


def _stacks(environment: str, cloudformation: Any) -> Iterator[Mapping[str, Any]]:
    for page in cloudformation.get_paginator("describe_stacks").paginate():
        for stack in page["Stacks"]:
            ours = stack["StackName"].startswith(f"{environment}-")
            if ours and stack["StackStatus"] not in _GONE:
                yield stack


def _stack(described: Mapping[str, Any], after: Environment, cloudformation: Any) -> Stack:
    name = described["StackName"]
    body = cloudformation.get_template(StackName=name, TemplateStage="Original")
    template = _parsed(name, body["TemplateBody"])
    stack_id = name.removeprefix(f"{after.name}-")
    now = next((each for each in after.stacks.values() if each.name == name), None)
    parts = described["StackId"].split(":")
    region, account = (now.region, now.account) if now else (parts[3], parts[4])
    return Stack(
        id=now.id if now else stack_id,
        name=name,
        environment=after.name,
        region=region,
        account=account,
        template=template,
        paths=_paths(template, now),
        sources=now.sources if now else {},
        acknowledgments=now.acknowledgments if now else (),
        termination_protection=bool(described.get("EnableTerminationProtection")),
        tags={tag["Key"]: tag["Value"] for tag in described.get("Tags", [])},
    )


def _parsed(name: str, body: Any) -> Mapping[str, Any]:
    if isinstance(body, Mapping):
        return body
    try:
        template: Mapping[str, Any] = json.loads(body)
    except ValueError as error:
        raise UserError(
            f"The deployed template of {name} is not JSON, so the CDK did not deploy it. Stacks "
            "whose names begin like the environment's must be of this app."
        ) from error
    return template


def _paths(template: Mapping[str, Any], now: Stack | None) -> dict[str, str]:
    """Construct paths: of today where a logical id is the same, else as the template says."""
    paths = dict(now.paths) if now else {}
    for logical_id, resource in template.get("Resources", {}).items():
        said = resource.get("Metadata", {}).get(_OF_CDK, "")
        if said and logical_id not in paths:
            paths[logical_id] = said.partition("/")[2]
    return paths


def _with_code(
    stacks: list[Stack], after: Environment, clients: Clients, folder: Path
) -> list[Stack]:
    """The stacks with the code that they refer to: today's where it is the same, else fetched.

    Deployed code is called as the code that stands in the same place today.
    """
    today = after.assets
    places = {
        (stack.id, *place): digest
        for stack in after.stacks.values()
        for place, digest, _ in _hashes(stack.template)
    }
    found = [
        (stack.id, digest, suffix, today.get(places.get((stack.id, *place), "")))
        for stack in stacks
        for place, digest, suffix in _hashes(stack.template)
    ]
    names = {digest: asset.name for _, digest, _, asset in found if asset}
    assets: dict[str, Asset] = {}
    for stack_id, digest, suffix, _ in found:
        if digest in today:
            assets[digest] = today[digest]
        elif digest not in assets:
            path = folder / f"{digest}{suffix}"
            _fetch(clients, path)
            assets[digest] = Asset(digest, names.get(digest, f"{stack_id}/code"), path)
    return [replace(stack, assets=assets) for stack in stacks]


def _hashes(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], str, str]]:
    """Every asset of a template: where it stands, its hash, its file's suffix."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _hashes(item, (*place, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _hashes(item, (*place, index))
    elif isinstance(value, str):
        for number, match in enumerate(_ASSET.finditer(value)):
            yield (*place, number), match["hash"], match["suffix"]


def _fetch(clients: Clients, path: Path) -> None:
    """Bring an object here; one that is gone leaves no file: the review calls it unknown."""
    s3 = clients("s3")
    account = clients("sts").get_caller_identity()["Account"]
    bucket = f"cdk-{QUALIFIER}-assets-{account}-{s3.meta.region_name}"
    try:
        body = s3.get_object(Bucket=bucket, Key=path.name)["Body"].read()
    except ClientError as error:
        if error.response["Error"]["Code"] in ("NoSuchKey", "NoSuchBucket", "AccessDenied"):
            return
        raise
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)
