"""Channels that stream: Pipe mode, RecordIO wrapping, augmented manifests, shuffling."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from flywheel.standins.codecs.recordio import read_frames
from tests.local_aws.sagemaker.helpers import Aws, channel, members, unique

# Reads two epochs of `train` to the end, a byte of a third, and one epoch of `extra`.
READ_PIPES = """
import json, os, pathlib, time
data = pathlib.Path(os.environ["SM_INPUT_DIR"]) / "data"
def read(name, num_bytes=-1):
    path = data / name
    while not path.exists():
        time.sleep(0.01)
    with path.open("rb", buffering=0) as pipe:
        return pipe.read(num_bytes).decode()
found = [read("train_0"), read("train_1"), read("train_2", 1), read("extra_0")]
(pathlib.Path(os.environ["SM_MODEL_DIR"]) / "found.json").write_text(json.dumps(found))
"""


def streamed(aws: Aws, source: dict[str, Any], **more: Any) -> bytes:
    """What a stand-in finds in a channel in Pipe mode."""
    job = aws.train_algorithm("kmeans:1", InputDataConfig=[{**source, "InputMode": "Pipe", **more}])
    assert job["TrainingJobStatus"] == "Completed", job
    found = json.loads(members(aws, job["ModelArtifacts"]["S3ModelArtifacts"])["found.json"])
    assert found["channels"]["train"]["TrainingInputMode"] == "Pipe"
    ((name, content),) = found["files"].items()
    assert name == "train/train_0"
    return bytes.fromhex(content)


def prefix(aws: Aws, objects: dict[str, bytes]) -> str:
    """Some objects below a new prefix; its URI."""
    name = unique("stream")
    for key, body in objects.items():
        aws.put(f"{name}/{key}", body)
    return f"s3://{aws.bucket}/{name}/"


def manifest(aws: Aws, *lines: Any) -> str:
    """An augmented manifest; its URI."""
    text = "".join(f"{json.dumps(line)}\n" for line in lines)
    return aws.put(f"{unique('augmented')}.manifest", text)


def augmented(uri: str, *names: str, **more: Any) -> dict[str, Any]:
    """A channel that reads an augmented manifest."""
    made = channel("train", uri, "AugmentedManifestFile", InputMode="Pipe", **more)
    if names:
        made["DataSource"]["S3DataSource"]["AttributeNames"] = list(names)
    return made


def test_a_script_reads_a_pipe_for_each_epoch(aws: Aws) -> None:
    train = prefix(aws, {"a.csv": b"1\n" * 100_000, "b.csv": b"2\n"})
    extra = prefix(aws, {"c.csv.gz": gzip.compress(b"3\n")})
    job = aws.train(
        READ_PIPES,
        InputDataConfig=[
            channel("train", train, InputMode="Pipe"),
            channel("extra", extra, InputMode="Pipe", CompressionType="Gzip"),
        ],
    )
    assert job["TrainingJobStatus"] == "Completed", job
    found = json.loads(members(aws, job["ModelArtifacts"]["S3ModelArtifacts"])["found.json"])
    whole = "1\n" * 100_000 + "2\n"
    assert found == [whole, whole, "1", "3\n"]


def test_a_script_that_never_opens_its_pipe_ends_all_the_same(aws: Aws) -> None:
    job = aws.train(
        "print('not interested')",
        InputDataConfig=[channel("train", prefix(aws, {"a.csv": b"1"}), InputMode="Pipe")],
    )
    assert job["TrainingJobStatus"] == "Completed", job


def test_a_stand_in_finds_the_stream_as_a_file(aws: Aws) -> None:
    uri = prefix(aws, {"a.csv": b"1\n", "b.csv": b"2\n"})
    assert streamed(aws, channel("train", uri)) == b"1\n2\n"


def test_a_manifest_can_be_piped(aws: Aws) -> None:
    uri = prefix(aws, {"a.csv": b"1\n", "b.csv": b"2\n", "c.csv": b"3\n"})
    listed = aws.put(
        f"{unique('listed')}.manifest", json.dumps([{"prefix": uri}, "c.csv", "a.csv"])
    )
    job = aws.train_algorithm(
        "kmeans:1", InputDataConfig=[channel("train", listed, "ManifestFile", InputMode="Pipe")]
    )
    found = json.loads(members(aws, job["ModelArtifacts"]["S3ModelArtifacts"])["found.json"])
    assert bytes.fromhex(found["files"]["train/train_0"]) == b"3\n1\n"


def test_each_object_becomes_a_record(aws: Aws) -> None:
    uri = prefix(aws, {"a.jpg": b"first", "b.jpg": b"second"})
    stream = streamed(aws, channel("train", uri), RecordWrapperType="RecordIO")
    assert read_frames(stream) == [b"first", b"second"]


def test_the_attributes_of_an_augmented_manifest_follow_each_other(aws: Aws) -> None:
    images = prefix(aws, {"cat.jpg": b"\xff cat", "dog.jpg": b"\xff dog"})
    uri = manifest(
        aws,
        {"is-a-cat": 1, "image-ref": f"{images}cat.jpg", "unlisted": "x"},
        {"image-ref": f"{images}dog.jpg", "is-a-cat": 0},
    )
    stream = streamed(
        aws, augmented(uri, "image-ref", "is-a-cat"), RecordWrapperType="RecordIO"
    )  # fmt: skip
    assert read_frames(stream) == [b"\xff cat", b"1", b"\xff dog", b"0"]


def test_text_goes_as_it_is_and_all_else_as_json(aws: Aws) -> None:
    uri = manifest(aws, {"source": "linux ready", "label": [1, 3]})
    stream = streamed(aws, augmented(uri, "source", "label"), RecordWrapperType="RecordIO")
    assert read_frames(stream) == [b"linux ready", b"[1, 3]"]


def test_a_seed_shuffles_the_same_way_twice_and_each_epoch_otherwise(aws: Aws) -> None:
    uri = prefix(aws, {f"{number}": str(number).encode() for number in range(9)})
    orders = [
        streamed(aws, channel("train", uri), ShuffleConfig={"Seed": seed}) for seed in (7, 7, 8)
    ]
    assert orders[0] == orders[1]
    assert orders[0] != orders[2]
    assert all(sorted(order) == sorted(b"012345678") for order in orders)
    shuffled = channel("train", uri, InputMode="Pipe", ShuffleConfig={"Seed": 7})
    extra = channel("extra", uri, InputMode="Pipe")
    job = aws.train(READ_PIPES, InputDataConfig=[shuffled, extra])
    found = json.loads(members(aws, job["ModelArtifacts"]["S3ModelArtifacts"])["found.json"])
    assert found[0].encode() == orders[0]
    assert found[0] != found[1]
    assert found[3] == "012345678"


def test_one_instance_has_every_shard(aws: Aws) -> None:
    source = channel("train", prefix(aws, {"a.csv": b"1\n", "b.csv": b"2\n"}))
    source["DataSource"]["S3DataSource"]["S3DataDistributionType"] = "ShardedByS3Key"
    assert streamed(aws, source) == b"1\n2\n"


@pytest.mark.parametrize(
    ("lines", "names", "reason"),
    [
        ([{"a": 1}], ("b",), "line 1 of .* must be a JSON object with b"),
        ([3], ("b",), "must be a JSON object with b"),
        ([], ("b",), "has no line"),
        ([{"image-ref": "cat.jpg"}], ("image-ref",), "must be the S3 URI of an object"),
        ([{"image-ref": "s3://test-bucket/none"}], ("image-ref",), "s3://test-bucket/none"),
    ],
)
def test_a_broken_augmented_manifest_fails_the_job(
    aws: Aws, lines: list[Any], names: tuple[str, ...], reason: str
) -> None:
    source = augmented(manifest(aws, *lines), *names)
    job = aws.train_algorithm("kmeans:1", InputDataConfig=[source])
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("ClientError: Data download failed")
    with pytest.raises(AssertionError, match=reason):
        raise AssertionError(job["FailureReason"])


def test_an_object_that_is_gone_when_its_turn_comes_fails_the_job(aws: Aws) -> None:
    source = augmented(manifest(aws, {"image-ref": "s3://test-bucket/none"}), "image-ref")
    extra = channel("extra", prefix(aws, {"a": b"1"}), InputMode="Pipe")
    job = aws.train(
        READ_PIPES.replace('read("train_1"), read("train_2", 1), ', ""),
        InputDataConfig=[source, extra],
    )
    assert job["TrainingJobStatus"] == "Failed"
    assert "s3://test-bucket/none" in job["FailureReason"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            augmented("s3://a/b", "x") | {"InputMode": "File"},
            "AugmentedManifestFile it must be Pipe",
        ),
        (augmented("s3://a/b"), "AttributeNames must be given with AugmentedManifestFile"),
        (channel("train", "s3://a/b", RecordWrapperType="RecordIO"), "for InputMode Pipe only"),
        (channel("train", "s3://a/b", "ManifestFile", InputMode="FastFile"), "must be S3Prefix"),
        (channel("code", "s3://a/b"), "Channel names must be unique"),
    ],
)
def test_what_aws_refuses_is_refused(aws: Aws, change: dict[str, Any], message: str) -> None:
    request = aws.training_request("", InputDataConfig=[change])
    with pytest.raises(ClientError, match=message) as refused:
        aws.sagemaker.create_training_job(**request)
    assert refused.value.response["Error"]["Code"] == "ValidationException"
