"""S3 prefixes as local folders: brought in before a Spark job, put back by the S3 API after it.

The folders are kept between jobs, and only what changed travels. Nothing but the S3 API touches a
bucket, so every
object that a job writes or removes makes the events that it makes on AWS.
"""

from __future__ import annotations

import mimetypes
import os
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

_NUM_TRANSFERS = 8
_DELETE_AT_ONCE = 1000  # Source: S3, DeleteObjects
# Left behind by a writer that died; never objects on AWS either.
_SCRATCH = ("_temporary", ".spark-staging", ".sparkStaging")

Stamp = tuple[int, int]


@dataclass(frozen=True)
class Prefix:
    """A part of a bucket."""

    bucket: str
    key: str

    @classmethod
    def parse(cls, uri: str) -> Prefix:
        """From `s3://bucket/key`, also with `s3a` or `s3n`."""
        bucket, _, key = uri.partition("://")[2].partition("/")
        return cls(bucket, key)


class Mirror:
    """Local copies of prefixes, one job at a time.

    Args:
        folder: holds one folder for each bucket.
        s3: a boto3 client.
    """

    def __init__(self, folder: Path, s3: Any) -> None:
        self._folder = folder
        self._s3 = s3
        self._etags: dict[tuple[str, str], str] = {}  # of the objects that the folders hold
        self._before: dict[Prefix, dict[str, Stamp]] = {}

    def bucket_folder(self, bucket: str) -> Path:
        """Where the objects of this bucket are."""
        return self._folder / bucket

    def bring_in(self, prefixes: Iterable[Prefix]) -> None:
        """Make the folders the same as S3 below these prefixes."""
        self._before = {}
        for prefix in _outermost(prefixes):
            self.bucket_folder(prefix.bucket).mkdir(parents=True, exist_ok=True)
            remote = self._list(prefix)
            for key in self._files(prefix).keys() - remote.keys():
                self._remove(prefix.bucket, key)
            stale = [
                key for key, etag in remote.items() if self._is_stale(prefix.bucket, key, etag)
            ]
            with ThreadPoolExecutor(_NUM_TRANSFERS) as pool:
                list(pool.map(lambda key, bucket=prefix.bucket: self._get(bucket, key), stale))
            self._etags |= {(prefix.bucket, key): etag for key, etag in remote.items()}
            self._before[prefix] = self._files(prefix)

    def put_back(self) -> None:
        """Make S3 the same as the folders, wherever the job changed them."""
        for prefix, before in self._before.items():
            after = self._files(prefix)
            changed = [key for key, stamp in after.items() if before.get(key) != stamp]
            with ThreadPoolExecutor(_NUM_TRANSFERS) as pool:
                etags = list(
                    pool.map(lambda key, bucket=prefix.bucket: self._put(bucket, key), changed)
                )
            self._etags |= {(prefix.bucket, k): e for k, e in zip(changed, etags, strict=True)}
            self._delete(prefix.bucket, sorted(before.keys() - after.keys()))
        self._before = {}

    def _list(self, prefix: Prefix) -> dict[str, str]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=prefix.bucket, Prefix=prefix.key
        )
        return {
            item["Key"]: item["ETag"]
            for page in pages
            for item in page.get("Contents", ())
            if not item["Key"].endswith("/") and _is_safe(item["Key"])
        }

    def _files(self, prefix: Prefix) -> dict[str, Stamp]:
        """Keys below the prefix that the folder has, each with what changes when its file does."""
        root = self.bucket_folder(prefix.bucket)
        start = root / prefix.key if prefix.key.endswith("/") else (root / prefix.key).parent
        found: dict[str, Stamp] = {}
        for folder, folders, names in os.walk(start if prefix.key else root):
            folders[:] = [name for name in folders if not name.startswith(_SCRATCH)]
            for name in names:
                path = Path(folder) / name
                key = path.relative_to(root).as_posix()
                if key.startswith(prefix.key) and not (
                    name.startswith(".") and name.endswith(".crc")
                ):
                    status = path.stat()
                    found[key] = (status.st_mtime_ns, status.st_size)
        return found

    def _is_stale(self, bucket: str, key: str, etag: str) -> bool:
        return (
            self._etags.get((bucket, key)) != etag
            or not (self.bucket_folder(bucket) / key).exists()
        )

    def _get(self, bucket: str, key: str) -> None:
        target = self.bucket_folder(bucket) / key
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(self._s3.get_object(Bucket=bucket, Key=key)["Body"].read())

    def _put(self, bucket: str, key: str) -> str:
        kind = mimetypes.guess_type(key)[0] or "binary/octet-stream"
        with (self.bucket_folder(bucket) / key).open("rb") as body:
            answer = self._s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType=kind)
        return str(answer["ETag"])

    def _delete(self, bucket: str, keys: list[str]) -> None:
        for first in range(0, len(keys), _DELETE_AT_ONCE):
            objects = [{"Key": key} for key in keys[first : first + _DELETE_AT_ONCE]]
            self._s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
        for key in keys:
            self._etags.pop((bucket, key), None)

    def _remove(self, bucket: str, key: str) -> None:
        path = self.bucket_folder(bucket) / key
        path.unlink(missing_ok=True)
        self._etags.pop((bucket, key), None)
        parent = path.parent
        while parent != self.bucket_folder(bucket) and not any(parent.iterdir()):
            parent.rmdir()
            parent = parent.parent


def mount_settings(folders: Mapping[str, Path], anchor: Path) -> dict[str, str]:
    """Spark settings with which `s3://<bucket>/…` are these folders, without any cloud library.

    Args:
        folders: by bucket.
        anchor: an existing folder; every mount table needs one link, and this one is never used.
    """
    settings: dict[str, str] = {}
    for scheme in ("s3", "s3a", "s3n"):
        settings[f"spark.hadoop.fs.{scheme}.impl"] = (
            "org.apache.hadoop.fs.viewfs.ViewFileSystemOverloadScheme"
        )
        settings[f"spark.hadoop.fs.AbstractFileSystem.{scheme}.impl"] = (
            "org.apache.hadoop.fs.viewfs.ViewFs"
        )
    # Without the .crc files of Hadoop's default local file system.
    settings["spark.hadoop.fs.file.impl"] = "org.apache.hadoop.fs.RawLocalFileSystem"
    settings["spark.hadoop.fs.AbstractFileSystem.file.impl"] = (
        "org.apache.hadoop.fs.local.RawLocalFs"
    )
    for bucket, folder in folders.items():
        table = f"spark.hadoop.fs.viewfs.mounttable.{bucket}"
        settings[f"{table}.linkFallback"] = folder.as_uri()
        settings[f"{table}.link./.flywheel"] = anchor.as_uri()
    return settings


def _outermost(prefixes: Iterable[Prefix]) -> list[Prefix]:
    """Without those that another one contains, so that nothing travels twice."""
    chosen: list[Prefix] = []
    for prefix in sorted(set(prefixes), key=lambda each: (each.bucket, len(each.key))):
        if not any(p.bucket == prefix.bucket and prefix.key.startswith(p.key) for p in chosen):
            chosen.append(prefix)
    return chosen


def _is_safe(key: str) -> bool:
    """Whether the key stays in its bucket's folder as a path."""
    return ".." not in PurePosixPath(key).parts and not key.startswith("/")
