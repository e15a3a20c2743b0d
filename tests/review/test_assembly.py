"""A cloud assembly is read from its files alone."""

import io
import json
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from flywheel.errors import UserError
from flywheel.review import read_assembly, read_environment
from flywheel.review.assembly import Acknowledgment, Asset
from flywheel.review.assets import MAX_DIFF_LINES, changed_files

DIGEST = "c" * 64


def write(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")


def frames(*lines: str) -> dict[str, Any]:
    return {"type": "aws:cdk:creationStack", "data": ["...jsii runtime...", *lines]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An assembly with one environment, dev, and one stack, Lake."""
    stage = tmp_path / "assembly-dev"
    write(
        tmp_path / "manifest.json",
        {
            "artifacts": {
                "assembly-dev": {
                    "type": "cdk:cloud-assembly",
                    "properties": {"directoryName": "assembly-dev", "displayName": "dev"},
                },
                "Tree": {"type": "cdk:tree", "properties": {"file": "tree.json"}},
            }
        },
    )
    write(
        stage / "manifest.json",
        {
            "artifacts": {
                "devLake1": {
                    "type": "aws:cloudformation:stack",
                    "environment": "aws://unknown-account/eu-west-1",
                    "displayName": "dev/Lake",
                    "additionalMetadataFile": "devLake1.metadata.json",
                    "properties": {
                        "templateFile": "devLake1.template.json",
                        "stackName": "dev-Lake",
                        "terminationProtection": True,
                        "tags": {"team": "a"},
                    },
                }
            }
        },
    )
    write(
        stage / "devLake1.template.json",
        {
            "Resources": {
                "RawABC": {"Type": "AWS::S3::Bucket"},
                "Key": {"Type": "AWS::KMS::Key", "Metadata": {"aws:cdk:path": "dev/Lake/Key/Res"}},
            }
        },
    )
    write(
        stage / "devLake1.metadata.json",
        {
            "/dev/Lake/Raw": [
                {
                    "type": "flywheel:acknowledged",
                    "data": {"rule": "AwsSolutions-S1[…]", "reason": "Because."},
                },
                {"type": "aws:cdk:acknowledged-rules", "data": {"Other::E1": "So it is."}},
            ],
            "/dev/Lake/Raw/Resource": [
                {"type": "aws:cdk:logicalId", "data": "RawABC"},
                frames(
                    "__init__ (/somewhere/here/lib/site-packages/x.py:1)",
                    "__init__ (/somewhere/here/components/lake.py:12)",
                    "__init__ (/somewhere/here/stacks/lake_stack.py:34)",
                    "<module> (/somewhere/here/app.py:5)",
                ),
            ],
        },
    )
    write(
        stage / "devLake1.assets.json",
        {
            "files": {
                DIGEST: {
                    "displayName": "Etl/Script",
                    "source": {"path": "../asset.py", "packaging": "file"},
                },
                "d" * 64: {
                    "displayName": "dev-Lake Template",
                    "source": {"path": "devLake1.template.json", "packaging": "file"},
                },
            },
            "dockerImages": {},
        },
    )
    return tmp_path


def test_a_stack_is_read_with_all_that_the_assembly_knows_about_it(folder: Path) -> None:
    environments = read_assembly(folder)
    assert list(environments) == ["dev"]
    stack = environments["dev"].stacks["Lake"]
    assert (stack.name, stack.region, stack.account) == ("dev-Lake", "eu-west-1", None)
    assert stack.termination_protection
    assert stack.tags == {"team": "a"}
    assert stack.paths == {"RawABC": "Lake/Raw/Resource", "Key": "Lake/Key/Res"}
    assert stack.assets == {DIGEST: Asset(DIGEST, "Etl/Script", folder / "asset.py")}


def test_lines_of_code_are_relative_and_the_innermost_is_first(folder: Path) -> None:
    stack = read_environment(folder, "dev").stacks["Lake"]
    assert stack.sources["RawABC"] == (
        "components/lake.py:12",
        "stacks/lake_stack.py:34",
        "app.py:5",
    )
    inside = read_environment(folder, "dev", root=Path("/somewhere/here/stacks")).stacks["Lake"]
    assert inside.sources["RawABC"] == ("lake_stack.py:34",)


def test_acknowledgments_of_both_kinds_are_found(folder: Path) -> None:
    stack = read_environment(folder, "dev").stacks["Lake"]
    assert stack.acknowledgments == (
        Acknowledgment("Lake/Raw", "AwsSolutions-S1[…]", "Because."),
        Acknowledgment("Lake/Raw", "Other::E1", "So it is."),
    )


@pytest.mark.parametrize(
    ("path", "rule", "covered"),
    [
        ("Lake/Raw", "IAM5[Resource::<A.Arn>/*]", True),
        ("Lake/Raw/Policy/Resource", "IAM5[Resource::/*]", True),
        ("Lake/Rawer", "IAM5[Resource::/*]", False),
        ("Lake/Raw", "IAM5[Resource::*]", False),
        ("Lake/Raw", "IAM5", False),
    ],
)
def test_an_acknowledgment_covers_what_is_inside_it(path: str, rule: str, covered: bool) -> None:
    given = Acknowledgment("Lake/Raw", "IAM5[Resource::…/*]", "Because.")
    assert given.covers(path, rule) is covered


def test_an_environment_that_is_not_there_is_named_with_those_that_are(folder: Path) -> None:
    with pytest.raises(UserError, match="has no environment prod; it has dev"):
        read_environment(folder, "prod")


def test_a_folder_that_is_no_assembly_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"is no cloud assembly: it has no manifest\.json"):
        read_assembly(tmp_path)


def test_a_broken_file_is_named(folder: Path) -> None:
    (folder / "assembly-dev" / "devLake1.template.json").write_text("{")
    with pytest.raises(UserError, match=r"devLake1\.template\.json cannot be read"):
        read_assembly(folder)


def archive(path: Path, kind: str, files: Mapping[str, bytes]) -> Asset:
    """An asset of this kind with these files."""
    if kind == "folder":
        for name, content in files.items():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_bytes(content)
    elif kind == "zip":
        with zipfile.ZipFile(path, "w") as zipped:
            for name, content in files.items():
                zipped.writestr(name, content)
    else:
        with tarfile.open(path, "w:gz") as tarred:
            for name, content in files.items():
                info = tarfile.TarInfo(name)
                info.size = len(content)
                tarred.addfile(info, io.BytesIO(content))
    return Asset(path.name, "Training/Code", path)


@pytest.mark.parametrize("kind", ["folder", "zip", "tar"])
def test_a_code_asset_is_compared_file_by_file(kind: str, tmp_path: Path) -> None:
    before = archive(tmp_path / "a", kind, {"a.py": b"x = 1\n", "b.py": b"", "m.bin": b"\0a"})
    after = archive(tmp_path / "b", kind, {"a.py": b"x = 2\n", "c/d.py": b"y\n", "m.bin": b"\0b"})
    found = changed_files(before, after)
    assert found is not None
    assert {each.path: (each.action, each.diff) for each in found} == {
        "a.py": ("changed", "@@ -1 +1 @@\n-x = 1\n+x = 2"),
        "b.py": ("removed", ""),
        "c/d.py": ("added", "@@ -0,0 +1 @@\n+y"),
        "m.bin": ("changed", ""),
    }


def test_a_single_file_is_called_after_its_construct(tmp_path: Path) -> None:
    (tmp_path / "asset.1.py").write_text("a\n")
    (tmp_path / "asset.2.py").write_text("b\n")
    found = changed_files(
        Asset("1", "Etl/Script", tmp_path / "asset.1.py"),
        Asset("2", "Etl/Script", tmp_path / "asset.2.py"),
    )
    assert found is not None
    assert [each.path for each in found] == ["Script.py"]


def test_a_long_diff_is_cut_and_says_so(tmp_path: Path) -> None:
    before = archive(tmp_path / "a", "folder", {"a.py": b""})
    after = archive(tmp_path / "b", "folder", {"a.py": b"line\n" * (MAX_DIFF_LINES + 99)})
    found = changed_files(before, after)
    assert found is not None
    assert found[0].num_hidden_lines == 100
    assert len(found[0].diff.splitlines()) == MAX_DIFF_LINES


def test_an_asset_that_the_assembly_does_not_hold_is_not_guessed(tmp_path: Path) -> None:
    here = archive(tmp_path / "a", "folder", {"a.py": b""})
    assert changed_files(here, Asset("x", "Code", tmp_path / "missing")) is None
