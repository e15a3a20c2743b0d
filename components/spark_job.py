"""The Spark job that turns raw files into curated rows and features: its script and its request."""

from typing import Any

from constructs import Construct

from components.code_bundle import REPOSITORY, CodeAsset, ModuleArchive
from components.data_lake import DataLake
from components.loop.asl import expression
from components.service_role import ServiceRole
from flywheel.settings import WorkerSettings, WorkloadSettings

_OVERHEAD = 1.1
"""A worker's memory holds Spark's own overhead of 10% too.
Source: Amazon EMR Serverless User Guide, "Spark job properties"."""


class SparkJob(Construct):
    """The workload's ETL on the environment's EMR Serverless application.

    Attributes:
        application_arn: What the job runs on.
        role: What the job may do: read the workload's raw files, write its rows and features.
        timeout_seconds: When a job that still runs is given up.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, workload: WorkloadSettings, lake: DataLake
    ) -> None:
        super().__init__(scope, construct_id)
        self._workload, self._lake = workload, lake
        self.application_arn = lake.spark.application_arn
        self.timeout_seconds = (workload.etl.timeout_minutes + 15) * 60
        self.role = ServiceRole(
            self,
            "Role",
            service="emr-serverless",
            description=f"Spark jobs of {workload.name}: from raw to curated rows and features",
            source_arn=f"{self.application_arn}*",
        )
        lake.spark.grant_run(self.role)
        prefix = f"{workload.name}/*"
        lake.raw.grant_read(self.role, prefix)
        lake.curated.grant_read_write(self.role, prefix)
        lake.features.grant_read_write(self.role, prefix)
        self._script = CodeAsset(self, "Script", path=REPOSITORY / workload.etl.script)
        self._script.grant_get(self.role)
        self._modules = None
        if workload.etl.modules:
            self._modules = ModuleArchive(self, "Modules", modules=workload.etl.modules)
            self._modules.grant_get(self.role)

    def arguments(self, *, name: str, months: str, history: str, token: str) -> dict[str, Any]:
        """StartJobRun's request; every argument is JSONata.

        Args:
            name: The run's name.
            months: Comma list of the partitions to write.
            history: Comma list of the clean partitions before them.
            token: Makes a repeated request the same one.
        """
        etl, lake, prefix = self._workload.etl, self._lake, self._workload.name
        return {
            "ApplicationId": lake.spark.application_id,
            "ClientToken": expression(token),
            "ExecutionRoleArn": self.role.role_arn,
            "ExecutionTimeoutMinutes": etl.timeout_minutes,
            "Name": expression(name),
            "JobDriver": {
                "SparkSubmit": {
                    "EntryPoint": self._script.uri,
                    "EntryPointArguments": [
                        *("--raw", f"s3://{lake.raw.bucket_name}/{prefix}/"),
                        *("--curated", f"s3://{lake.curated.bucket_name}/{prefix}/"),
                        *("--features", f"s3://{lake.features.bucket_name}/{prefix}/"),
                        *("--months", expression(months)),
                        # In one piece: an empty argument may get lost on its way to the driver.
                        expression(f"'--history-months=' & {history}"),
                    ],
                    "SparkSubmitParameters": " ".join(
                        [
                            *_worker("driver", etl.driver),
                            *_worker("executor", etl.executor),
                            f"--conf spark.executor.instances={etl.executor.instances}",
                            *self._imports(),
                        ]
                    ),
                }
            },
        }

    def _imports(self) -> list[str]:
        """Source: Amazon EMR Serverless User Guide, "Spark job properties"."""
        return [f"--conf spark.submit.pyFiles={self._modules.uri}"] if self._modules else []


def _worker(kind: str, worker: WorkerSettings) -> list[str]:
    cores = int(worker.cpu.split()[0])
    gigabytes = max(1, int(int(worker.memory.split()[0]) / _OVERHEAD))
    return [
        f"--conf spark.{kind}.cores={cores}",
        f"--conf spark.{kind}.memory={gigabytes}g",
    ]
