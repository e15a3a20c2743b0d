"""Asks AWS's SDK for every image URI there is; runs in the SDK's own environment, not in ours.

Reads regions from standard input, a JSON list. Writes JSON to standard output:
`{name: {scope: {version: {processor: {region: uri}}}}}`. What the SDK refuses is left out.
"""

import itertools
import json
import re
import sys
from collections.abc import Iterator
from typing import Any

import botocore.loaders
import botocore.regions
from sagemaker.core import common_utils, image_uris

ALGORITHMS = {
    "blazingtext": "blazingtext",
    "deepar": "forecasting-deepar",
    "factorization_machines": "factorization-machines",
    "image_classification": "image-classification",
    "ip_insights": "ipinsights",
    "kmeans": "kmeans",
    "knn": "knn",
    "lda": "lda",
    "linear_learner": "linear-learner",
    "ntm": "ntm",
    "object2vec": "object2vec",
    "object_detection": "object-detection",
    "pca": "pca",
    "random_cut_forest": "randomcutforest",
    "semantic_segmentation": "semantic-segmentation",
    "seq2seq": "seq2seq",
}
"""Our name of each built-in algorithm and the SDK's. XGBoost is below: it is a framework too."""
FRAMEWORKS = ("huggingface", "pytorch", "sklearn", "tensorflow", "xgboost")
OLDEST = {"huggingface": (4, 26), "pytorch": (1, 13), "tensorflow": (2, 8)}
"""Images of older versions run a Python that nobody maintains; they are left out."""
SCOPES = ("training", "inference")
INSTANCES = {"cpu": "ml.m5.xlarge", "gpu": "ml.g5.xlarge", "arm64": "ml.c7g.xlarge"}
"""One instance type for each kind of processor."""

Arguments = dict[str, Any]


def main() -> None:
    regions: list[str] = json.load(sys.stdin)
    resolver = botocore.regions.EndpointResolver(
        botocore.loaders.create_loader().load_data("endpoints")
    )
    common_utils._botocore_resolver = lambda: resolver  # else it is read again for each answer
    answers: dict[str, Any] = {}
    for name, scope, version, processor, arguments in _questions():
        by_region = _ask(arguments | {"instance_type": INSTANCES[processor]}, regions)
        if by_region:
            by_version = answers.setdefault(name, {}).setdefault(scope, {})
            by_version.setdefault(version, {})[processor] = by_region
    json.dump(answers, sys.stdout)


def _questions() -> Iterator[tuple[str, str, str, str, Arguments]]:
    for (name, framework), scope in itertools.product(ALGORITHMS.items(), SCOPES):
        for version in image_uris.config_for_framework(framework)["versions"]:
            for processor in ("cpu", "gpu"):
                arguments = {"framework": framework, "version": version, "image_scope": scope}
                yield name, scope, version, processor, arguments
    for framework, scope in itertools.product(FRAMEWORKS, SCOPES):
        config = image_uris.config_for_framework(framework)
        for version, arguments in _versions(framework, config[scope]):
            for processor in ("cpu", "gpu"):
                yield framework, scope, version, processor, arguments | {"image_scope": scope}
        for version, arguments in _versions(framework, config.get(f"{scope}_graviton", {})):
            yield framework, scope, version, "arm64", arguments | {"image_scope": scope}


def _versions(framework: str, config: dict[str, Any]) -> Iterator[tuple[str, Arguments]]:
    for version, details in config.get("versions", {}).items():
        arguments: Arguments = {"framework": framework, "version": version}
        numbers = tuple(int(number) for number in re.findall(r"\d+", version)[:2])
        if numbers < OLDEST.get(framework, ()):
            continue
        if framework != "huggingface":
            yield version, arguments | {"py_version": _newest_python(details)}
            continue
        for base, base_details in details.items():
            if base != "version_aliases":
                yield f"{version}-{base}", arguments | {
                    "base_framework_version": base,
                    "py_version": _newest_python(base_details),
                }  # fmt: skip


def _ask(arguments: Arguments, regions: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for region in regions:
        try:
            found[region] = image_uris.retrieve(region=region, **arguments)
        except (ValueError, KeyError):  # how the SDK says that there is no such image
            continue
    return found


def _newest_python(details: dict[str, Any]) -> str | None:
    versions: list[str] = details.get("py_versions", [])
    return max(versions, key=lambda python: (len(python), python)) if versions else None


if __name__ == "__main__":
    main()
