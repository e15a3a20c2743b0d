"""Code as data: archives and scripts that jobs get through S3, the same bytes on every machine."""

import gzip
import hashlib
import io
import tarfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

from aws_cdk import Stage
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3_assets as s3_assets
from constructs import Construct

REPOSITORY = Path(__file__).parent.parent

INSTALL_WITHOUT_NETWORK = {"PIP_NO_BUILD_ISOLATION": "0"}
"""Amazon's framework containers install the code with pip, which would fetch build tools.

In isolation there is nowhere to fetch from. pip reads this variable inverted: 0 means no build
isolation, so it takes the setuptools that the image has.
"""


class CodeAsset(s3_assets.Asset):
    """One file that jobs read from S3.

    Attributes:
        uri: Its S3 URI.
        file_name: Its name there, which is also its name in a job's container.
    """

    def __init__(self, scope: Construct, construct_id: str, *, path: Path) -> None:
        super().__init__(scope, construct_id, path=str(path))
        self.uri = self.s3_object_url
        self.file_name = self.s3_object_key.rpartition("/")[2]

    def grant_get(self, role: iam.IRole) -> None:
        """Let the role read this object and no other one of the asset bucket."""
        role.add_to_principal_policy(
            iam.PolicyStatement(
                actions=["s3:GetObject"],
                resources=[self.bucket.arn_for_objects(self.s3_object_key)],
            )
        )


class CodeBundle(CodeAsset):
    """The training archive: `training_code/*.py` at its root and the folder `inference_code/`.

    `sagemaker-training` unpacks it from a local path, so the container needs no network; the
    training script copies the inference code into the model.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, source: Path, inference_source: Path
    ) -> None:
        scripts = (path for path in sorted(source.glob("*.py")) if path.name != "__init__.py")
        files = [(path.name, path) for path in scripts]
        files += [
            (f"inference_code/{path.relative_to(inference_source).as_posix()}", path)
            for path in sorted(inference_source.rglob("*"))
            if path.is_file() and "__pycache__" not in path.parts
        ]
        path = _write(_archive(files), Path(Stage.of(scope).asset_outdir))  # type: ignore[union-attr]
        super().__init__(scope, construct_id, path=path)


class ModuleArchive(CodeAsset):
    """Python modules of the repository as a zip file that can be imported from, by their paths."""

    def __init__(self, scope: Construct, construct_id: str, *, modules: Iterable[str]) -> None:
        paths = {REPOSITORY / module for module in modules}
        packages = {
            folder / "__init__.py"
            for path in paths
            for folder in path.parents
            if folder != REPOSITORY and folder.is_relative_to(REPOSITORY)
        }
        content = _zip(
            (path.relative_to(REPOSITORY).as_posix(), path) for path in sorted(paths | packages)
        )
        outdir = Path(Stage.of(scope).asset_outdir)  # type: ignore[union-attr]
        super().__init__(scope, construct_id, path=_write(content, outdir, "modules.zip"))


def _zip(files: Iterable[tuple[str, Path]]) -> bytes:
    """A zip file without anything that differs between two machines."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, path in files:
            archive.writestr(zipfile.ZipInfo(name), path.read_bytes() if path.exists() else b"")
    return buffer.getvalue()


def _archive(files: Iterable[tuple[str, Path]]) -> bytes:
    """A tar.gz without anything that differs between two machines: times, owners, modes."""
    buffer = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=buffer, mode="wb", filename="", mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.USTAR_FORMAT) as archive,
    ):
        for name, path in files:
            content = path.read_bytes()
            member = tarfile.TarInfo(name)
            member.size = len(content)
            member.mode = 0o644
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def _write(content: bytes, folder: Path, name: str = "code.tar.gz") -> Path:
    # The folder is named by the content, because two stacks of one assembly may write at once.
    target = folder / f"bundle-{hashlib.sha256(content).hexdigest()[:16]}" / name
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
    return target
