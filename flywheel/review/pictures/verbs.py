"""Words for what one part does with another."""

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from flywheel.review.pictures.drawing import Flow
from flywheel.review.state_machines import Task


@dataclass(frozen=True)
class Verb:
    """What is done.

    Attributes:
        backwards: Whether what flows comes from the part that it is done to.
        kinds: Names of the only kinds to which it is done; nothing for any.
        label: What stands at the arrow, where the arrow alone does not say it.
    """

    text: str
    flow: Flow
    backwards: bool = False
    kinds: tuple[str, ...] = ()
    label: str = ""


JOBS = {
    "createTrainingJob": "training job",
    "createProcessingJob": "processing job",
    "createTransformJob": "batch transform",
    "createHyperParameterTuningJob": "tuning job",
    "createLabelingJob": "labelling job",
    "createAutoMLJobV2": "AutoML job",
}
"""SageMaker actions of which a part comes to be that no template declares."""

RUNS = Verb("runs", "control")
_READS = Verb("reads", "data", backwards=True)
_WRITES = Verb("writes", "data")
_CALLS = Verb("calls", "data", label="calls")
_STARTS = Verb("starts", "control")
_TELLS = Verb("tells", "event")
_ACTIONS = {
    "athena:StartQueryExecution": Verb("queries", "control", kinds=("Athena workgroup",)),
    "cloudformation:UpdateStack": Verb(
        "updates", "control", kinds=("SageMaker endpoint",), label="updates"
    ),
    "dynamodb:DeleteItem": _WRITES,
    "dynamodb:GetItem": _READS,
    "dynamodb:PutItem": _WRITES,
    "dynamodb:Query": _READS,
    "dynamodb:Scan": _READS,
    "dynamodb:UpdateItem": _WRITES,
    "emr-serverless:StartJobRun": Verb("runs", "control", kinds=("EMR Serverless",)),
    "es:ESHttpGet": _READS,
    "es:ESHttpPost": _WRITES,
    "events:PutEvents": _TELLS,
    "firehose:PutRecord": _WRITES,
    "firehose:PutRecordBatch": _WRITES,
    "glue:StartJobRun": RUNS,
    "kinesis:GetRecords": _READS,
    "kinesis:PutRecord": _WRITES,
    "kinesis:PutRecords": _WRITES,
    "lambda:Invoke": _CALLS,
    "lambda:InvokeFunction": _CALLS,
    "s3:GetObject": _READS,
    "s3:ListObjectsV2": _READS,
    "s3:PutObject": _WRITES,
    "sagemaker:CreateModelPackage": Verb(
        "registers", "data", kinds=("model package group",), label="registers"
    ),
    "sagemaker:InvokeEndpoint": _CALLS,
    "sagemaker:PutRecord": _WRITES,
    "sagemaker:StartPipelineExecution": _STARTS,
    "secretsmanager:GetSecretValue": _READS,
    "sns:Publish": _TELLS,
    "sqs:ReceiveMessage": _READS,
    "sqs:SendMessage": Verb("sends", "event"),
    "ssm:GetParameter": _READS,
    "ssm:PutParameter": Verb("sets", "control", label="sets"),
    "states:StartExecution": _STARTS,
}
"""What moves data or starts something. Describing, listing, tagging and keys move nothing."""
_ONLY_IN_TASKS = {"s3:ListObjectsV2", "lambda:Invoke", "cloudformation:UpdateStack"}


def verb_of_task(task: Task) -> Verb | None:
    """What a task does to what it names."""
    if not task.action:
        return _CALLS
    return _ACTIONS.get(f"{task.service}:{task.action[:1].upper()}{task.action[1:]}")


def verbs_of_actions(patterns: Iterable[str]) -> list[Verb]:
    """What a statement's actions, wildcards too, let somebody do."""
    found: dict[Verb, None] = {}
    for pattern in patterns:
        if pattern != "*":
            for name, verb in _ACTIONS.items():
                if name not in _ONLY_IN_TASKS and fnmatchcase(name.lower(), pattern.lower()):
                    found[verb] = None
    return list(found)
