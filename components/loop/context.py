"""What the states refer to: settings, lake, jobs, registry, endpoint, table, topic."""

from dataclasses import dataclass

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_sns as sns

from components.data_lake import DataLake
from components.model_registry import ModelRegistry
from components.processing_job import ProcessingJob
from components.spark_job import SparkJob
from components.training_job import TrainingJob
from flywheel.algorithms.images import image_uri
from flywheel.settings import EnvironmentSettings, WorkloadSettings


@dataclass(frozen=True)
class LoopContext:
    """Everything that one workload's loop works with.

    Attributes:
        stack: The stack of the state machine, for ARNs.
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
        image, serving = self.workload.training.image, self.workload.serving
        return image_uri(
            image.framework,
            image.version,
            self.environment.region,
            instance_type=serving.variants[0].instance_type,
            scope="inference",
        )

    @property
    def partition(self) -> str:
        """The partition's key part and column, `month`."""
        return self.workload.data.partition

    @property
    def job_prefix(self) -> str:
        """What job names begin with: with a run id of 36 characters they keep to SageMaker's 63."""
        return f"{self.name[:26].rstrip('-')}-"

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
