"""Files of jobs on this machine: listed, packed, unpacked, watched for changes."""

from __future__ import annotations

import gzip
import shutil
import tarfile
import zlib
from pathlib import Path

from flywheel.local_aws.sagemaker.errors import JobError


def files_in(folder: Path) -> list[Path]:
    """All files below a folder, in a fixed order."""
    return sorted(path for path in folder.rglob("*") if path.is_file()) if folder.exists() else []


def changed_files(folder: Path, known: dict[Path, tuple[int, int]]) -> list[Path]:
    """Files that are new or changed since the last look; `known` is brought up to date."""
    changed = []
    for path in files_in(folder):
        try:
            status = path.stat()
        except FileNotFoundError:
            continue  # removed while we looked
        stamp = (status.st_mtime_ns, status.st_size)
        if known.get(path) != stamp:
            known[path] = stamp
            changed.append(path)
    return changed


def pack(folder: Path, archive: Path) -> None:
    """Write a `.tar.gz` of a folder's content; the same files give the same bytes."""
    with (
        archive.open("wb") as file,
        gzip.GzipFile(filename="", mode="wb", fileobj=file, compresslevel=1, mtime=0) as stream,
        tarfile.open(fileobj=stream, mode="w|") as tar,
    ):
        for path in files_in(folder):
            member = tar.gettarinfo(str(path), arcname=path.relative_to(folder).as_posix())
            member.mtime, member.uid, member.gid, member.uname, member.gname = 0, 0, 0, "", ""
            with path.open("rb") as content:
                tar.addfile(member, content)


def unpack(archive: Path, folder: Path, uri: str) -> None:
    """Extract a `.tar.gz`; members that point out of the folder are refused.

    Raises:
        JobError: The bytes are not such an archive, or it is not safe.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with tarfile.open(archive, mode="r:*") as tar:
            tar.extractall(folder, filter="data")
    except (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise JobError(f"Failed to extract model data archive from {uri}: {error}") from error


def gunzip_all(folder: Path) -> None:
    """Decompress every file in place, as SageMaker does for a channel with CompressionType Gzip.

    Raises:
        JobError: A file is not gzip.
    """
    for path in files_in(folder):
        target = path.with_suffix("") if path.suffix == ".gz" else path
        part = path.with_name(path.name + ".part")
        try:
            with gzip.open(path) as source, part.open("wb") as file:
                shutil.copyfileobj(source, file)
        except (OSError, EOFError) as error:
            raise JobError(
                f"Data download failed: {path.name} is not compressed with gzip: {error}"
            ) from error
        path.unlink()
        part.rename(target)
