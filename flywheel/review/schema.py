"""The JSON Schema of a verdict, for whoever reads `build/review/<environment>.json`.

python -m flywheel.review.schema
"""

import json
from pathlib import Path

from flywheel.review.verdict import Review

FILE = Path(__file__).parent / "review.schema.json"


def as_text() -> str:
    """The schema as it stands in the file."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Review.model_json_schema(),
    }
    return json.dumps(schema, indent=2) + "\n"


if __name__ == "__main__":
    FILE.write_text(as_text(), encoding="utf-8")
