"""The private network: isolated subnets, VPC endpoints, no way to the internet."""

from aws_cdk import Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from constructs import Construct

from components.acknowledge import WILDCARD, acknowledge
from components.encryption_key import EncryptionKey
from components.log_group import EncryptedLogGroup
from components.service_role import ServiceRole
from flywheel.settings import EnvironmentSettings

_ENI_ACTIONS = [
    "ec2:CreateNetworkInterface",
    "ec2:CreateNetworkInterfacePermission",
    "ec2:DeleteNetworkInterface",
    "ec2:DeleteNetworkInterfacePermission",
]
_LOOK_ACTIONS = [
    "ec2:DescribeDhcpOptions",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcs",
]


class Network(Construct):
    """A VPC whose subnets have no route to the internet, only to AWS services through endpoints.

    Attributes:
        vpc: The VPC.
        job_security_group: For everything that runs in it: jobs, Spark workers, endpoints.
        private_subnet_ids: Ids of the isolated subnets, one for each availability zone.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, environment: EnvironmentSettings
    ) -> None:
        super().__init__(scope, construct_id)
        settings = environment.network
        self.vpc = ec2.Vpc(
            self,
            "Vpc",
            ip_addresses=ec2.IpAddresses.cidr(settings.cidr),
            max_azs=settings.max_azs,
            nat_gateways=0,
            restrict_default_security_group=False,
            subnet_configuration=[
                ec2.SubnetConfiguration(
                    name="Isolated", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED
                )
            ],
        )
        acknowledge(
            self.vpc,
            "Closing the default security group needs a Lambda function. Nothing uses the group, "
            "and no route leads out of the VPC.",
            "NIST.800.53.R5-VPCDefaultSecurityGroupClosed",
        )
        self.private_subnet_ids = [subnet.subnet_id for subnet in self.vpc.isolated_subnets]
        self.job_security_group = self._job_security_group()
        self._endpoints(settings.interface_endpoints)
        self._flow_log(environment)

    def grant_attach(self, role: iam.Role) -> None:
        """Let SageMaker, in this role, put network interfaces into the subnets.

        Source: Amazon SageMaker Developer Guide, "SageMaker roles", permissions with a private VPC.
        """
        stack = Stack.of(self)
        interfaces = stack.format_arn(
            service="ec2", resource="network-interface", resource_name="*"
        )
        subnets = [
            stack.format_arn(service="ec2", resource="subnet", resource_name=subnet_id)
            for subnet_id in self.private_subnet_ids
        ]
        group = stack.format_arn(
            service="ec2",
            resource="security-group",
            resource_name=self.job_security_group.security_group_id,
        )
        role.add_to_policy(
            iam.PolicyStatement(actions=_ENI_ACTIONS, resources=[interfaces, *subnets, group])
        )
        role.add_to_policy(iam.PolicyStatement(actions=_LOOK_ACTIONS, resources=["*"]))
        acknowledge(
            role,
            "Network interfaces get their ids when a job starts; the subnets and the security "
            "group are named.",
            f"{WILDCARD}[Resource::…:network-interface/*]",
        )
        acknowledge(
            role,
            "ec2:Describe* offers no resource-level permission.",
            f"{WILDCARD}[Resource::*]",
        )

    def _job_security_group(self) -> ec2.SecurityGroup:
        group = ec2.SecurityGroup(
            self,
            "JobSecurityGroup",
            vpc=self.vpc,
            description="Jobs, Spark workers and endpoints: to each other and to VPC endpoints",
            allow_all_outbound=False,
        )
        # The S3 endpoint answers from public addresses, whose prefix list has no id before
        # deployment. Without a gateway these addresses lead nowhere else.
        group.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(443), "HTTPS to VPC endpoints")
        group.connections.allow_internally(ec2.Port.all_tcp(), "Workers of one job")
        return group

    def _endpoints(self, services: tuple[str, ...]) -> None:
        for name, gateway in (
            ("S3", ec2.GatewayVpcEndpointAwsService.S3),
            ("DynamoDb", ec2.GatewayVpcEndpointAwsService.DYNAMODB),
        ):
            self.vpc.add_gateway_endpoint(name, service=gateway)
        if not services:
            return
        group = ec2.SecurityGroup(
            self,
            "EndpointSecurityGroup",
            vpc=self.vpc,
            description="VPC endpoints: HTTPS from jobs only",
            allow_all_outbound=False,
        )
        group.connections.allow_from(self.job_security_group, ec2.Port.tcp(443), "HTTPS from jobs")
        for service in services:
            self.vpc.add_interface_endpoint(
                "".join(part.capitalize() for part in service.replace("-", ".").split(".")),
                service=ec2.InterfaceVpcEndpointAwsService(service),
                security_groups=[group],
                open=False,
                private_dns_enabled=True,
            )

    def _flow_log(self, environment: EnvironmentSettings) -> None:
        key = EncryptionKey(
            self,
            "Key",
            alias=f"flywheel-{environment.name}-network",
            retain=environment.retain_data,
        )
        log_group = EncryptedLogGroup(
            self,
            "FlowLogGroup",
            key=key,
            retention_days=environment.log_retention_days,
            retain=environment.retain_data,
        )
        role = ServiceRole(
            self,
            "FlowLogRole",
            service="vpc-flow-logs",
            description="VPC flow logs into their log group",
        )
        self.vpc.add_flow_log(
            "FlowLog", destination=ec2.FlowLogDestination.to_cloud_watch_logs(log_group, role)
        )
