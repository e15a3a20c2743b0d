"""What tuning, models and transform jobs are asked to do."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from components.names import short_name
from flywheel.algorithms import catalogue
from flywheel.settings import WorkloadSettings
from tests.conftest import Assembly, construct_name
from tests.loop.template import KEY, definition_of, resolve
from tests.sample_workloads import FLOWERS, STACKS, synthesise


def arguments(samples: Assembly, stack: str, state: str) -> dict[str, Any]:
    states = definition_of(samples.template("staging", f"{stack}Retraining").body)["States"]
    asked: dict[str, Any] = states[state]["Arguments"]
    return asked


@pytest.mark.parametrize("stack", ["Flowers", "Delays"])
def test_tuned_trainings_are_as_isolated_and_encrypted_as_a_single_one(
    samples: Assembly, stack: str
) -> None:
    definition = arguments(samples, stack, "Tune")["TrainingJobDefinition"]

    assert definition["EnableNetworkIsolation"] is True
    assert definition["OutputDataConfig"]["KmsKeyId"] == KEY
    assert definition["ResourceConfig"]["VolumeKmsKeyId"] == KEY
    assert definition["VpcConfig"]["SecurityGroupIds"]
    assert definition["EnableManagedSpotTraining"] is (stack == "Delays")


def test_models_of_an_evaluation_have_no_network(samples: Assembly) -> None:
    for state in ("CreateChallengerModel", "CreateChampionModel"):
        model = arguments(samples, "Flowers", state)
        assert model["EnableNetworkIsolation"] is True
        assert len(model["VpcConfig"]["Subnets"]) >= 2


def test_answers_are_encrypted_and_come_from_the_instance_type_that_serves(
    samples: Assembly,
) -> None:
    job = arguments(samples, "Flowers", "PredictChallenger")

    assert job["TransformOutput"]["KmsKeyId"] == KEY
    assert job["TransformResources"] == {
        "InstanceType": "ml.m5.large",
        "InstanceCount": 1,
        "VolumeKmsKeyId": KEY,
    }


def test_an_instance_with_disks_of_its_own_gets_no_key(samples: Assembly) -> None:
    job = arguments(samples, STACKS["letters_to_sounds_of_one_english"], "PredictChallenger")

    assert job["TransformResources"] == {"InstanceType": "ml.g5.xlarge", "InstanceCount": 1}


def test_an_algorithm_gets_neither_metrics_nor_the_toolkit_s_parameters(samples: Assembly) -> None:
    job = arguments(samples, STACKS["letters_to_sounds_of_one_english"], "Train")

    assert set(job["AlgorithmSpecification"]) == {"TrainingImage", "TrainingInputMode"}
    assert "Environment" not in job
    assert not [name for name in job["HyperParameters"] if name.startswith("sagemaker_")]


@pytest.mark.xdist_group("builtin")
@pytest.mark.parametrize("key", catalogue.keys())
def test_channels_are_typed_as_the_algorithm_takes_them(
    builtin: Assembly, builtin_settings: dict[str, WorkloadSettings], key: str
) -> None:
    template = builtin.template("staging", f"{construct_name(key)}Retraining")
    states = definition_of(template.body)["States"]
    tune = states.get("Tune") or states.get("TuneFurther")
    job = tune["Arguments"]["TrainingJobDefinition"] if tune else states["Train"]["Arguments"]
    uses = builtin_settings[key].training.channels

    assert {channel["ChannelName"] for channel in job["InputDataConfig"]} == set(uses)
    for channel in job["InputDataConfig"]:
        use, source = uses[channel["ChannelName"]], channel["DataSource"]["S3DataSource"]
        known = catalogue.find(key).channels[channel["ChannelName"]]
        base, _, parameters = channel.get("ContentType", "").partition(";")
        assert source["S3DataType"] == ("S3Prefix" if use.data == "fixed" else "ManifestFile")
        assert channel["InputMode"] == use.input_mode
        assert base in known.content_types or not known.content_types
        fixed = known.content_types[base].parameters if base in known.content_types else {}
        for name, values in fixed.items():
            assert len(values) > 1 or f"{name}={values[0]}" in parameters


@pytest.mark.xdist_group("builtin")
def test_an_evaluation_imports_its_modules_from_the_archive_that_it_may_read(
    builtin: Assembly,
) -> None:
    job = arguments(builtin, "Kmeans", "Evaluate")
    folder, _, archive = job["Environment"]["PYTHONPATH"].rpartition("/")

    assert folder == "/opt/ml/processing/input/modules"
    assert f"/{archive}'" in job["ProcessingInputs"]
    assert f"'LocalPath': '{folder}'" in job["ProcessingInputs"].replace('"', "'")
    readable = [
        str(resolve(statement["Resource"]))
        for _, statement in builtin.template("staging", "KmeansTraining").statements()
        if statement["Action"] == "s3:GetObject"
    ]
    assert any(f"/{archive}" in resource for resource in readable), readable


def test_an_evaluation_without_modules_has_no_variables(samples: Assembly) -> None:
    assert "Environment" not in arguments(samples, "Flowers", "Evaluate")


@pytest.mark.parametrize("stack", ["Flowers", "Delays"])
def test_tuning_ends_by_itself_before_the_loop_gives_it_up(samples: Assembly, stack: str) -> None:
    machine = definition_of(samples.template("staging", f"{stack}Retraining").body)
    tune = machine["States"]["Tune"]
    limits = tune["Arguments"]["HyperParameterTuningJobConfig"]["ResourceLimits"]

    assert limits["MaxRuntimeInSeconds"] < tune["TimeoutSeconds"] < machine["TimeoutSeconds"]


def test_a_code_change_is_not_hidden_from_the_next_tuning(samples: Assembly) -> None:
    """The fingerprint is of resolved values: the regions' images make it differ, tokens do not."""
    parents = [
        definition_of(samples.template(environment, "FlowersRetraining").body)["States"][
            "TakeBatch"
        ]["Assign"]["parent"]
        for environment in ("local", "staging")
    ]

    assert parents[0] != parents[1]
    assert "Token" not in "".join(parents)


@pytest.mark.parametrize(
    ("name", "length", "short"),
    [
        ("local-kmeans", 15, "local-kmeans"),
        ("exactly-fifteen", 15, "exactly-fifteen"),
        ("dev-linear-learner-regression", 15, "dev-linear-"),
        ("dev-linear-lea-rner", 15, "dev-linear-"),
    ],
)
def test_names_that_are_cut_are_still_told_apart(name: str, length: int, short: str) -> None:
    cut = short_name(name, length)

    assert len(cut) <= length
    assert cut.startswith(short)
    if cut != name:
        assert cut.endswith(hashlib.sha256(name.encode()).hexdigest()[:4])
        assert short_name(f"{name}s", length) != cut


def test_a_tuning_that_would_outlive_the_run_is_cut(tmp_path: Path) -> None:
    tuning = {**FLOWERS["training"]["tuning"], "max_jobs": 100, "max_parallel_jobs": 1}
    long = {**FLOWERS, "training": {**FLOWERS["training"], "tuning": tuning}}
    template = synthesise(tmp_path, long, env="local").template("local", "FlowersRetraining")
    machine = definition_of(template.body)
    tune = machine["States"]["Tune"]
    limits = tune["Arguments"]["HyperParameterTuningJobConfig"]["ResourceLimits"]

    assert limits["MaxRuntimeInSeconds"] < 100 * 3600
    assert limits["MaxRuntimeInSeconds"] < tune["TimeoutSeconds"] < machine["TimeoutSeconds"]
