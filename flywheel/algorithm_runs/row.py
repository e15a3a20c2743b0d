"""One row: its data through the loop, and its endpoint asked in every form."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from flywheel import samples
from flywheel.algorithm_runs.bodies import body, read_examples
from flywheel.algorithm_runs.forms import FormError, check, responses
from flywheel.algorithms import catalogue
from flywheel.algorithms.catalogue import Algorithm
from flywheel.retraining_loop import Loop, Run, RunError
from flywheel.settings import WorkloadSettings

RUN_TIMEOUT_SECONDS = 600
EXAMPLES = 3
"""In a request. A picture is a request by itself."""
_VOCABULARY = "vocabulary/vocab.src.json"


@dataclass(frozen=True)
class Invocation:
    """One call of the endpoint."""

    content_type: str
    accept: str
    problem: str = ""
    """Empty: the answer had the form that the catalogue says."""


@dataclass
class Row:
    """What came of one algorithm.

    Attributes:
        metric: the gate's metric, larger is better.
        value: what the model reached on the hold-out.
        baseline: what the naive model reaches on the same.
        seconds: of the run and of its stages.
        problem: why the row fails; empty where it does not.
    """

    key: str
    metric: str
    value: float | None = None
    baseline: float | None = None
    baseline_name: str = ""
    seconds: Mapping[str, float] = field(default_factory=dict)
    invocations: list[Invocation] = field(default_factory=list)
    trainings: int = 1
    problem: str = ""

    @property
    def passed(self) -> bool:
        return not self.problem


class RowRun:
    """Takes one workload through its loop.

    Args:
        workload: of `config/workloads/builtin`.
        client: gives a boto3 client for a service's name.
        outputs: of all deployed stacks of the environment, by stack.
        say: told what is done.
    """

    def __init__(
        self,
        workload: WorkloadSettings,
        client: Callable[[str], Any],
        outputs: Mapping[str, Mapping[str, str]],
        say: Callable[[str], None],
    ) -> None:
        self._workload = workload
        self._client = client
        self._say = say
        own = f"-{workload.construct_name}"
        self._own = {
            name: value
            for stack, values in outputs.items()
            if own in stack or stack.endswith("-DataLake")
            for name, value in values.items()
        }
        key = workload.training.algorithm
        if key is None:
            raise RunError(f"{workload.name} has no training.algorithm; it is not a row of these.")
        self._algorithm = catalogue.find(key)

    def run(self) -> Row:
        """Everything; a failure is the row's problem and no exception."""
        row = Row(key=self._algorithm.key, metric=self._workload.gate.metric)
        try:
            run = self._through_the_loop()
            row.seconds = run.seconds
            self._judge(row, run)
            started = time.time()
            row.invocations = self._ask(run)
            row.seconds = {**run.seconds, "invoke": time.time() - started}
        except (RunError, ClientError, FormError) as error:
            row.problem = str(error)
            return row
        wrong = [each for each in row.invocations if each.problem]
        if wrong and not row.problem:
            first = wrong[0]
            row.problem = f"{first.content_type} → {first.accept}: {first.problem}"
        return row

    def _through_the_loop(self) -> Run:
        name = self._workload.name
        loop = Loop(
            self._client,
            state_machine_arn=self._own["StateMachineArn"],
            bucket=self._own["RawBucket"],
            workload=name,
        )
        self._say("reading the sample data")
        objects = samples.raw_objects(self._algorithm.key, progress=self._say)
        run = loop.run(
            objects,
            timeout_seconds=RUN_TIMEOUT_SECONDS,
            on_state=self._say,
            until_month=samples.MONTHS[-1],
        )
        if run.output["outcome"] != "promoted":
            raise RunError(f"the run ended as {run.output['outcome']}: {run.output['reason']}")
        return run

    def _judge(self, row: Row, run: Run) -> None:
        key = f"{self._workload.name}/runs/{run.output['run_id']}/evaluation/evaluation.json"
        challenger = json.loads(self._read(self._own["ArtifactsBucket"], key))["challenger"]
        row.value, row.baseline = challenger[row.metric], challenger["baseline"]
        row.baseline_name = challenger["baseline_name"]
        tuning = self._workload.training.tuning
        row.trainings = tuning.max_jobs if tuning else 1
        if row.value is None or row.baseline is None or row.value <= row.baseline:
            row.problem = (
                f"{row.metric} {row.value} does not beat the naive baseline {row.baseline}: "
                f"{row.baseline_name}"
            )

    def _ask(self, run: Run) -> list[Invocation]:
        """Every content type once, and the workload's own one in every form of an answer."""
        self._say("asking the endpoint")
        examples, own_type = self._examples(run.output["holdout_month"])
        vocabulary = self._vocabulary()
        accepts = responses(self._algorithm, self._workload.training.hyperparameters)
        usual = self._algorithm.inference.transform.accept
        pairs = [(kind, usual) for kind in self._algorithm.inference.requests]
        if self._algorithm.inference.accept_equals_content_type:
            pairs = [(kind, kind) for kind in self._algorithm.inference.requests]
        else:
            pairs += [(own_type, accept) for accept in accepts if accept != usual]
        made = []
        for content_type, accept in pairs:
            request = body(examples, content_type, self._algorithm, vocabulary)
            problem = self._call(request, content_type, accept, accepts, len(examples))
            made.append(Invocation(content_type, accept, problem))
        return made

    def _call(
        self,
        request: bytes,
        content_type: str,
        accept: str,
        accepts: Mapping[str, list[Any]],
        num_examples: int,
    ) -> str:
        try:
            answer = self._client("sagemaker-runtime").invoke_endpoint(
                EndpointName=self._own["EndpointName"],
                ContentType=content_type,
                Accept=accept,
                Body=request,
            )
            check(answer["Body"].read(), accept, accepts[accept], num_examples)
        except (ClientError, FormError, ValueError) as error:
            return str(error)
        return ""

    def _examples(self, month: str) -> tuple[list[Any], str]:
        transform = self._algorithm.inference.transform
        if transform is None:
            raise RunError(f"the catalogue does not say how {self._algorithm.key} is asked.")
        prefix = f"{self._workload.name}/requests/{self._workload.data.partition}={month}/"
        bucket = self._own["FeaturesBucket"]
        listed = self._client("s3").list_objects_v2(Bucket=bucket, Prefix=prefix)
        found = sorted(item["Key"] for item in listed.get("Contents", ()) if item["Size"])
        if not found:
            raise RunError(f"the Spark job wrote no requests below {prefix}.")
        examples = read_examples(self._read(bucket, found[0]), transform.content_type)
        number = 1 if isinstance(examples[0], bytes) else EXAMPLES
        return examples[:number], transform.content_type

    def _vocabulary(self) -> dict[str, int]:
        channels = self._workload.training.channels
        if "vocab" not in channels:
            return {}
        key = f"{self._workload.name}/{_VOCABULARY}"
        numbers: dict[str, int] = json.loads(self._read(self._own["FeaturesBucket"], key))
        return numbers

    def _read(self, bucket: str, key: str) -> bytes:
        data: bytes = self._client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        return data


def algorithm_of(workload: WorkloadSettings) -> Algorithm:
    """The catalogue's row of a workload that has one."""
    return catalogue.find(str(workload.training.algorithm))
