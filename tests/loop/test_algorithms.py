"""A built-in algorithm in the loop: its channels, its answers, its package."""

import json
from typing import Any

import pytest

from tests.loop.algorithm_world import AlgorithmWorld

FIRST = ("2013-01", "2013-02", "2013-03")


def source(channel: dict[str, Any]) -> tuple[str, str]:
    place = channel["DataSource"]["S3DataSource"]
    return place["S3DataType"], place["S3Uri"]


def test_the_first_model_is_judged_by_its_answers_and_promoted(letters: AlgorithmWorld) -> None:
    run = letters.arrive(*FIRST, name="run")

    assert run.output["outcome"] == "promoted"
    assert run.output["challenger"]["token_accuracy"] == 0.75
    assert run.output["challenger"]["baseline"] == 0.1
    assert run.output["champion_before"] is None
    assert letters.served == f"{letters.group}/1"
    assert {"etl", "checks", "train", "predict", "evaluate"} <= run.output["marks"].keys()


def test_the_newest_month_before_the_hold_out_selects_and_does_not_train(
    letters: AlgorithmWorld,
) -> None:
    run = letters.arrive(*FIRST, "2013-04", name="run")

    assert run.output["holdout_month"] == "2013-04"
    assert run.output["selection_month"] == "2013-03"
    assert run.output["training_months"] == ["2013-01", "2013-02"]
    folder = {"prefix": f"s3://features/{letters.workload['name']}/pairs/"}
    assert letters.manifest("run", "train") == [
        folder,
        "month=2013-01/part-0",
        "month=2013-02/part-0",
    ]
    assert letters.manifest("run", "validation") == [folder, "month=2013-03/part-0"]


def test_what_never_changes_is_a_folder(letters: AlgorithmWorld) -> None:
    letters.arrive(*FIRST)

    (job,) = letters.called("createTrainingJob")
    channels = {channel["ChannelName"]: source(channel) for channel in job["InputDataConfig"]}
    name = letters.workload["name"]
    assert channels["vocab"] == ("S3Prefix", f"s3://features/{name}/vocabulary/")
    assert channels["train"][0] == channels["validation"][0] == "ManifestFile"


@pytest.mark.parametrize("months", [FIRST[:1], FIRST[:2]])
def test_too_few_months_to_select_by_wait(letters: AlgorithmWorld, months: tuple[str, ...]) -> None:
    run = letters.arrive(*months)

    assert run.output["outcome"] == "waiting"
    assert run.output["reason"] == (
        f"clean months: {len(months)}; it takes three: one to train, one to select by and the "
        "hold-out"
    )
    assert not letters.called("createTrainingJob")
    assert not letters.locked()


def test_the_data_manifest_says_what_was_learnt_from_and_judged_by(
    letters: AlgorithmWorld,
) -> None:
    letters.arrive(*FIRST, name="run")

    key = f"{letters.workload['name']}/runs/run/data_manifest.json"
    manifest = json.loads(letters.objects["artifacts", key])
    assert manifest["training_months"] == ["2013-01"]
    assert manifest["selection_month"] == "2013-02"
    assert manifest["holdout_month"] == "2013-03"
    assert {(item["folder"], item["month"]) for item in manifest["objects"]} == {
        ("pairs", "2013-01"),
        ("pairs", "2013-02"),
        ("vocabulary", "fixed"),
        ("truth", "2013-01"),
        ("truth", "2013-03"),
    }
    assert all(item["etag"] and item["size"] for item in manifest["objects"])


@pytest.mark.parametrize(
    ("unwritten", "said"),
    [
        ("pairs/month=2013-02", "the folder pairs for 2013-02"),
        ("requests/month=2013-03", "the folder requests for 2013-03"),
        ("truth/month=2013-01", "the folder truth for 2013-01"),
        ("vocabulary", "the folder vocabulary"),
    ],
)
def test_a_missing_folder_is_named_with_its_month(
    letters: AlgorithmWorld, unwritten: str, said: str
) -> None:
    letters.unwritten = (unwritten,)

    run = letters.arrive(*FIRST)

    assert run.status == "FAILED"
    assert run.cause.startswith("ListFeatures: ")
    assert run.cause.endswith(f"the Spark job wrote no files to {said}")
    assert not letters.called("createTrainingJob")
    assert not letters.locked()


def test_too_many_files_fail_the_run_instead_of_training_on_a_part(
    letters: AlgorithmWorld,
) -> None:
    letters.files_a_month = 170

    run = letters.arrive(*FIRST)

    assert run.cause.endswith(
        "more than 500 files in the folder pairs: the Spark job should write fewer"
    )


