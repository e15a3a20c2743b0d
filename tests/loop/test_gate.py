"""Whether a bad model can ever reach users."""

import pytest

from tests.loop.world import World

FIRST = ("2013-01", "2013-02", "2013-03")


def test_a_model_worse_than_the_champion_is_not_promoted(world: World) -> None:
    world.arrive(*FIRST)
    world.challenger_auc, world.champion_auc = [0.70], 0.75

    run = world.arrive("2013-04")

    assert run.output["outcome"] == "rejected"
    assert run.output["reason"] == (
        "auc 0.7 is at least 0.65 but below the champion's 0.75 less 0.02"
    )
    assert run.output["challenger"] == {"version": None, "auc": 0.70, "arn": None}
    assert world.pointer() == world.served == f"{world.group}/1"
    assert len(world.packages) == 1


def test_a_model_below_the_minimum_is_not_promoted(world: World) -> None:
    world.challenger_auc = [0.6499]

    run = world.arrive(*FIRST)

    assert run.output["outcome"] == "rejected"
    assert run.output["reason"] == "auc 0.6499 is below the minimum 0.65"
    assert world.pointer() == "none"


@pytest.mark.parametrize(
    ("challenger", "champion", "outcome"),
    [
        (0.74, 0.75, "promoted"),
        (0.7301, 0.75, "promoted"),
        (0.7299, 0.75, "rejected"),
        (0.65, 0.6, "promoted"),
        (0.9, 0.3, "promoted"),
    ],
)
def test_the_gate_is_where_the_settings_put_it(
    world: World, challenger: float, champion: float, outcome: str
) -> None:
    world.arrive(*FIRST)
    world.challenger_auc, world.champion_auc = [challenger], champion

    assert world.arrive("2013-04").output["outcome"] == outcome


def test_the_evaluation_compares_both_models_on_the_hold_out(world: World) -> None:
    world.arrive(*FIRST)
    world.arrive("2013-04", name="april")

    first, second = world.called("createProcessingJob")
    assert "--champion" not in first["AppSpecification"]["ContainerArguments"]
    inputs = {item["InputName"]: item["S3Input"]["S3Uri"] for item in second["ProcessingInputs"]}
    trained = world.called("createTrainingJob")
    assert inputs["holdout"] == "s3://features/flight_delay/month=2013-04/"
    assert inputs["challenger"] == (
        "s3://artifacts/flight_delay/models/local-flight-delay-april/output/model.tar.gz"
    )
    assert inputs["champion"] == (
        f"s3://artifacts/flight_delay/models/{trained[0]['TrainingJobName']}/output/model.tar.gz"
    )


def test_a_registered_model_says_where_it_comes_from(world: World) -> None:
    world.arrive(*FIRST, name="run")

    (package,) = world.called("createModelPackage")
    folder = "s3://artifacts/flight_delay/runs/run"
    assert package["ModelApprovalStatus"] == "Approved"
    assert package["CustomerMetadataProperties"] == {
        "run_id": "run",
        "holdout_month": "2013-03",
        "training_months": "2013-01 2013-02",
        "sha256": "ab" * 32,
        "data_manifest": f"{folder}/data_manifest.json",
        "auc": "0.75",
    }
    statistics = package["ModelMetrics"]["ModelQuality"]["Statistics"]
    assert statistics["S3Uri"] == f"{folder}/evaluation/evaluation.json"
    (container,) = package["InferenceSpecification"]["Containers"]
    assert container["Environment"]["MODEL_SHA256"] == "ab" * 32


def test_three_years_of_months_still_fit_into_the_metadata(world: World) -> None:
    months = [f"{year}-{month:02d}" for year in range(1980, 1983) for month in range(1, 13)]

    assert world.arrive(*months).output["outcome"] == "promoted"

    (package,) = world.called("createModelPackage")
    assert package["CustomerMetadataProperties"]["training_months"] == "1980-01 to 1982-11"


def test_an_evaluation_without_the_metric_fails_the_run(world: World) -> None:
    def without_metric() -> None:
        (key,) = [key for key in world.objects if key[1].endswith("evaluation.json")]
        world.objects[key] = b'{"challenger": {"log_loss": 0.4, "sha256": "ab"}, "champion": null}'

    world.during["getObject"] = without_metric

    run = world.arrive(*FIRST)

    assert run.status == "FAILED"
    assert run.cause.startswith("ReadEvaluation")
    assert world.pointer() == "none"
