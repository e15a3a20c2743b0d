"""`make local`: the embedded AWS with the local environment in it, until somebody stops it."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from flywheel.local_aws.lifecycle import LocalAws
from flywheel.local_aws.toolchain import PROJECT_DIR
from flywheel.settings import load_environments

ENVIRONMENT = "local"
STACKS = f"{ENVIRONMENT}/*"
# What belongs to the user's own AWS and would lead away from this one.
FOREIGN = ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_DEFAULT_PROFILE")
# The outputs with which one starts, as the stacks name them.
_USEFUL = ("RawBucket", "StateMachineArn", "ModelPackageGroup", "EndpointName", "ApiUrl")


def keep_up(console: Console, *, port: int | None = None, config: Path | None = None) -> None:
    """Start it, deploy the local environment, say how to reach it, and wait for Ctrl-C.

    Args:
        console: where everything is printed.
        port: on 127.0.0.1; None: a free one.
        config: the settings' folder; None: this repository's.

    Raises:
        UserError: the settings cannot be used, it does not start, the CDK CLI failed, or it died.
    """
    environment = load_environments(config or PROJECT_DIR / "config")[ENVIRONMENT]

    def say(text: str) -> None:
        console.print(text, highlight=False, markup=False, soft_wrap=True)

    say("Starting an AWS on this machine ...")
    try:
        with LocalAws(port=port, region=environment.region, progress=say) as aws:
            aws.bootstrap()
            aws.deploy("-c", f"env={ENVIRONMENT}", STACKS)
            say("\nIt is up. In another terminal, for aws, boto3 and cdk:\n")
            for line in exports(aws):
                say(f"  {line}")
            say("")
            for name, value in _outputs(aws).items():
                say(f"  {name:18} {value}")
            say(f"\nIts logs are in {aws.work_dir}. Ctrl-C stops it and removes everything in it.")
            aws.wait()
    except KeyboardInterrupt:
        say("\nStopped; nothing is left of it.")


def exports(aws: LocalAws) -> list[str]:
    """Shell lines after which every AWS tool reaches the embedded AWS and nothing else."""
    return [
        f"unset {' '.join(FOREIGN)}",
        *(f"export {name}={value}" for name, value in aws.environment.items()),
    ]


def _outputs(aws: LocalAws) -> dict[str, str]:
    found: dict[str, str] = {}
    for stack in aws.client("cloudformation").describe_stacks()["Stacks"]:
        for output in stack.get("Outputs", []):
            found[output["OutputKey"]] = output["OutputValue"]
    if "ApiUrl" in found:
        found["ApiUrl"] = aws.local_url(found["ApiUrl"])
    return {name: found[name] for name in _USEFUL if name in found}
