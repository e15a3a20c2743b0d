"""The Spark job that turns raw files into curated rows and features: its script and its request."""

from typing import Any

from aws_cdk import aws_iam as iam
from constructs import Construct

from components.acknowledge import acknowledge
from components.code_bundle import REPOSITORY, CodeAsset, ModuleArchive
from components.data_lake import DataLake
from components.loop.asl import expression
from flywheel.settings import WorkerSettings, WorkloadSettings

_OVERHEAD = 1.1
"""A worker's memory holds Spark's own overhead of 10% too.
Source: Amazon EMR Serverless User Guide, "Spark job properties"."""


class SparkJob(Construct):
    """The workload's ETL on the environment's EMR Serverless application.

    Attributes:
        application_arn: What the job runs on.
        role: What the job may do; it belongs to the lake.
        timeout_seconds: When a job that still runs is given up.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, workload: WorkloadSettings, lake: DataLake
    ) -> None:
        super().__init__(scope, construct_id)
        self._workload, self._lake = workload, lake
        self.application_arn = lake.spark.application_arn
        self.role = lake.spark.job_role
        self.timeout_seconds = (workload.etl.timeout_minutes + 15) * 60
        self._script = CodeAsset(self, "Script", path=REPOSITORY / workload.etl.script)
        code = [self._script]
        self._modules = None
        if workload.etl.modules:
            self._modules = ModuleArchive(self, "Modules", modules=workload.etl.modules)
            code.append(self._modules)
        # A policy of its own, so that a changed script leaves the lake's stack as it is.
        policy = iam.Policy(self, "ReadScript", roles=[self.role])
        policy.add_statements(
            iam.PolicyStatement(
                actions=["s3:GetObject"],
                resources=[each.bucket.arn_for_objects(each.s3_object_key) for each in code],
            )
        )
        acknowledge(
            policy,
            "One statement for one role, deleted with the script that it is about.",
            "NIST.800.53.R5-IAMNoInlinePolicy",
        )

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
