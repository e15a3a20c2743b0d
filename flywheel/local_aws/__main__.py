"""`python -m flywheel.local_aws [--port N]`: the same as `python -m flywheel local`."""

import sys

from flywheel.cli import main

if __name__ == "__main__":
    sys.exit(main(["local", *sys.argv[1:]]))
