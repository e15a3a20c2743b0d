"""`python -m flywheel.settings --check` reads all of config/; `--schema` exports its schemas."""

import argparse
import sys
from pathlib import Path

from flywheel.errors import UserError
from flywheel.settings.loading import check_all, environment_names, warnings
from flywheel.settings.schema import write_schemas


def main(arguments: list[str] | None = None) -> int:
    """The exit code: 0, or 1 if the settings cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m flywheel.settings", description=__doc__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--check", action="store_true", help="check every file")
    what.add_argument("--schema", action="store_true", help="write config/schema/*.json")
    parser.add_argument("--config", type=Path, default=Path("config"), help="the settings' folder")
    options = parser.parse_args(arguments)
    config_dir = options.config.resolve()
    try:
        if options.schema:
            write_schemas(config_dir / "schema")
        else:
            check_all(config_dir)
            for doubt in warnings(config_dir):
                sys.stderr.write(f"warning: {doubt}\n")
            names = ", ".join(environment_names(config_dir))
            sys.stdout.write(f"The settings of {names} are in order.\n")
    except UserError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
