"""CloudFormation types of the network that ministack lacks: flow logs, security group rules."""

from __future__ import annotations

from flywheel.local_aws import ministack_seams as seams
from flywheel.local_aws.api_caller import ApiCaller, Created, Properties, tag_map


class NetworkTypes(ApiCaller):
    """The types."""

    def types(self) -> list[seams.ResourceType]:
        """How CloudFormation manages each of them."""
        return [
            seams.ResourceType(
                "AWS::EC2::FlowLog", create=self._create_flow_log, update=self._retag_flow_log,
                delete=self._delete_flow_log,
                replacing=frozenset(
                    {
                        "DeliverCrossAccountRole", "DeliverLogsPermissionArn",
                        "DestinationOptions", "LogDestination", "LogDestinationType", "LogFormat",
                        "LogGroupName", "MaxAggregationInterval", "ResourceId", "ResourceType",
                        "TagFieldSpecifications", "TrafficType",
                    }
                ), tags=("Tags", "list"), waits=True,
            ),
            self._security_group_rule("Ingress", "SourceSecurityGroupId", "SourcePrefixListId"),
            self._security_group_rule(
                "Egress", "DestinationSecurityGroupId", "DestinationPrefixListId"
            ),
        ]  # fmt: skip

    def _create_flow_log(self, _logical_id: str, properties: Properties, _stack: str) -> Created:
        wanted = {k: v for k, v in properties.items() if k not in ("ResourceId", "Tags")}
        wanted["ResourceIds"] = [properties["ResourceId"]]
        if properties.get("Tags"):
            wanted["TagSpecifications"] = [
                {"ResourceType": "vpc-flow-log", "Tags": properties["Tags"]}
            ]
        made = self._call("ec2", "CreateFlowLogs", wanted)
        return made["FlowLogIds"][0], {"Id": made["FlowLogIds"][0]}

    def _retag_flow_log(
        self, physical_id: str, old: Properties, new: Properties, _stack: str
    ) -> Created:
        tags, old_tags = new.get("Tags") or [], old.get("Tags") or []
        client = self._clients.get("ec2")
        gone = [{"Key": tag["Key"]} for tag in old_tags if tag["Key"] not in tag_map(tags)]
        if gone:
            client.delete_tags(Resources=[physical_id], Tags=gone)
        if tags:
            client.create_tags(Resources=[physical_id], Tags=tags)
        return physical_id, {"Id": physical_id}

    def _delete_flow_log(self, physical_id: str, _properties: Properties) -> None:
        self._delete("ec2", "DeleteFlowLogs", FlowLogIds=[physical_id])

    def _security_group_rule(
        self, direction: str, peer_group: str, peer_list: str
    ) -> seams.ResourceType:
        def permission(properties: Properties) -> Properties:
            described = (
                {"Description": properties["Description"]} if "Description" in properties else {}
            )
            rule: Properties = {"IpProtocol": str(properties["IpProtocol"])}
            for port in ("FromPort", "ToPort"):
                if port in properties:
                    rule[port] = int(properties[port])
            for name, member, key in (
                ("CidrIp", "IpRanges", "CidrIp"),
                ("CidrIpv6", "Ipv6Ranges", "CidrIpv6"),
                (peer_group, "UserIdGroupPairs", "GroupId"),
                (peer_list, "PrefixListIds", "PrefixListId"),
            ):
                if name in properties:
                    rule[member] = [{key: properties[name], **described}]
            return rule

        def create(_logical_id: str, properties: Properties, _stack: str) -> Created:
            arguments = {
                "GroupId": properties["GroupId"],
                "IpPermissions": [permission(properties)],
            }
            made = self._call("ec2", f"AuthorizeSecurityGroup{direction}", arguments)
            rules = made.get("SecurityGroupRules") or [{}]
            rule_id = (
                rules[0].get("SecurityGroupRuleId")
                or f"{properties['GroupId']}-{direction.lower()}"
            )
            return rule_id, {"Id": rule_id}

        def delete(_physical_id: str, properties: Properties) -> None:
            self._delete(
                "ec2", f"RevokeSecurityGroup{direction}", GroupId=properties["GroupId"],
                IpPermissions=[permission(properties)],
            )  # fmt: skip

        replacing = {
            "CidrIp", "CidrIpv6", "Description", "FromPort", "GroupId", "IpProtocol", "ToPort",
            peer_group, peer_list,
        }  # fmt: skip
        if direction == "Ingress":
            replacing |= {"GroupName", "SourceSecurityGroupName", "SourceSecurityGroupOwnerId"}
        return seams.ResourceType(
            f"AWS::EC2::SecurityGroup{direction}", create=create, delete=delete,
            replacing=frozenset(replacing), waits=True,
        )  # fmt: skip
