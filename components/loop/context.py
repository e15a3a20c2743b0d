"""What the states refer to: settings, lake, jobs, registry, endpoint, table, topic."""

from dataclasses import dataclass

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_sns as sns

from components.data_lake import DataLake
from components.model_registry import ModelRegistry
from components.names import short_name
from components.processing_job import ProcessingJob
from components.serving_image import serving_image_uri
from components.spark_job import SparkJob
from components.training_job import TrainingJob
from components.transform_job import TransformJob
from components.tuning_job import NAME_LENGTH, TuningJob
from flywheel.algorithms import catalogue
from flywheel.algorithms.catalogue import Algorithm
from flywheel.settings import EnvironmentSettings, WorkloadSettings

DIGEST_LENGTH = 16
"""Characters of a run's digest in names that have no room for the run's id."""


@dataclass(frozen=True)
class LoopContext:
    """Everything that one workload's loop works with.

    Attributes:
        stack: The stack of the state machine, for ARNs.
        tuning_job: Trains instead of the training job, where the settings say so.
        transform_job: Lets a built-in algorithm predict; None for a script, which evaluates itself.
        serving_stack_name: The stack that owns the endpoint.
        endpoint_name: What is looked at after a deployment.
        table: Holds the loop's one item: lock, arrivals, clean and quarantined partitions.
        topic: Gets one message for each run.
    """

    stack: Stack
    environment: EnvironmentSettings
    workload: WorkloadSettings
    lake: DataLake
    spark_job: SparkJob
    training_job: TrainingJob
    tuning_job: TuningJob | None
    transform_job: TransformJob | None
    processing_job: ProcessingJob
    registry: ModelRegistry
    serving_stack_name: str
    endpoint_name: str
    table: dynamodb.ITable
    topic: sns.ITopic

    @property
    def name(self) -> str:
        """Name of the state machine, and first part of the names of its jobs."""
        return f"{self.environment.name}-{self.workload.dashed_name}"

    @property
    def serving_image_uri(self) -> str:
        """The container that serves what the training container has trained."""
        return serving_image_uri(self.environment, self.workload)

    @property
    def algorithm(self) -> Algorithm | None:
        """The built-in algorithm, or None for a script."""
        key = self.workload.training.algorithm
        return catalogue.find(key) if key else None

    @property
    def selects(self) -> bool:
        """Whether a channel holds the newest month before the hold-out back from training."""
        return any(use.data == "selection" for use in self.workload.training.channels.values())

    @property
    def partition(self) -> str:
        """The partition's key part and column, `month`."""
        return self.workload.data.partition

    @property
    def job_prefix(self) -> str:
        """What job names begin with: with a run id of 36 characters they keep to SageMaker's 63."""
        return f"{short_name(self.name, 26)}-"

    @property
    def tuning_prefix(self) -> str:
        """What the names of tuning jobs and of their trainings begin with."""
        return f"{short_name(self.name, NAME_LENGTH - DIGEST_LENGTH - 1)}-"

    @property
    def state_machine_arn(self) -> str:
        """Known from the name, so that the role may start the machine that it belongs to."""
        return self.stack.format_arn(
            service="states",
            resource="stateMachine",
            resource_name=self.name,
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )

    @property
    def qualifier(self) -> str:
        """Which bootstrap the serving stack's template asks for the version of."""
        return self.stack.synthesizer.bootstrap_qualifier or "hnb659fds"

    @property
    def run_folder(self) -> str:
        """Key prefix of a run's files in the artifact zone, before the run id."""
        return f"{self.workload.name}/runs/"

    def arn(self, service: str, resource: str, name: str) -> str:
        """ARN of a resource of this account and region, `resource/name`."""
        return self.stack.format_arn(service=service, resource=resource, resource_name=name)

    def managed_rule_arn(self, name: str) -> str:
        """The EventBridge rule by which Step Functions hears that a job has ended."""
        return self.arn("events", "rule", name)
