"""Runs inside the image's environment: one training job under Amazon's `sagemaker-training`
toolkit.

The toolkit's own `trainer.train` reads /opt/ml, reports success or failure, and calls the
framework's training module, as in Amazon's framework containers; the module is `run_script` below,
which is what those containers do in script mode.
"""

import os
import signal
import sys

from sagemaker_training import entry_point, environment, trainer


def run_script() -> None:
    """Run the user's script; what it writes to standard error goes into the failure reason."""
    env = environment.Environment()
    entry_point.run(
        uri=env.module_dir,
        user_entry_point=env.user_entry_point,
        args=env.to_cmd_args(),
        env_vars=env.to_env_vars(),
        capture_error=True,
    )


def stop(*_: object) -> None:
    """End at once when the script does not run yet; else let it end, it has the signal too."""
    if not hasattr(os, "waitid"):
        return
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        os._exit(128 + signal.SIGTERM)


if __name__ == "__main__":
    sys.path.pop(0)  # this file's folder must not shadow the script's modules
    sys.modules["training_container"] = sys.modules["__main__"]
    # A stop reaches the script too (the whole group gets the signal): it may save a checkpoint, and
    # is waited for.
    signal.signal(signal.SIGTERM, stop)
    os.environ["SAGEMAKER_TRAINING_MODULE"] = "training_container:run_script"
    trainer.train()
