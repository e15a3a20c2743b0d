"""`python -m flywheel.samples KEY FOLDER` writes a data set as files, to look at or to copy."""

import argparse
import sys
from pathlib import Path

from flywheel.errors import UserError
from flywheel.samples.kept import keys, raw_objects


def main(arguments: list[str] | None = None) -> int:
    """The exit code: 0, or 1 if there is no such data set or it cannot be written."""
    parser = argparse.ArgumentParser(prog="python -m flywheel.samples", description=__doc__)
    parser.add_argument("key", help=f"one of {', '.join(keys())}")
    parser.add_argument("folder", type=Path, help="gets one folder, named as the key")
    options = parser.parse_args(arguments)
    try:
        objects = raw_objects(options.key, progress=lambda said: print(said, file=sys.stderr))  # noqa: T201
        for item in objects:
            path = options.folder / options.key / item.key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(item.body)
    except UserError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"folder is {options.folder}; it cannot be written: {error.strerror}.\n")
        return 1
    sys.stdout.write(f"{len(objects)} files in {options.folder / options.key}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
