"""Image URIs are what AWS's SDK says, for every image, version, processor and region."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from flywheel.algorithms import generate, images, regions
from flywheel.algorithms.errors import RefusedError
from flywheel.algorithms.sdk import Answers, ask_sdk

INSTANCES = {"cpu": "ml.m5.xlarge", "gpu": "ml.g5.xlarge", "arm64": "ml.c7g.xlarge"}
BUILT_IN = {
    "blazingtext", "deepar", "factorization_machines", "image_classification", "ip_insights",
    "kmeans", "knn", "lda", "linear_learner", "ntm", "object2vec", "object_detection", "pca",
    "random_cut_forest", "semantic_segmentation", "seq2seq", "xgboost",
}  # fmt: skip


@pytest.fixture(scope="session")
def answers() -> Answers:
    """What the SDK says; the first time, it is installed into an environment of its own."""
    return ask_sdk(regions.known())


def differences(answers: Answers) -> Iterator[str]:
    """Every place where the catalogue and the SDK do not say the same."""
    for name, scope, version in _keys(answers):
        for processor, instance_type in INSTANCES.items():
            expected = answers[name][scope][version].get(processor, {})
            for region in regions.known():
                try:
                    found = images.image_uri(
                        name, version, region, instance_type=instance_type, scope=scope
                    )
                except RefusedError:
                    found = None
                if found != expected.get(region):
                    yield f"{name} {version} {scope} {processor} {region}: {found}"


def _keys(answers: Answers) -> Iterator[tuple[str, images.Scope, str]]:
    for name, scopes in answers.items():
        for scope in ("training", "inference"):
            for version in scopes[scope]:
                yield name, scope, version


def test_every_uri_is_the_one_of_the_sdk_in_every_region(answers: Answers) -> None:
    assert list(differences(answers)) == []
    num_uris = sum(len(answers[n][s][v][p]) for n, s, v in _keys(answers) for p in answers[n][s][v])
    assert num_uris > 8_000


def test_a_single_wrong_account_would_be_seen(answers: Answers) -> None:
    changed: Any = copy.deepcopy(answers)
    uris = changed["xgboost"]["training"]["3.2-0"]["cpu"]
    uris["eu-west-1"] = uris["eu-west-1"].replace(uris["eu-west-1"][:12], "000000000000")
    del changed["kmeans"]["inference"]["1"]["gpu"]["sa-east-1"]

    assert [difference.partition(":")[0] for difference in differences(changed)] == [
        "kmeans 1 inference gpu sa-east-1",
        "xgboost 3.2-0 training cpu eu-west-1",
    ]


def test_the_catalogue_has_what_the_sdk_has_and_nothing_else(answers: Answers) -> None:
    assert set(images.names()) == set(answers)
    for name, scopes in answers.items():
        for scope in ("training", "inference"):
            assert set(images.versions(name, scope)) == set(scopes[scope])
    assert images.DATA_FILE.read_text() == generate.as_text(generate.images_of_answers(answers))


def test_all_built_in_algorithms_and_the_script_frameworks_are_there() -> None:
    assert set(images.names()) == BUILT_IN | set(images.SCRIPT_FRAMEWORKS)
    assert images.versions("xgboost")[0] == "3.2-0"
    assert images.versions("pytorch")[:2] == ("2.10.0", "2.9.0")


def test_an_image_is_chosen_by_what_it_runs_on() -> None:
    def tag(instance_type: str | None) -> str:
        return images.repository_and_tag(
            "pytorch", "2.6.0", instance_type=instance_type, scope="inference"
        )

    assert tag(None) == tag("ml.m5.xlarge") == "pytorch-inference:2.6.0-cpu-py312"
    assert tag("ml.g5.xlarge") == "pytorch-inference:2.6.0-gpu-py312"
    assert tag("ml.c7g.large") == "pytorch-inference-arm64:2.6.0-cpu-py312-ubuntu22.04-sagemaker"


def test_china_has_its_own_registries_and_its_own_domain() -> None:
    assert images.image_uri("xgboost", "3.2-0", "cn-north-1") == (
        "450853457545.dkr.ecr.cn-north-1.amazonaws.com.cn/sagemaker-xgboost:3.2-0"
    )


@pytest.mark.parametrize(
    ("name", "version", "region", "instance_type", "said"),
    [
        ("xgbost", "1", "eu-west-1", None, "framework is xgbost; AWS publishes images of blaz"),
        ("xgboost", "3.2", "eu-west-1", None, "version is 3.2; xgboost (training) has 3.2-0, 3.0"),
        ("xgboost", "latest", "eu-west-1", None, "version is latest; xgboost (training) has 3.2"),
        ("lda", "1", "eu-wets-1", None, "region is eu-wets-1; AWS publishes lda 1 in ap-north"),
        ("lda", "1", "sa-east-1", None, "region is sa-east-1; AWS publishes lda 1 in ap-north"),
        (
            "xgboost", "3.2-0", "eu-west-1", "ml.c7g.large",
            "instance_type is ml.c7g.large; the image of this version runs on x86 CPUs or NVIDIA "
            "GPUs. Choose such an instance type or another version.",
        ),
        (
            "sklearn", "1.9-0", "eu-west-1", "ml.g5.xlarge",
            "instance_type is ml.g5.xlarge; the image of this version runs on x86 CPUs. ",
        ),
    ],
)  # fmt: skip
def test_an_image_that_does_not_exist_is_refused_with_what_there_is(
    name: str, version: str, region: str, instance_type: str | None, said: str
) -> None:
    with pytest.raises(RefusedError) as caught:
        images.image_uri(name, version, region, instance_type=instance_type)

    assert str(caught.value).startswith(said)
    assert caught.value.about == said.split(" ", maxsplit=1)[0]
