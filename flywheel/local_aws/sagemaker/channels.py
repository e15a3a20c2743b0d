"""Training channels: what SageMaker puts below /opt/ml/input/data before a script starts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flywheel.local_aws.sagemaker.errors import not_local
from flywheel.local_aws.sagemaker.sandbox import Sandbox
from flywheel.local_aws.sagemaker.storage import Storage, gunzip_all


def check(channel: Mapping[str, Any], default_mode: str) -> None:
    """Refuse what this machine cannot give.

    FastFile streams on AWS and is downloaded here: a script reads the same files from the same
    place.

    Raises:
        ServiceError: Another kind of source or mode.
    """
    name = f"Channel {channel['ChannelName']}"
    source = channel["DataSource"].get("S3DataSource")
    if source is None:
        raise not_local(f"{name}: a data source that is not S3", "Use an S3DataSource.")
    if source["S3DataType"] not in ("S3Prefix", "ManifestFile"):
        raise not_local(
            f"{name}: S3DataType {source['S3DataType']}", "Use S3Prefix or ManifestFile."
        )
    if channel.get("InputMode", default_mode) == "Pipe":
        raise not_local(f"{name}: InputMode Pipe", "Use File or FastFile.")
    if channel.get("RecordWrapperType", "None") != "None":
        raise not_local(f"{name}: RecordWrapperType RecordIO", "Use None.")


def download(storage: Storage, channel: Mapping[str, Any], sandbox: Sandbox) -> None:
    """Put one channel's files in place.

    Raises:
        JobError: S3 does not have them.
    """
    data = sandbox.opt_ml / "input" / "data"
    folder = data / channel["ChannelName"]
    source = channel["DataSource"]["S3DataSource"]
    if source["S3DataType"] == "ManifestFile":
        storage.download_manifest(
            source["S3Uri"], folder, data / f"{channel['ChannelName']}-manifest"
        )
    else:
        storage.download_prefix(source["S3Uri"], folder)
    if channel.get("CompressionType") == "Gzip":
        gunzip_all(folder)


def settings(channel: Mapping[str, Any], default_mode: str) -> dict[str, str]:
    """What inputdataconfig.json says about a channel."""
    source = channel["DataSource"]["S3DataSource"]
    answer = {
        "TrainingInputMode": channel.get("InputMode", default_mode),
        "S3DistributionType": source.get("S3DataDistributionType", "FullyReplicated"),
        "RecordWrapperType": channel.get("RecordWrapperType", "None"),
    }
    return answer | ({"ContentType": channel["ContentType"]} if "ContentType" in channel else {})
