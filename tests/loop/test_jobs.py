"""What the jobs are asked to do, and what their roles may do."""

import io
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Stack, Stage

from components.code_bundle import CodeBundle, ModuleArchive
from components.instance_storage import has_local_storage
from tests.conftest import ENVIRONMENTS, Assembly
from tests.loop.conftest import STACK
from tests.loop.template import KEY, definition_of, resolve


@pytest.fixture(scope="module")
def train(assembly: Assembly) -> dict[str, Any]:
    states = definition_of(assembly.template("prod", STACK).body)["States"]
    arguments: dict[str, Any] = states["Train"]["Arguments"]
    return arguments


@pytest.fixture(scope="module")
def evaluate(assembly: Assembly) -> dict[str, Any]:
    states = definition_of(assembly.template("prod", STACK).body)["States"]
    arguments: dict[str, Any] = states["Evaluate"]["Arguments"]
    return arguments


def test_containers_have_no_network_and_run_in_our_subnets(
    train: dict[str, Any], evaluate: dict[str, Any]
) -> None:
    assert train["EnableNetworkIsolation"] is True
    assert evaluate["NetworkConfig"]["EnableNetworkIsolation"] is True
    assert train["VpcConfig"] == evaluate["NetworkConfig"]["VpcConfig"]
    assert train["VpcConfig"]["SecurityGroupIds"] == ["sg-00000000000000000"]
    assert len(train["VpcConfig"]["Subnets"]) >= 2


def test_disks_and_outputs_are_encrypted_with_our_key(
    train: dict[str, Any], evaluate: dict[str, Any]
) -> None:
    assert train["OutputDataConfig"]["KmsKeyId"] == KEY
    assert train["ResourceConfig"]["VolumeKmsKeyId"] == KEY
    assert evaluate["ProcessingOutputConfig"]["KmsKeyId"] == KEY
    assert evaluate["ProcessingResources"]["ClusterConfig"]["VolumeKmsKeyId"] == KEY


def test_an_interrupted_spot_job_resumes(train: dict[str, Any]) -> None:
    assert train["EnableManagedSpotTraining"] is True
    stopping = train["StoppingCondition"]
    assert stopping["MaxWaitTimeInSeconds"] >= stopping["MaxRuntimeInSeconds"]
    assert train["CheckpointConfig"]["LocalPath"] == "/opt/ml/checkpoints"


def test_training_reads_a_manifest_and_its_code(train: dict[str, Any]) -> None:
    channels = {
        channel["ChannelName"]: channel["DataSource"]["S3DataSource"]
        for channel in train["InputDataConfig"]
    }

    assert channels["train"]["S3DataType"] == "ManifestFile"
    name = channels["code"]["S3Uri"].rpartition("/")[2]
    submitted = train["HyperParameters"]["sagemaker_submit_directory"]
    assert submitted == f"/opt/ml/input/data/code/{name}"


def test_hyperparameters_are_text(train: dict[str, Any]) -> None:
    assert all(isinstance(value, str) for value in train["HyperParameters"].values())


@pytest.mark.parametrize(
    ("instance_type", "local"),
    [("ml.m5.xlarge", False), ("ml.c7i.large", False), ("ml.g5.xlarge", True),
     ("ml.m5d.xlarge", True), ("ml.p4d.24xlarge", True)],
)  # fmt: skip
def test_instances_with_disks_of_their_own_take_no_key(instance_type: str, local: bool) -> None:
    assert has_local_storage(instance_type) is local


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_job_roles_reach_their_workload_only(assembly: Assembly, environment: str) -> None:
    template = assembly.template(environment, "FlightDelayTraining")
    objects = {
        resource
        for _, statement in template.statements()
        for action in _listed(statement["Action"])
        if action.startswith("s3:") and "Object" in action
        for resource in _listed(resolve(statement["Resource"]))
    }

    assert objects
    assert all(
        "cdk-hnb659fds-assets-" in resource or (":::" in resource and "/flight_delay/" in resource)
        for resource in objects
    ), objects
    assert not [resource for resource in objects if resource.endswith("assets-*")]


