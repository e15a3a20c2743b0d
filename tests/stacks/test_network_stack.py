"""The network is private: there is no way to the internet, and AWS is reached through endpoints."""

import pytest

from tests.conftest import ENVIRONMENTS, Assembly, Template


@pytest.fixture(params=ENVIRONMENTS)
def network(assembly: Assembly, request: pytest.FixtureRequest) -> Template:
    return assembly.template(request.param, "Network")


@pytest.mark.parametrize(
    "gateway",
    [
        "AWS::EC2::InternetGateway",
        "AWS::EC2::NatGateway",
        "AWS::EC2::EgressOnlyInternetGateway",
        "AWS::EC2::VPNGateway",
        "AWS::EC2::TransitGatewayAttachment",
        "AWS::EC2::Route",
    ],
)
def test_there_is_no_way_to_the_internet(network: Template, gateway: str) -> None:
    assert network.of_type(gateway) == {}


def test_subnets_are_spread_and_give_out_no_public_address(network: Template) -> None:
    subnets = network.properties("AWS::EC2::Subnet").values()
    assert len({str(subnet["AvailabilityZone"]) for subnet in subnets}) == 2
    assert {subnet["MapPublicIpOnLaunch"] for subnet in subnets} == {False}


def test_every_service_of_the_settings_has_an_endpoint_with_private_dns(network: Template) -> None:
    endpoints = network.properties("AWS::EC2::VPCEndpoint").values()
    interface = {
        endpoint["ServiceName"].split(".", 3)[3]: endpoint
        for endpoint in endpoints
        if endpoint["VpcEndpointType"] == "Interface"
    }
    assert {"sagemaker.api", "sagemaker.runtime", "logs", "ecr.dkr", "kms"} <= set(interface)
    for endpoint in interface.values():
        assert endpoint["PrivateDnsEnabled"] is True
        assert len(endpoint["SecurityGroupIds"]) == 1
        assert len(endpoint["SubnetIds"]) == 2
    gateways = [e for e in endpoints if e["VpcEndpointType"] == "Gateway"]
    assert len(gateways) == 2, "S3 and DynamoDB, which cost nothing"


def test_only_jobs_reach_the_endpoints_and_only_by_https(network: Template) -> None:
    ingress = list(network.properties("AWS::EC2::SecurityGroupIngress").values())
    to_endpoints = [rule for rule in ingress if "Endpoint" in str(rule["GroupId"])]
    assert [(rule["FromPort"], rule["ToPort"]) for rule in to_endpoints] == [(443, 443)]
    for rule in ingress:
        assert "JobSecurityGroup" in str(rule["SourceSecurityGroupId"])
        assert "CidrIp" not in rule
    for group in network.properties("AWS::EC2::SecurityGroup").values():
        assert "SecurityGroupIngress" not in group


def test_jobs_may_only_send_https(network: Template) -> None:
    groups = network.properties("AWS::EC2::SecurityGroup")
    open_to_all = [
        (rule["FromPort"], rule["ToPort"])
        for logical_id, group in groups.items()
        if "Job" in logical_id
        for rule in group["SecurityGroupEgress"]
        if rule.get("CidrIp") == "0.0.0.0/0"
    ]
    assert open_to_all == [(443, 443)]


def test_all_traffic_is_logged(network: Template) -> None:
    assert network.only("AWS::EC2::FlowLog")["TrafficType"] == "ALL"


def test_api_gateway_may_log_before_the_first_api_is_deployed(network: Template) -> None:
    assert "CloudWatchRoleArn" in network.only("AWS::ApiGateway::Account")
    (role,) = [
        role
        for logical_id, role in network.of_type("AWS::IAM::Role").items()
        if "ApiLogging" in logical_id
    ]
    assert role["DeletionPolicy"] == "RetainExceptOnCreate"