def test_many_requests_are_no_trouble(letters: AlgorithmWorld) -> None:
    letters.files_a_month = 160

    assert letters.arrive(*FIRST).output["outcome"] == "promoted"


def test_quarantined_months_are_in_no_manifest(letters: AlgorithmWorld) -> None:
    letters.checks["2013-02"] = {"rows": "1"}

    run = letters.arrive(*FIRST, "2013-04", name="run")

    assert run.output["training_months"] == ["2013-01"]
    for channel in ("train", "validation", "reference"):
        assert "2013-02" not in json.dumps(letters.manifest("run", channel))


def test_challenger_and_champion_answer_the_same_requests(flowers: AlgorithmWorld) -> None:
    flowers.arrive(*FIRST)
    flowers.arrive("2013-04", name="april")

    first, challenger, champion = flowers.called("createTransformJob")
    requests = "s3://features/flowers/requests/month=2013-04/"
    for job, of in ((challenger, "challenger"), (champion, "champion")):
        assert job["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"] == requests
        assert job["TransformOutput"]["S3OutputPath"] == f"s3://artifacts/flowers/runs/april/{of}"
        assert job["TransformInput"]["ContentType"] == "text/csv"
        assert job["TransformInput"]["SplitType"] == "Line"
        assert job["TransformOutput"]["Accept"] == "application/jsonlines"
    created = flowers.called("createModel")
    assert created[1]["PrimaryContainer"]["ModelDataUrl"].startswith("s3://artifacts/flowers/")
    assert created[2]["PrimaryContainer"] == {"ModelPackageName": f"{flowers.group}/1"}
    assert first["ModelName"] != challenger["ModelName"]


def test_the_evaluation_gets_answers_truth_reference_and_both_artifacts(
    flowers: AlgorithmWorld,
) -> None:
    flowers.arrive(*FIRST)
    flowers.arrive("2013-04", name="april")

    first, second = flowers.called("createProcessingJob")
    assert "--champion" not in first["AppSpecification"]["ContainerArguments"]
    words = second["AppSpecification"]["ContainerArguments"]
    told = dict(zip(words[::2], words[1::2], strict=True))
    place = "/opt/ml/processing/input"
    assert told == {
        "--algorithm": "kmeans",
        "--metric": "silhouette",
        "--truth": f"{place}/truth",
        "--reference": f"{place}/reference",
        "--challenger": f"{place}/challenger",
        "--holdout-month": "2013-04",
        "--challenger-model": f"{place}/challenger-model/model.tar.gz",
        "--output": "/opt/ml/processing/output",
        "--champion": f"{place}/champion",
        "--champion-model": f"{place}/champion-model/model.tar.gz",
    }
    inputs = {one["InputName"]: one["S3Input"] for one in second["ProcessingInputs"]}
    run = "s3://artifacts/flowers/runs/april"
    assert inputs["truth"]["S3Uri"] == "s3://features/flowers/truth/month=2013-04/"
    assert inputs["reference"]["S3Uri"] == f"{run}/reference.manifest"
    assert inputs["reference"]["S3DataType"] == "ManifestFile"
    assert inputs["challenger"]["S3Uri"] == f"{run}/challenger/"
    assert inputs["champion"]["S3Uri"] == f"{run}/champion/"
    assert inputs["champion-model"]["S3Uri"] != inputs["challenger-model"]["S3Uri"]
    assert flowers.manifest("april", "reference") == [
        {"prefix": "s3://features/flowers/truth/"},
        *(f"month={month}/part-0" for month in FIRST),
    ]


def test_a_challenger_worse_than_the_champion_is_rejected(flowers: AlgorithmWorld) -> None:
    flowers.arrive(*FIRST)
    flowers.challenger_auc, flowers.champion_auc = [0.5], 0.7

    run = flowers.arrive("2013-04")

    assert run.output["outcome"] == "rejected"
    assert flowers.served == f"{flowers.group}/1"


def test_the_package_says_what_the_algorithm_takes(flowers: AlgorithmWorld) -> None:
    flowers.arrive(*FIRST)

    (package,) = flowers.called("createModelPackage")
    specification = package["InferenceSpecification"]
    (container,) = specification["Containers"]
    assert container["Environment"] == {"MODEL_SHA256": "ab" * 32}
    assert container["Image"].endswith("/kmeans:1")
    assert specification["SupportedContentTypes"] == [
        "text/csv",
        "application/json",
        "application/x-recordio-protobuf",
    ]
    assert specification["SupportedResponseMIMETypes"] == [
        "application/json",
        "application/jsonlines",
        "application/x-recordio-protobuf",
        "text/csv",
    ]
    assert package["CustomerMetadataProperties"]["algorithm"] == "kmeans"
