"""Runs in the scikit-learn image's environment: score.py many times in one process.

Arguments: a JSON file with a list of command lines. Prints a line of JSON each: how it ended.
"""

import contextlib
import io
import json
import runpy
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[3] / "training_code" / "builtin" / "score.py"

for arguments in json.loads(Path(sys.argv[1]).read_text()):
    sys.argv = [str(SCRIPT), *arguments]
    said: object = None
    errors = io.StringIO()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(errors):
        try:
            runpy.run_path(str(SCRIPT), run_name="__main__")
        except SystemExit as end:
            said = end.code if isinstance(end.code, str) else errors.getvalue()
    sys.stdout.write(json.dumps(said) + "\n")
