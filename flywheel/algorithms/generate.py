"""Writes the catalogue's data files again: `python -m flywheel.algorithms.generate`.

instance_types.json and regions.json come from botocore's models, vpc_endpoints.json from the CDK,
images.json from AWS's SDK, which is installed for this into an environment of its own (sdk.py).
Run it after an update of one of them; a test fails until then.
"""

import gzip
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import botocore

from flywheel.algorithms import images, instance_types, regions, vpc_endpoints
from flywheel.algorithms.sdk import Answers, ask_sdk

_SHAPES = {
    "training": "TrainingInstanceType",
    "processing": "ProcessingInstanceType",
    "hosting": "ProductionVariantInstanceType",
    "transform": "TransformInstanceType",
}
_PARTITIONS = ("aws", "aws-cn", "aws-us-gov")


def main() -> None:
    """Write the four files."""
    instance_types.DATA_FILE.write_text(as_text(instance_types_of_botocore()), encoding="utf-8")
    regions.DATA_FILE.write_text(as_text(regions_of_botocore()), encoding="utf-8")
    regions.known.cache_clear()
    vpc_endpoints.DATA_FILE.write_text(as_text(vpc_endpoints_of_cdk()), encoding="utf-8")
    catalogue = images_of_answers(ask_sdk(regions.known()))
    images.DATA_FILE.write_text(as_text(catalogue), encoding="utf-8")


def instance_types_of_botocore() -> dict[str, list[str]]:
    """The enumerations of the SageMaker API's model."""
    model = _data_folder() / "sagemaker" / "2017-07-24" / "service-2.json.gz"
    shapes: Mapping[str, Any] = json.loads(gzip.decompress(model.read_bytes()))["shapes"]
    return {kind: sorted(set(shapes[shape]["enum"])) for kind, shape in _SHAPES.items()}


def regions_of_botocore() -> dict[str, list[str]]:
    """The regions of the public partition, China and GovCloud."""
    endpoints = json.loads((_data_folder() / "endpoints.json").read_text(encoding="utf-8"))
    found = {entry["partition"]: sorted(entry["regions"]) for entry in endpoints["partitions"]}
    return {partition: found[partition] for partition in _PARTITIONS}


def vpc_endpoints_of_cdk() -> list[str]:
    """The services that the CDK has a name for, without those of FIPS endpoints."""
    from aws_cdk.aws_ec2 import InterfaceVpcEndpointAwsService as Service  # noqa: PLC0415 (slow)

    constants = [name for name in vars(Service) if name.isupper()]
    services = {str(getattr(Service, name).short_name) for name in constants}
    return sorted(service for service in services if not service.endswith("-fips"))


def images_of_answers(answers: Answers) -> dict[str, Any]:
    """The SDK's 8,700 URIs, folded: registries (region → account) are named and listed once."""
    registries: dict[str, dict[str, str]] = {}
    folded: dict[str, Any] = {}
    for name, scopes in sorted(answers.items()):
        for scope, versions in scopes.items():
            for version, processors in versions.items():
                for processor, uris in processors.items():
                    entry = (
                        folded.setdefault(name, {}).setdefault(scope, {}).setdefault(version, {})
                    )
                    entry[processor] = _folded(uris, registries)
    return {"registries": registries, "images": folded}


def _folded(uris: Mapping[str, str], registries: dict[str, dict[str, str]]) -> str:
    accounts = {region: uri.split(".", 1)[0] for region, uri in sorted(uris.items())}
    tags = {uri.split("/", 1)[1] for uri in uris.values()}
    if len(tags) != 1:
        raise ValueError(f"the image differs between regions: {sorted(tags)}")
    for registry, known in registries.items():
        if known == accounts:
            return f"{registry}/{tags.pop()}"
    registry = f"registry-{len(registries) + 1}"
    registries[registry] = accounts
    return f"{registry}/{tags.pop()}"


def as_text(data: object) -> str:
    """JSON whose innermost mappings and lists take a line each: small, and a diff is readable."""
    return f"{_as_lines(data, 0)}\n"


def _as_lines(data: object, depth: int) -> str:
    nested = isinstance(data, dict) and (
        depth == 0 or any(isinstance(value, dict) for value in data.values())
    )
    if not isinstance(data, dict) or not nested:
        return json.dumps(data, indent=0 if depth == 0 else None)
    indent = " " * (depth + 1)
    lines = [
        f"{indent}{json.dumps(key)}: {_as_lines(value, depth + 1)}" for key, value in data.items()
    ]
    return "{\n" + ",\n".join(lines) + "\n" + " " * depth + "}"


def _data_folder() -> Path:
    return Path(botocore.__file__).parent / "data"


if __name__ == "__main__":
    main()
