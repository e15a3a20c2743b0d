"""The lake: six zones in S3, a catalogue, a way to query it, a way to transform it."""

from collections.abc import Mapping

from aws_cdk import Aws
from aws_cdk import aws_glue as glue
from aws_cdk import aws_s3 as s3
from constructs import Construct

from components.encryption_key import EncryptionKey
from components.monthly_table import MonthlyTable
from components.network import Network
from components.query_workgroup import QueryWorkgroup
from components.secure_bucket import AccessLogBucket, SecureBucket
from components.spark_application import SparkApplication
from flywheel.settings import EnvironmentSettings, WorkloadSettings

_RESULT_DAYS = 30
_CAPTURE_DAYS = 90


class DataLake(Construct):
    """All data of one environment, encrypted with one key.

    Attributes:
        key: The key of all data of this environment.
        raw: What producers deliver; its events start the loop.
        curated: Typed rows, one table for each workload.
        features: What training reads.
        artifacts: Runs, models, checkpoints.
        captured: Requests and predictions of the endpoints, for 90 days.
        query_results: What Athena answers, for 30 days.
        database_name: Glue database; people type it, so it has a name.
        workgroup_name: Athena workgroup.
        spark: EMR Serverless application.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: EnvironmentSettings,
        workloads: Mapping[str, WorkloadSettings],
        network: Network,
    ) -> None:
        super().__init__(scope, construct_id)
        self._retain = environment.retain_data
        self.key = EncryptionKey(
            self, "Key", alias=f"flywheel-{environment.name}-data", retain=self._retain
        )
        self._access_logs = AccessLogBucket(self, "AccessLogs", retain=self._retain)
        self.raw = self._zone("Raw", notify_event_bridge=True)
        self.curated = self._zone("Curated")
        self.features = self._zone("Features")
        self.artifacts = self._zone("Artifacts")
        self.captured = self._zone("Captured", expire_days=_CAPTURE_DAYS)
        self.query_results = self._zone("QueryResults", expire_days=_RESULT_DAYS)
        self.database_name = f"flywheel_{environment.name}"
        self._database = glue.CfnDatabase(
            self,
            "Database",
            catalog_id=Aws.ACCOUNT_ID,
            database_input=glue.CfnDatabase.DatabaseInputProperty(
                name=self.database_name, description=f"Flywheel's lake, {environment.name}"
            ),
        )
        self.workgroup_name = f"flywheel-{environment.name}"
        QueryWorkgroup(
            self,
            "Workgroup",
            workgroup_name=self.workgroup_name,
            results=self.query_results,
            key=self.key,
        )
        self.spark = SparkApplication(
            self,
            "Spark",
            environment=environment,
            workloads=workloads.values(),
            network=network,
            key=self.key,
        )

    def add_workload(self, workload: WorkloadSettings) -> None:
        """Its tables."""
        tables = workload.data.tables
        self.add_table(workload, "curated", tables.curated, self.curated)
        if tables.features:
            self.add_table(workload, "features", tables.features, self.features)

    def add_table(
        self,
        workload: WorkloadSettings,
        table_name: str,
        columns: Mapping[str, str],
        bucket: s3.IBucket,
    ) -> MonthlyTable:
        """Table `<workload>_<table_name>` over the workload's prefix of a zone."""
        table = MonthlyTable(
            self,
            f"{workload.construct_name}{table_name.capitalize()}",
            catalog_id=Aws.ACCOUNT_ID,
            database_name=self.database_name,
            table_name=f"{workload.name}_{table_name}",
            columns=columns,
            partition=workload.data.partition,
            bucket=bucket,
            prefix=workload.name,
        )
        table.add_resource_dependency(self._database)
        return table

    def _zone(
        self, name: str, *, expire_days: int | None = None, notify_event_bridge: bool = False
    ) -> SecureBucket:
        return SecureBucket(
            self,
            name,
            key=self.key,
            access_logs=self._access_logs,
            retain=self._retain,
            expire_days=expire_days,
            notify_event_bridge=notify_event_bridge,
        )
