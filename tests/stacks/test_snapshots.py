"""What each stack looks like in each environment; a review reads the difference.

After a wanted change: `python -m pytest tests/stacks/test_snapshots.py --snapshot-update`.
"""

import json
import re
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode
from syrupy.types import SerializableData, SerializedData

from tests.conftest import ENVIRONMENTS, Assembly, stack_ids

ASSET_HASH = re.compile(r"\b[0-9a-f]{64}\b")


class TemplateExtension(SingleFileSnapshotExtension):
    """One readable JSON file for each template, without what changes with the code of the jobs."""

    _write_mode = WriteMode.TEXT
    file_extension = "json"

    def serialize(self, data: SerializableData, **_: Any) -> SerializedData:
        text = json.dumps(data, indent=1, ensure_ascii=False)
        return ASSET_HASH.sub("<asset hash>", text) + "\n"


@pytest.mark.parametrize("stack_id", stack_ids())
@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_template_is_as_reviewed(
    assembly: Assembly, environment: str, stack_id: str, snapshot: SnapshotAssertion
) -> None:
    template = assembly.template(environment, stack_id)
    assert template.body == snapshot(extension_class=TemplateExtension)


def test_asset_hashes_are_masked() -> None:
    key = {"key": "a" * 64 + ".tar.gz", "short": "b" * 32}
    masked = TemplateExtension().serialize(key)
    assert "<asset hash>.tar.gz" in str(masked)
    assert "b" * 32 in str(masked)
