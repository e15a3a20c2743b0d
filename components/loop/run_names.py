"""What a run calls its jobs, models and files; whoever knows the run's id knows them all."""

from components.loop.asl import literal
from components.loop.context import DIGEST_LENGTH, LoopContext

CHALLENGER, CHAMPION = "challenger", "champion"


def run_id(execution: str) -> str:
    """JSONata of a run's id, from the name of its execution.

    SageMaker's job names take 63 characters; EventBridge's execution names have 73.
    """
    return (
        f"$length({execution}) <= 36 and $contains({execution}, "
        "/^[A-Za-z0-9](-*[A-Za-z0-9])*$/) "
        f"? {execution} : $substring($hash({execution}, 'SHA-256'), 0, 36)"
    )


def job_name(loop: LoopContext) -> str:
    """JSONata of a name that is unique to the run; training and processing jobs do not clash."""
    return f"{literal(loop.job_prefix)} & $run"


def tuning_name(loop: LoopContext) -> str:
    """JSONata of the tuning job's name; a repeated call means the same job."""
    return f"{literal(loop.tuning_prefix)} & {_digest('$run')}"


def model_name(loop: LoopContext, of: str, run: str = "$run") -> str:
    """JSONata of the name of a model that predicts for the evaluation, and of its transform job."""
    return f"{literal(f'{loop.job_prefix}{of}-')} & {_digest(run)}"


def run_uri(loop: LoopContext, rest: str) -> str:
    """JSONata of an S3 URI in the run's folder."""
    folder = f"s3://{loop.lake.artifacts.bucket_name}/{loop.run_folder}"
    return f"'{folder}' & $run & '{rest}'"


def manifest_uri(loop: LoopContext, channel: str) -> str:
    """JSONata of the S3 URI of a channel's manifest."""
    return run_uri(loop, f"/{channel}.manifest")


def _digest(run: str) -> str:
    return f"$substring($hash({run}, 'SHA-256'), 0, {DIGEST_LENGTH})"
