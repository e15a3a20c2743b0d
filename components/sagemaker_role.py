"""The role that SageMaker runs a container in."""

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from components.acknowledge import WILDCARD, acknowledge
from components.network import Network
from components.service_role import ServiceRole

_PULL = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]


class SageMakerRole(ServiceRole):
    """What every container needs: its image, its log, its metrics, a place in the network.

    The data is granted by whoever knows it: `lake.features.grant_read(role, "flight_delay/*")`.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        description: str,
        network: Network,
        image_uri: str,
        log_group: str,
        log_group_exists: bool = False,
    ) -> None:
        """Args:
        description: What runs in the role.
        network: Where it runs.
        image_uri: The container image, `<account>.dkr.ecr.<region>.<suffix>/<repository>:<tag>`.
        log_group: What SageMaker writes to, for example `/aws/sagemaker/TrainingJobs`.
        log_group_exists: Then nobody may create it: a late line would bring back what was deleted.
        """
        super().__init__(scope, construct_id, service="sagemaker", description=description)
        self._let_pull(image_uri)
        self._let_log(log_group, create=not log_group_exists)
        self.add_to_policy(
            iam.PolicyStatement(
                actions=["cloudwatch:PutMetricData"],
                resources=["*"],
                conditions={"StringLike": {"cloudwatch:namespace": "/aws/sagemaker/*"}},
            )
        )
        network.grant_attach(self)
        acknowledge(
            self,
            "ecr:GetAuthorizationToken and cloudwatch:PutMetricData offer no resource-level "
            "permission; the metrics are limited by namespace.",
            f"{WILDCARD}[Resource::*]",
        )

    def _let_pull(self, image_uri: str) -> None:
        registry, _, repository_and_tag = image_uri.partition("/")
        account, _, _, region, *_ = registry.split(".")
        repository = repository_and_tag.partition("@")[0].partition(":")[0]
        arn = Stack.of(self).format_arn(
            service="ecr",
            account=account,
            region=region,
            resource="repository",
            resource_name=repository,
        )
        self.add_to_policy(iam.PolicyStatement(actions=_PULL, resources=[arn]))
        self.add_to_policy(
            iam.PolicyStatement(actions=["ecr:GetAuthorizationToken"], resources=["*"])
        )

    def _let_log(self, log_group: str, *, create: bool) -> None:
        arn = Stack.of(self).format_arn(
            service="logs",
            resource="log-group",
            resource_name=log_group,
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        actions = ["logs:DescribeLogStreams", *(["logs:CreateLogGroup"] if create else [])]
        self.add_to_policy(iam.PolicyStatement(actions=actions, resources=[arn]))
        self.add_to_policy(
            iam.PolicyStatement(
                actions=["logs:CreateLogStream", "logs:PutLogEvents"],
                resources=[f"{arn}:log-stream:*"],
            )
        )
        acknowledge(
            self,
            "SageMaker names the log streams of this log group after the job.",
            f"{WILDCARD}[Resource::…:log-stream:*]",
        )
