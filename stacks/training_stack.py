"""Step 2: the jobs that make features, train and evaluate, with their roles and their code."""

from constructs import Construct

from components.data_lake import DataLake
from components.network import Network
from components.processing_job import ProcessingJob
from components.spark_job import SparkJob
from components.training_job import TrainingJob
from flywheel.settings import EnvironmentSettings, WorkloadSettings
from stacks.base import FlywheelStack


class TrainingStack(FlywheelStack):
    """What one workload's loop runs; nothing here runs by itself.

    Attributes:
        spark_job: Raw files to curated rows and features.
        training_job: Features to a model.
        processing_job: Challenger and champion to numbers.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: EnvironmentSettings,
        workload: WorkloadSettings,
        network: Network,
        lake: DataLake,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            environment=environment,
            workload=workload,
            description=f"Flywheel: jobs of {workload.name}",
        )
        self.spark_job = SparkJob(self, "Etl", workload=workload, lake=lake)
        self.training_job = TrainingJob(
            self,
            "Training",
            environment=environment,
            workload=workload,
            network=network,
            lake=lake,
        )
        self.processing_job = ProcessingJob(
            self,
            "Evaluation",
            environment=environment,
            workload=workload,
            network=network,
            lake=lake,
        )
