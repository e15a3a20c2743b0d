"""A change planted in the app's own templates, with something of every kind for a page to show."""

import copy
import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from flywheel.review import Environment, Stack
from flywheel.review.assembly import Asset
from tests.review.planting import rename
from tests.review.test_real_app import the

STRANGER = "arn:aws:iam::999999999999:root"
NEW_ZONE = "LakeFeatureStore5EED0000"
Edit = Callable[[dict[str, Any]], None]


def planted(environment: Environment, folder: Path) -> Environment:
    """The environment as a careless pull request would leave it.

    The feature zone gets another name, the endpoint doubles, logs are kept for a week, a role may
    do more and a stranger may take it on, the loop has one state more and its dashboard is gone.

    Args:
        environment: One of the app's environments.
        folder: Where the changed code asset is put.
    """
    stacks = dict(environment.stacks)
    for step, edit in (
        ("DataLake", _move_the_features),
        ("Training", _widen_the_spark_job),
        ("Serving", _double_the_endpoint),
        ("Retraining", _change_the_loop),
        ("Monitoring", _drop_the_dashboard),
    ):
        for name, stack in environment.stacks.items():
            if name.endswith(step):
                stacks[name] = edited(stack, edit)
    lake = stacks["DataLake"]
    paths = {**lake.paths, NEW_ZONE: "DataLake/Lake/FeatureStore/Resource"}
    stacks["DataLake"] = replace(lake, paths=paths)
    return _with_other_code(Environment(environment.name, stacks), folder)


def edited(stack: Stack, edit: Edit) -> Stack:
    """The stack with its template changed."""
    template: Any = copy.deepcopy(stack.template)
    edit(template)
    return replace(stack, template=template)


def _move_the_features(template: dict[str, Any]) -> None:
    resources = template["Resources"]
    old = next(
        name
        for name, each in resources.items()
        if name.startswith("LakeFeatures") and each["Type"] == "AWS::S3::Bucket"
    )
    given = {"Lake": template}
    rename("Lake", old, NEW_ZONE, path=None)(given)
    template.update(given["Lake"])


def _widen_the_spark_job(template: dict[str, Any]) -> None:
    spark = next(
        each["Properties"]["PolicyDocument"]["Statement"]
        for name, each in template["Resources"].items()
        if name.startswith("EtlRoleDefaultPolicy")
    )
    reading = next(each for each in spark if each["Action"] == "s3:GetObject")
    reading["Action"] = ["s3:GetObject*", "s3:DeleteObject*"]


def _double_the_endpoint(template: dict[str, Any]) -> None:
    resources = template["Resources"]
    variant = the(resources, "AWS::SageMaker::EndpointConfig")["ProductionVariants"][0]
    variant["InitialInstanceCount"] = int(variant["InitialInstanceCount"]) * 2
    trust = the(resources, "AWS::IAM::Role")["AssumeRolePolicyDocument"]["Statement"]
    trust.append({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": STRANGER}})


def _change_the_loop(template: dict[str, Any]) -> None:
    resources = template["Resources"]
    the(resources, "AWS::Logs::LogGroup")["RetentionInDays"] = 7
    machine = the(resources, "AWS::StepFunctions::StateMachine")
    text = json.dumps(machine["DefinitionString"])
    announce = {"Type": "Wait", "Seconds": 5, "Next": "TakeLock", "Comment": "Let others go first"}
    for old, new in (
        ('"States":{', f'"States":{{"LetOthersGo":{json.dumps(announce)},'),
        ('"Default":"TakeLock"', '"Default":"LetOthersGo"'),
    ):
        quoted = [json.dumps(each)[1:-1] for each in (old, new)]
        assert quoted[0] in text
        text = text.replace(quoted[0], quoted[1], 1)
    machine["DefinitionString"] = json.loads(text)
    resources["Announcements"] = {"Type": "AWS::SNS::Topic", "Properties": {}}


def _drop_the_dashboard(template: dict[str, Any]) -> None:
    resources = template["Resources"]
    for name in [each for each, it in resources.items() if it["Type"].endswith("::Dashboard")]:
        del resources[name]


def _with_other_code(environment: Environment, folder: Path) -> Environment:
    """The environment with another version of its training code."""
    old, owner = next(
        (asset, stack.id)
        for stack in environment.stacks.values()
        for asset in stack.assets.values()
        if asset.path.name.endswith(".tar.gz")
    )
    content = _repacked(old.path.read_bytes())
    digest = hashlib.sha256(content).hexdigest()
    path = folder / f"asset.{digest}.tar.gz"
    path.write_bytes(content)
    stacks = {}
    for name, stack in environment.stacks.items():
        template = json.loads(json.dumps(stack.template).replace(old.hash, digest))
        assets = {**stack.assets}
        if name == owner:
            assets[digest] = Asset(digest, old.name, path)
        stacks[name] = replace(stack, template=template, assets=assets)
    return Environment(environment.name, stacks)


def _repacked(archive: bytes) -> bytes:
    """The archive with another name for one hyperparameter."""
    plain = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(archive)) as before,
        tarfile.open(fileobj=plain, mode="w") as after,
    ):
        for member in before:
            file = before.extractfile(member)
            content = file.read() if file else b""
            content = content.replace(b"max_depth", b"max_levels")
            member.size = len(content)
            after.addfile(member, io.BytesIO(content))
    return gzip.compress(plain.getvalue(), mtime=0)
