"""Step 2: the jobs that make features, train and evaluate, with their roles and their code."""

from constructs import Construct

from components.data_lake import DataLake
from components.network import Network
from components.processing_job import ProcessingJob
from components.spark_job import SparkJob
from components.training_job import TrainingJob
from components.transform_job import TransformJob
from components.tuning_job import TuningJob
from flywheel.algorithms import catalogue
from flywheel.settings import EnvironmentSettings, WorkloadSettings
from stacks.base import FlywheelStack


class TrainingStack(FlywheelStack):
    """What one workload's loop runs; nothing here runs by itself.

    Attributes:
        spark_job: Raw files to curated rows and features.
        training_job: Features to a model.
        tuning_job: Features to the best of several models, where the settings say so.
        transform_job: Requests to a model's answers; None for a script, whose evaluation predicts.
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
        tuning, algorithm = workload.training.tuning, workload.training.algorithm
        self.tuning_job = TuningJob(self.training_job, tuning, environment) if tuning else None
        self.transform_job: TransformJob | None = None
        if algorithm:
            self.transform_job = TransformJob(
                self,
                "Prediction",
                environment=environment,
                workload=workload,
                algorithm=catalogue.find(algorithm),
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
