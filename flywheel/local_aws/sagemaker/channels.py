"""Training channels: what SageMaker puts below /opt/ml/input/data before a job starts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flywheel.local_aws.sagemaker.channel_stream import ChannelStream
from flywheel.local_aws.sagemaker.errors import not_local, validation_error
from flywheel.local_aws.sagemaker.files import gunzip_all
from flywheel.local_aws.sagemaker.input_pipes import InputPipe
from flywheel.local_aws.sagemaker.sandbox import Sandbox
from flywheel.local_aws.sagemaker.storage import Storage


def check(channel: Mapping[str, Any], default_mode: str) -> None:
    """Refuse what AWS refuses, and what this machine cannot give.

    FastFile streams on AWS and is downloaded here: a script reads the same files from the same
    place.

    Raises:
        ServiceError: With what is wrong and what to do.
    """
    name = f"Channel {channel['ChannelName']}"
    source = channel["DataSource"].get("S3DataSource")
    if source is None:
        raise not_local(f"{name}: a data source that is not S3", "Use an S3DataSource.")
    kind, mode = source["S3DataType"], _mode(channel, default_mode)
    if kind == "Converse":
        raise not_local(f"{name}: S3DataType Converse", "Use S3Prefix or ManifestFile.")
    if mode == "FastFile" and kind != "S3Prefix":
        raise validation_error(
            f"{name} has S3DataType {kind}; with InputMode FastFile it must be S3Prefix. Use File "
            "or Pipe."
        )
    if kind == "AugmentedManifestFile" and mode != "Pipe":
        raise validation_error(
            f"{name} has InputMode {mode}; with S3DataType AugmentedManifestFile it must be Pipe."
        )
    if (kind == "AugmentedManifestFile") != bool(source.get("AttributeNames")):
        raise validation_error(
            f"{name} has S3DataType {kind} and AttributeNames {source.get('AttributeNames', [])}; "
            "AttributeNames must be given with AugmentedManifestFile, and only then."
        )
    if _wrapper(channel) == "RecordIO" and mode != "Pipe":
        raise validation_error(
            f"{name} has RecordWrapperType RecordIO, which is for InputMode Pipe only. Use None."
        )


def deliver(
    storage: Storage, channel: Mapping[str, Any], default_mode: str, sandbox: Sandbox
) -> InputPipe | None:
    """Put one channel in place: files are there at once, a pipe has to be started.

    Raises:
        JobError: S3 does not have what the channel names.
    """
    data = sandbox.opt_ml / "input" / "data"
    name = channel["ChannelName"]
    source = channel["DataSource"]["S3DataSource"]
    if source["S3DataType"] == "ManifestFile":
        storage.fetch(source["S3Uri"], data / f"{name}-manifest")
    if _mode(channel, default_mode) == "Pipe":
        return InputPipe(data, name, ChannelStream(storage, channel))
    folder = data / name
    storage.download(storage.objects(source["S3Uri"], source["S3DataType"]), folder)
    if channel.get("CompressionType") == "Gzip":
        gunzip_all(folder)
    return None


def settings(channel: Mapping[str, Any], default_mode: str) -> dict[str, str]:
    """What inputdataconfig.json says about a channel."""
    source = channel["DataSource"]["S3DataSource"]
    answer = {
        "TrainingInputMode": _mode(channel, default_mode),
        "S3DistributionType": source.get("S3DataDistributionType", "FullyReplicated"),
        "RecordWrapperType": _wrapper(channel),
    }
    return answer | ({"ContentType": channel["ContentType"]} if "ContentType" in channel else {})


def _mode(channel: Mapping[str, Any], default_mode: str) -> str:
    return str(channel.get("InputMode", default_mode))


def _wrapper(channel: Mapping[str, Any]) -> str:
    return str(channel.get("RecordWrapperType", "None"))
