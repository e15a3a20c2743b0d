"""cfn-lint over templates; what it said of a template is kept until the template changes.

cfn-lint takes most of a second for each template, and most templates are the same as last time.
"""

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from flywheel.errors import UserError

_MAIN = "import sys; from cfnlint.runner import main; sys.exit(main())"
_COMMAND = (sys.executable, "-c", _MAIN, "--format", "json")
"""cfn-lint's command, of the environment that runs us and not of the PATH."""
_PROCESSES = 2


def lint(
    templates: Iterable[tuple[Path, str]], *, cache: Path | None = None
) -> dict[Path, list[dict[str, Any]]]:
    """cfn-lint's errors and warnings, as it writes them in JSON, by template.

    Args:
        templates: Each with the region that it is meant for.
        cache: Folder of earlier answers, by the template's content, region and cfn-lint's version.

    Raises:
        UserError: cfn-lint itself failed.
    """
    known: dict[Path, list[dict[str, Any]]] = {}
    asked: dict[Path, str] = {}
    keys: dict[Path, Path] = {}
    for template, region in templates:
        if cache is not None:
            keys[template] = cache / f"{_key(template, region)}.json"
        if template in keys and keys[template].exists():
            known[template] = json.loads(keys[template].read_bytes())
        else:
            asked[template] = region
    for template, matches in _run(asked).items():
        known[template] = matches
        if template in keys:
            keys[template].parent.mkdir(parents=True, exist_ok=True)
            keys[template].write_text(json.dumps(matches), encoding="utf-8")
    return known


def _key(template: Path, region: str) -> str:
    said = f"{version('cfn-lint')} {region} ".encode()
    return hashlib.sha256(said + template.read_bytes()).hexdigest()


def _run(regions: Mapping[Path, str]) -> dict[Path, list[dict[str, Any]]]:
    running = []
    for region in sorted(set(regions.values())):
        templates = sorted(path for path in regions if regions[path] == region)
        for start in range(_PROCESSES):
            if share := templates[start::_PROCESSES]:
                process = subprocess.Popen(
                    [*_COMMAND, "--regions", region, "--template", *map(str, share)],
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                )
                running.append((share, process))
    found: dict[Path, list[dict[str, Any]]] = {}
    for share, process in running:
        out, err = process.communicate()
        try:
            matches = json.loads(out or "[]")
        except ValueError as error:
            raise UserError(f"cfn-lint failed: {(err or out).strip()}") from error
        if process.returncode and not matches:
            raise UserError(f"cfn-lint failed: {err.strip()}")
        found |= {path: [] for path in share}
        for match in matches:
            found[Path(match["Filename"])].append(match)
    return found
