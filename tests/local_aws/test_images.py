"""An image is a requirements file: found, built once, explained when it cannot be built."""

from __future__ import annotations

import json
import stat
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from flywheel import environments
from flywheel.algorithms import catalogue as catalogue_of_algorithms
from flywheel.algorithms import images as published
from flywheel.local_aws.images import REQUIREMENTS, ImageCatalogue, ImageError

# uv takes no network for a requirements file without a requirement.
NOTHING = "# nothing\n"


@pytest.fixture
def catalogue(tmp_path: Path) -> ImageCatalogue:
    """A catalogue with one tiny image, and what it said while it built."""
    folder = tmp_path / "requirements"
    folder.mkdir()
    (folder / "tiny-1.txt").write_text(NOTHING)
    (folder / "catalogue.json").write_text(
        json.dumps([{"image": "tiny:1*", "requirements": "tiny-1.txt"}])
    )
    said: list[str] = []
    made = ImageCatalogue(tmp_path / "images", requirements=folder, progress=said.append)
    made.said = said  # type: ignore[attr-defined]
    return made


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        ("1.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-xgboost:3.2-0", "sagemaker-xgboost-3.2-0"),
        ("emr-7.9.0", "emr-spark-7"),
        ("emr-7.13.0", "emr-spark-7"),
    ],
)
def test_an_image_or_an_emr_release_has_a_requirements_file(uri: str, name: str) -> None:
    image = ImageCatalogue(Path("unused")).find(uri)
    assert image.name == name
    assert image.requirements.exists()


def test_every_line_of_the_catalogue_names_a_file_and_every_file_has_a_line() -> None:
    lines = json.loads((REQUIREMENTS / "catalogue.json").read_text())
    assert {line["requirements"] for line in lines} == {
        path.name for path in REQUIREMENTS.glob("*.txt")
    }


def test_every_image_of_a_built_in_algorithm_has_its_stand_in() -> None:
    found = ImageCatalogue(Path("unused"))
    for key in catalogue_of_algorithms.keys():  # noqa: SIM118 - a function, not a dictionary
        image = catalogue_of_algorithms.find(key).image
        for version in published.versions(image.name):
            for scope in ("training", "inference"):
                known = found.find(published.repository_and_tag(image.name, version, scope=scope))
                assert known.stand_in
                assert key.startswith(known.stand_in)
                assert known.scripts == (known.short == "sagemaker-xgboost:3.2-0")


def test_the_image_that_scores_runs_scripts_only() -> None:
    tag = published.repository_and_tag("sklearn", published.versions("sklearn")[0])
    image = ImageCatalogue(Path("unused")).find(tag)
    assert image.stand_in is None
    assert image.scripts


def test_every_requirement_is_pinned_with_hashes_and_names_no_host() -> None:
    for path in REQUIREMENTS.glob("*.txt"):
        text = path.read_text()
        requirements = [line for line in text.splitlines() if line and line[0].isalnum()]
        assert requirements
        assert all("==" in line for line in requirements)
        assert text.count("--hash=sha256:") >= len(requirements)
        assert "://" not in text


def test_an_unknown_image_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(
        ImageError, match=r"image own:1 has no environment .* sagemaker-xgboost:3.2-0"
    ):
        ImageCatalogue(Path("unused")).find("1.dkr.ecr.eu-west-1.amazonaws.com/own:1")


def test_an_environment_is_built_once_and_kept(catalogue: ImageCatalogue) -> None:
    python = catalogue.python("tiny:1.0")
    assert (
        subprocess.run([python, "-c", "print('here')"], capture_output=True, check=True).stdout
        == b"here\n"
    )
    assert catalogue.python("tiny:1.0") == python
    again = ImageCatalogue(
        catalogue._root, requirements=catalogue._requirements, progress=catalogue._progress
    )
    assert again.python("tiny:1.0") == python
    assert catalogue.said == [  # type: ignore[attr-defined]
        "Building the environment of image tiny-1.",
        "The environment of image tiny-1 is ready.",
    ]


def test_many_at_once_build_it_once(catalogue: ImageCatalogue) -> None:
    others = [
        ImageCatalogue(
            catalogue._root, requirements=catalogue._requirements, progress=catalogue._progress
        )
        for _ in range(4)
    ]
    with ThreadPoolExecutor(4) as pool:
        pythons = set(pool.map(lambda one: one.python("tiny:1"), others))
    assert len(pythons) == 1
    assert len(catalogue.said) == 2  # type: ignore[attr-defined]


def test_an_interrupted_build_is_done_again(catalogue: ImageCatalogue) -> None:
    python = catalogue.python("tiny:1")
    (python.parents[1] / ".complete").unlink()
    python.unlink()
    fresh = ImageCatalogue(catalogue._root, requirements=catalogue._requirements)
    assert fresh.python("tiny:1").exists()


def test_another_pin_builds_another_environment(catalogue: ImageCatalogue) -> None:
    before = catalogue.python("tiny:1")
    (catalogue._requirements / "tiny-1.txt").write_text(NOTHING * 2)
    fresh = ImageCatalogue(catalogue._root, requirements=catalogue._requirements)
    assert fresh.python("tiny:1") != before


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        ("error: Request failed: error sending request for url", "connect to the network once"),
        ("error: No space left on device (os error 28)", "free some space"),
        ("error: no matching hash for numpy", "no matching hash for numpy"),
    ],
)
def test_a_build_that_fails_says_what_to_do(
    catalogue: ImageCatalogue,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: str,
    remedy: str,
) -> None:
    failing = tmp_path / "uv"
    failing.write_text(f"#!/bin/sh\necho '{words}' >&2\nexit 2\n")
    failing.chmod(failing.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(environments, "_find_uv", lambda: str(failing))
    with pytest.raises(ImageError, match="environment of image tiny-1 cannot be built") as error:
        catalogue.python("tiny:1")
    assert remedy in str(error.value)
    monkeypatch.undo()
    assert catalogue.python("tiny:1").exists()


def test_a_folder_that_cannot_be_written_is_named(
    catalogue: ImageCatalogue, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    blocked = ImageCatalogue(tmp_path / "file", requirements=catalogue._requirements)
    with pytest.raises(ImageError, match=r"cannot be written to .*file"):
        blocked.python("tiny:1")
