"""EMR Serverless: Spark that costs nothing while nothing runs."""

from collections.abc import Iterable

from aws_cdk import Stack
from aws_cdk import aws_emrserverless as emr
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from components.acknowledge import WILDCARD, acknowledge
from components.log_group import EncryptedLogGroup
from components.network import Network
from flywheel.settings import CapacitySettings, EnvironmentSettings, WorkloadSettings

RELEASE_LABEL = "emr-7.12.0"
"""Spark 3.5. Source: Amazon EMR Release Guide, "Amazon EMR release 7.12.0"."""

_IDLE_MINUTES = 5


class SparkApplication(Construct):
    """The environment's Spark application, in the private subnets.

    It starts with the first job and stops five minutes after the last one. Its capacity is what the
    workloads may use together, so that a runaway job meets a limit before it meets the budget.

    Attributes:
        application_id: For StartJobRun.
        application_arn: For permissions.
        log_group: Where drivers and executors log.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: EnvironmentSettings,
        workloads: Iterable[WorkloadSettings],
        network: Network,
        key: kms.IKey,
    ) -> None:
        super().__init__(scope, construct_id)
        self._key = key
        self.log_group = EncryptedLogGroup(
            self,
            "LogGroup",
            key=key,
            retention_days=environment.log_retention_days,
            retain=environment.retain_data,
        )
        limits = [workload.etl.maximum_capacity for workload in workloads]
        application = emr.CfnApplication(
            self,
            "Application",
            name=f"flywheel-{environment.name}",
            type="SPARK",
            release_label=RELEASE_LABEL,
            architecture="ARM64",  # a fifth cheaper than X86_64; the jobs are pure Python
            auto_start_configuration=emr.CfnApplication.AutoStartConfigurationProperty(
                enabled=True
            ),
            auto_stop_configuration=emr.CfnApplication.AutoStopConfigurationProperty(
                enabled=True, idle_timeout_minutes=_IDLE_MINUTES
            ),
            maximum_capacity=_together(limits),
            network_configuration=emr.CfnApplication.NetworkConfigurationProperty(
                subnet_ids=network.private_subnet_ids,
                security_group_ids=[network.job_security_group.security_group_id],
            ),
            monitoring_configuration=self._monitoring(key),
        )
        self.application_id = application.attr_application_id
        self.application_arn = application.attr_arn

    def grant_run(self, role: iam.IRole) -> None:
        """What every job needs: to write its log, encrypted with the lake's key.

        Source: Amazon EMR Serverless User Guide, "Logging for CloudWatch".
        """
        self._key.grant(role, "kms:Decrypt", "kms:GenerateDataKey")
        role.add_to_principal_policy(
            iam.PolicyStatement(
                actions=["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
                resources=[self.log_group.log_group_arn],
            )
        )
        groups = Stack.of(role).format_arn(service="logs", resource="*")
        role.add_to_principal_policy(
            iam.PolicyStatement(actions=["logs:DescribeLogGroups"], resources=[groups])
        )
        acknowledge(
            role,
            "EMR Serverless looks for its log group by listing; that offers no narrower resource.",
            f"{WILDCARD}[Resource::…:logs:…:*]",
        )

    def _monitoring(self, key: kms.IKey) -> emr.CfnApplication.MonitoringConfigurationProperty:
        return emr.CfnApplication.MonitoringConfigurationProperty(
            cloud_watch_logging_configuration=emr.CfnApplication.CloudWatchLoggingConfigurationProperty(
                enabled=True,
                encryption_key_arn=key.key_arn,
                log_group_name=self.log_group.log_group_name,
            ),
            # 30 days of event logs for the Spark UI of finished jobs, at no cost.
            managed_persistence_monitoring_configuration=emr.CfnApplication.ManagedPersistenceMonitoringConfigurationProperty(
                enabled=True, encryption_key_arn=key.key_arn
            ),
        )


def _together(
    limits: list[CapacitySettings],
) -> emr.CfnApplication.MaximumAllowedResourcesProperty | None:
    if not limits:
        return None
    return emr.CfnApplication.MaximumAllowedResourcesProperty(
        cpu=_sum(limit.cpu for limit in limits), memory=_sum(limit.memory for limit in limits)
    )


def _sum(sizes: Iterable[str]) -> str:
    """Adds up sizes like `4 vCPU` or `16 GB`."""
    parts = [size.split() for size in sizes]
    return f"{sum(int(number) for number, _ in parts)} {parts[0][1]}"
