"""Instance types, regions and endpoints are what botocore and the CDK say, today."""

import json

import pytest

from flywheel.algorithms import generate, instance_types, regions, vpc_endpoints
from flywheel.algorithms.errors import RefusedError


@pytest.mark.parametrize("kind", instance_types.KINDS)
def test_the_instance_types_are_those_of_botocore(kind: instance_types.Kind) -> None:
    assert list(instance_types.known(kind)) == generate.instance_types_of_botocore()[kind]


def test_the_regions_are_those_of_botocore() -> None:
    assert json.loads(regions.DATA_FILE.read_text()) == generate.regions_of_botocore()
    assert {"us-east-1", "cn-north-1", "us-gov-west-1"} <= set(regions.known())


def test_the_services_with_an_interface_endpoint_are_those_of_the_cdk() -> None:
    assert list(vpc_endpoints.known()) == generate.vpc_endpoints_of_cdk()


@pytest.mark.parametrize(
    ("kind", "wrong", "meant"),
    [
        ("training", "ml.m5.xlrage", "ml.m5.xlarge"),
        ("training", "m5.xlarge", "ml.m5.xlarge"),
        ("training", "ml.m5.2Xlarge", "ml.m5.2xlarge"),
        ("processing", "ml.t3.medum", "ml.t3.medium"),
        ("hosting", "ml.g5.3xlarge", "ml.g5.xlarge"),
        ("hosting", "ml.c7i.larg", "ml.c7i.large"),
    ],
)
def test_a_misspelt_instance_type_is_refused_with_the_one_that_was_meant(
    kind: instance_types.Kind, wrong: str, meant: str
) -> None:
    with pytest.raises(RefusedError) as caught:
        instance_types.check(kind, wrong)

    assert caught.value.rule == f"it must be an instance type that SageMaker offers for {kind}"
    assert caught.value.remedy == f"The nearest is {meant}."


def test_an_instance_type_of_another_kind_is_refused() -> None:
    instance_types.check("training", "ml.c5n.xlarge")
    with pytest.raises(RefusedError, match="offers for hosting"):
        instance_types.check("hosting", "ml.c5n.xlarge")


def test_a_misspelt_region_is_refused_with_the_one_that_was_meant() -> None:
    with pytest.raises(RefusedError, match=r"The nearest is eu-central-1\."):
        regions.check("eu-centrall-1")


@pytest.mark.parametrize(
    ("instance_type", "processor"),
    [
        ("ml.m5.xlarge", "cpu"),
        ("ml.m7i-flex.large", "cpu"),
        ("ml.c6i.large", "cpu"),
        ("ml.t3.medium", "cpu"),
        ("ml.g4dn.xlarge", "gpu"),
        ("ml.g5.xlarge", "gpu"),
        ("ml.g6e.xlarge", "gpu"),
        ("ml.p4d.24xlarge", "gpu"),
        ("ml.p5en.48xlarge", "gpu"),
        ("ml.m6g.large", "arm64"),
        ("ml.c7g.large", "arm64"),
        ("ml.c6gn.large", "arm64"),
        ("ml.r6gd.large", "arm64"),
        ("ml.p6e-gb200.36xlarge", "arm64"),
        ("ml.inf2.xlarge", "neuron"),
        ("ml.trn1.2xlarge", "neuron"),
    ],
)
def test_an_instance_type_says_what_the_code_runs_on(
    instance_type: str, processor: instance_types.Processor
) -> None:
    assert instance_types.processor_of(instance_type) == processor
