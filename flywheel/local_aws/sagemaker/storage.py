"""S3 as jobs and endpoints use it: prefixes and manifests come down, files and folders go up."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from flywheel.local_aws.sagemaker.config import SageMakerConfig
from flywheel.local_aws.sagemaker.errors import JobError
from flywheel.local_aws.sagemaker.files import files_in

_NUM_TRANSFERS = 8


class Storage:
    """S3 at the local endpoint; safe to use from several threads."""

    def __init__(self, config: SageMakerConfig) -> None:
        self._config = config
        self._clients: dict[str, Any] = {}
        self._pool = ThreadPoolExecutor(_NUM_TRANSFERS, thread_name_prefix="sagemaker-s3")

    def client(self, service: str) -> Any:
        """A client of the local AWS, made once."""
        if service not in self._clients:
            session = boto3.session.Session(
                aws_access_key_id=self._config.access_key_id,
                aws_secret_access_key=self._config.secret_access_key,
                region_name=self._config.region,
            )
            settings = Config(
                s3={"addressing_style": "path"},
                max_pool_connections=2 * _NUM_TRANSFERS,
                retries={"max_attempts": 3},
            )
            self._clients[service] = session.client(
                service, endpoint_url=self._config.endpoint_url, config=settings
            )
        return self._clients[service]

    def close(self) -> None:
        """Let transfers that run finish; take no more."""
        self._pool.shutdown(cancel_futures=True)
        for client in self._clients.values():
            client.close()

    def exists(self, uri: str) -> bool:
        """Whether there is an object at exactly this URI."""
        bucket, key = split_uri(uri)
        try:
            self.client("s3").head_object(Bucket=bucket, Key=key)
        except (ClientError, BotoCoreError):
            return False
        return True

    def objects(self, uri: str, kind: str = "S3Prefix", *, required: bool = True) -> dict[str, str]:
        """What a data source names: each object's URI, and where it goes below the folder.

        Args:
            uri: A prefix, or one object; or a manifest, `[{"prefix": "s3://…/"}, "key", …]`.
            kind: `S3Prefix` or `ManifestFile`.
            required: Whether nothing is a mistake.

        Raises:
            JobError: Nothing is there, the manifest is wrong, or S3 refuses.
        """
        if kind == "ManifestFile":
            return _listed(uri, self.read(uri))
        bucket, prefix = split_uri(uri)
        try:
            pages = (
                self.client("s3")
                .get_paginator("list_objects_v2")
                .paginate(Bucket=bucket, Prefix=prefix)
            )
            keys = [item["Key"] for page in pages for item in page.get("Contents", ())]
        except (ClientError, BotoCoreError) as error:
            raise _data_error(uri, error) from error
        keys = [key for key in keys if not key.endswith("/")]
        if required and not keys:
            raise JobError(
                f"Data download failed: No S3 objects found under S3 URL {uri} given in input "
                "data source."
            )
        return {f"s3://{bucket}/{key}": _relative(key, prefix) for key in keys}

    def download(self, objects: Mapping[str, str], folder: Path) -> None:
        """Bring down objects, each to its name below the folder.

        Raises:
            JobError: One is not there, would be written elsewhere, or S3 refuses.
        """
        folder.mkdir(parents=True, exist_ok=True)
        for done in [
            self._pool.submit(self._fetch, *split_uri(uri), folder, name)
            for uri, name in objects.items()
        ]:
            done.result()

    def download_prefix(self, uri: str, folder: Path, *, required: bool = True) -> int:
        """Bring down all objects below a prefix, or the one object that it names; returns how many.

        Raises:
            JobError: As `objects` and `download`.
        """
        found = self.objects(uri, required=required)
        self.download(found, folder)
        return len(found)

    def read(self, uri: str) -> bytes:
        """One object.

        Raises:
            JobError: It is not there, or S3 refuses.
        """
        bucket, key = split_uri(uri)
        try:
            body: bytes = self.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        except (ClientError, BotoCoreError) as error:
            raise _data_error(uri, error) from error
        return body

    def fetch(self, uri: str, target: Path) -> None:
        """Bring down one object to a file.

        Raises:
            JobError: It is not there, or S3 refuses.
        """
        bucket, key = split_uri(uri)
        self._fetch(bucket, key, target.parent, target.name)

    def write(self, uri: str, body: bytes | Path, kms_key_id: str | None = None) -> None:
        """Put one object, from memory or from a file.

        Raises:
            JobError: S3 refuses.
        """
        bucket, key = split_uri(uri)
        extra = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key_id} if kms_key_id else {}
        try:
            if isinstance(body, Path):
                self.client("s3").upload_file(str(body), bucket, key, ExtraArgs=extra)
            else:
                self.client("s3").put_object(Bucket=bucket, Key=key, Body=body, **extra)
        except (ClientError, BotoCoreError, boto3.exceptions.S3UploadFailedError) as error:
            raise JobError(f"Data upload failed: {uri}: {error}") from error

    def upload_files(self, files: Mapping[Path, str], kms_key_id: str | None = None) -> None:
        """Put several files, each to its URI.

        Raises:
            JobError: S3 refuses one of them.
        """
        for done in [
            self._pool.submit(self.write, uri, path, kms_key_id) for path, uri in files.items()
        ]:
            done.result()

    def upload_folder(self, folder: Path, uri: str, kms_key_id: str | None = None) -> int:
        """Put every file of a folder below a prefix; returns how many.

        Raises:
            JobError: S3 refuses one of them.
        """
        files = {
            path: join_uri(uri, path.relative_to(folder).as_posix()) for path in files_in(folder)
        }
        self.upload_files(files, kms_key_id)
        return len(files)

    def _fetch(self, bucket: str, key: str, folder: Path, name: str) -> None:
        target = folder / name
        if ".." in PurePosixPath(name).parts or not target.is_relative_to(folder):
            raise JobError(
                f"Data download failed: s3://{bucket}/{key} would be written outside of its folder."
            )
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with target.open("wb") as file:
                shutil.copyfileobj(
                    self.client("s3").get_object(Bucket=bucket, Key=key)["Body"], file, 1 << 20
                )
        except (ClientError, BotoCoreError) as error:
            raise _data_error(f"s3://{bucket}/{key}", error) from error


def split_uri(uri: str) -> tuple[str, str]:
    """Bucket and key of an `s3://` URI.

    Raises:
        JobError: It is something else.
    """
    if not uri.startswith("s3://"):
        raise JobError(f"{uri} is not an S3 URI; it must look like s3://bucket/key.")
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


def join_uri(uri: str, *parts: str) -> str:
    """A URI below another one."""
    return "/".join([uri.rstrip("/"), *parts])


def _listed(uri: str, text: bytes) -> dict[str, str]:
    """What a manifest lists."""
    try:
        head, *names = json.loads(text)
        prefix = head["prefix"]
        split_uri(prefix)
        files = {prefix + name: name for name in names}
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise JobError(
            f"Data download failed: Manifest {uri} must be a JSON list "
            f'[{{"prefix": "s3://bucket/path/"}}, "relative/key", …]: {error!r}.'
        ) from error
    if not files:
        raise JobError(f"Data download failed: Manifest {uri} lists no object.")
    return files


def _relative(key: str, prefix: str) -> str:
    """Where an object goes below the channel's folder."""
    rest = key.removeprefix(prefix)
    if rest and (prefix.endswith("/") or not prefix or rest.startswith("/")):
        return rest.lstrip("/")
    return key[prefix.rfind("/") + 1 :]


def _data_error(uri: str, error: Exception) -> JobError:
    return JobError(f"Data download failed: {uri}: {error}")