@pytest.mark.parametrize("environment", ["local", "prod"])
def test_a_spark_job_reads_raw_and_writes_rows_and_features_of_its_workload(
    assembly: Assembly, environment: str
) -> None:
    reached: dict[str, set[str]] = {}
    for logical_id, statement in assembly.template(environment, "FlightDelayTraining").statements():
        if not logical_id.startswith("EtlRole"):
            continue
        for resource in _listed(resolve(statement["Resource"])):
            for action in _listed(statement["Action"]):
                if action in {"s3:GetObject", "s3:PutObject", "s3:DeleteObject"}:
                    reached.setdefault(action, set()).add(resource)

    own = {
        action: {resource for resource in resources if "-assets-" not in resource}
        for action, resources in reached.items()
    }
    written = {resource for resource in own["s3:PutObject"] if resource.endswith("/flight_delay/*")}
    assert len(written) == 2
    assert own["s3:PutObject"] == own["s3:DeleteObject"] == written
    (raw,) = own["s3:GetObject"] - written
    assert "raw" in raw.lower()
    assert len(reached["s3:GetObject"]) == 4  # the script too


@pytest.mark.parametrize("environment", ["local", "prod"])
def test_only_emr_may_use_the_job_role_and_only_for_this_application(
    assembly: Assembly, environment: str
) -> None:
    (role,) = [
        properties
        for logical_id, properties in assembly.template(environment, "FlightDelayTraining")
        .properties("AWS::IAM::Role")
        .items()
        if logical_id.startswith("EtlRole")
    ]
    (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "emr-serverless.amazonaws.com"}
    assert "SparkApplication" in str(statement["Condition"]["ArnLike"]["aws:SourceArn"])
    assert "aws:SourceAccount" in statement["Condition"]["StringEquals"]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def bundle(folder: Path, out: Path) -> bytes:
    """The archive that a stack makes of this folder."""
    app = App(outdir=str(out), analytics_reporting=False)
    stack = Stack(Stage(app, "local"), "Training")
    CodeBundle(stack, "Code", source=folder / "train", inference_source=folder / "serve")
    (archive,) = out.glob("bundle-*/code.tar.gz")
    return archive.read_bytes()


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    for name, text in {
        "train/train.py": "print('train')",
        "train/evaluate.py": "print('evaluate')",
        "train/__init__.py": "",
        "train/notes.txt": "not code",
        "serve/inference.py": "print('serve')",
        "serve/__pycache__/inference.pyc": "compiled",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_the_archive_holds_training_code_and_inference_code(sources: Path, tmp_path: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(bundle(sources, tmp_path / "out"))) as archive:
        names = archive.getnames()

    assert names == ["evaluate.py", "train.py", "inference_code/inference.py"]


def test_the_same_code_makes_the_same_archive_at_any_time(sources: Path, tmp_path: Path) -> None:
    before = bundle(sources, tmp_path / "first")
    os.utime(sources / "train" / "train.py", (0, 0))
    (sources / "train" / "train.py").chmod(0o600)

    assert bundle(sources, tmp_path / "second") == before


def test_modules_can_be_imported_from_their_archive_by_their_paths(tmp_path: Path) -> None:
    archives = []
    for number in (1, 2):
        app = App(outdir=str(tmp_path / f"out{number}"), analytics_reporting=False)
        stack = Stack(Stage(app, "local"), "Training")
        ModuleArchive(stack, "Modules", modules=["etl_code/builtin/monthly.py"])
        (archive,) = (tmp_path / f"out{number}").glob("bundle-*/modules.zip")
        archives.append(archive)
    assert archives[0].read_bytes() == archives[1].read_bytes()

    program = "import etl_code.builtin as found; print(found.__file__)"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={"PYTHONPATH": str(archives[0])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == f"{archives[0]}/etl_code/builtin/__init__.py"
    with zipfile.ZipFile(archives[0]) as files:
        assert "etl_code/builtin/monthly.py" in files.namelist()
