"""What differs between two versions of a code asset, file by file."""

import difflib
import hashlib
import io
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from flywheel.review.assembly import Asset
from flywheel.review.verdict import FileChange

MAX_DIFF_LINES = 400
"""Longer diffs of one file are cut; the page says how many lines are missing."""
MAX_FILE_BYTES = 1_000_000
"""Larger files are compared, but their lines are not shown."""


@dataclass(frozen=True)
class _File:
    digest: str
    size: int
    text: str | None
    """None for a file that is not UTF-8 text, or too large to show."""


def changed_files(before: Asset, after: Asset) -> tuple[FileChange, ...] | None:
    """Files that were added, removed or changed; None when the assembly lacks one of the assets."""
    if not (before.path.exists() and after.path.exists()):
        return None
    old, new = dict(_files(before)), dict(_files(after))
    changes = []
    for name in sorted(old.keys() | new.keys()):
        former, present = old.get(name), new.get(name)
        if former and present and former.digest == present.digest:
            continue
        action: Literal["added", "removed", "changed"] = (
            "changed" if former and present else "added" if present else "removed"
        )
        diff, num_hidden = _diff(name, former, present)
        changes.append(
            FileChange(
                path=name,
                action=action,
                diff=diff,
                num_hidden_lines=num_hidden,
                bytes_before=former.size if former else None,
                bytes_after=present.size if present else None,
            )
        )
    return tuple(changes)


def _diff(name: str, before: _File | None, after: _File | None) -> tuple[str, int]:
    if any(file is not None and file.text is None for file in (before, after)):
        return "", 0
    lines = list(
        difflib.unified_diff(
            (before.text or "").splitlines() if before else [],
            (after.text or "").splitlines() if after else [],
            fromfile=name,
            tofile=name,
            lineterm="",
        )
    )[2:]
    return "\n".join(lines[:MAX_DIFF_LINES]), max(0, len(lines) - MAX_DIFF_LINES)


def _files(asset: Asset) -> Iterator[tuple[str, _File]]:
    path = asset.path
    if path.is_dir():
        for file in sorted(path.rglob("*")):
            if file.is_file():
                yield file.relative_to(path).as_posix(), _file(file.read_bytes())
        return
    content = path.read_bytes()
    members = dict(_members(content))
    if members:
        yield from ((name, _file(member)) for name, member in members.items())
    else:
        # The asset's file is called after its hash, so the construct's name says more.
        yield PurePosixPath(asset.name).name + "".join(_suffix(path)), _file(content)


def _members(content: bytes) -> Iterator[tuple[str, bytes]]:
    if zipfile.is_zipfile(io.BytesIO(content)):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for info in archive.infolist():
                if not info.is_dir():
                    yield info.filename, archive.read(info)
        return
    try:
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            for member in archive:
                file = archive.extractfile(member) if member.isfile() else None
                if file:
                    yield member.name, file.read()
    except tarfile.ReadError:
        return  # a single file: no archive


def _file(content: bytes) -> _File:
    text = None
    if len(content) <= MAX_FILE_BYTES:
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError:
            text = None
        if text is not None and "\0" in text:
            text = None
    return _File(hashlib.sha256(content).hexdigest(), len(content), text)


def _suffix(path: Path) -> list[str]:
    return [suffix for suffix in path.suffixes[-1:] if len(suffix) <= 6]
