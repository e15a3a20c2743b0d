"""CloudFormation types that ministack lacks although their service is here: done by its API."""

from __future__ import annotations

from flywheel.local_aws import ministack_seams as seams
from flywheel.local_aws.api_caller import ApiCaller, Created, Properties, tag_map

_TARGET = ("ResourceId", "ScalableDimension", "ServiceNamespace")


class ApiTypes(ApiCaller):
    """The types."""

    def types(self) -> list[seams.ResourceType]:
        """How CloudFormation manages each of them."""
        return [
            seams.ResourceType(
                "AWS::EMRServerless::Application", create=self._create_application,
                update=self._update_application, delete=self._delete_application,
                replacing=frozenset({"Name", "Type"}), tags=("Tags", "list"), waits=True,
            ),
            seams.ResourceType(
                "AWS::ApplicationAutoScaling::ScalableTarget", create=self._register_target,
                update=lambda _id, _old, new, stack: self._register_target("", new, stack),
                delete=self._deregister_target,
                replacing=frozenset(_TARGET), waits=True,
            ),
            seams.ResourceType(
                "AWS::ApplicationAutoScaling::ScalingPolicy", create=self._put_policy,
                update=lambda _id, _old, new, stack: self._put_policy("", new, stack),
                delete=self._delete_policy,
                replacing=frozenset({"PolicyName", "ScalingTargetId", *_TARGET}), waits=True,
            ),
            seams.ResourceType(
                "AWS::Athena::NamedQuery", create=self._create_query, delete=self._delete_query,
                replacing=frozenset(
                    {"Database", "Description", "Name", "QueryString", "WorkGroup"}
                ), waits=True,
            ),
            seams.ResourceType(
                "AWS::Budgets::Budget", create=self._create_budget, delete=self._delete_budget,
                replacing=frozenset({"Budget", "NotificationsWithSubscribers"}), waits=True,
            ),
        ]  # fmt: skip

    def _create_application(self, logical_id: str, properties: Properties, stack: str) -> Created:
        wanted = _with_tag_map(properties)
        wanted.setdefault("Name", seams.physical_name(stack, logical_id, max_length=64))
        made = self._call("emr-serverless", "CreateApplication", wanted)
        return made["applicationId"], {"ApplicationId": made["applicationId"], "Arn": made["arn"]}

    def _update_application(
        self, physical_id: str, old: Properties, new: Properties, _stack: str
    ) -> Created:
        client = self._clients.get("emr-serverless")
        client.stop_application(applicationId=physical_id)  # AWS updates stopped applications only
        wanted = {k: v for k, v in new.items() if k not in ("Name", "Tags", "Type")}
        found = self._call(
            "emr-serverless", "UpdateApplication", {**wanted, "ApplicationId": physical_id}
        )
        arn = found["application"]["arn"]
        tags, old_tags = tag_map(new.get("Tags")), tag_map(old.get("Tags"))
        if gone := sorted(old_tags.keys() - tags.keys()):
            client.untag_resource(resourceArn=arn, tagKeys=gone)
        if tags != old_tags and tags:
            client.tag_resource(resourceArn=arn, tags=tags)
        return physical_id, {"ApplicationId": physical_id, "Arn": arn}

    def _delete_application(self, physical_id: str, _properties: Properties) -> None:
        self._delete("emr-serverless", "StopApplication", applicationId=physical_id)
        self._delete("emr-serverless", "DeleteApplication", applicationId=physical_id)

    def _register_target(self, _logical_id: str, properties: Properties, _stack: str) -> Created:
        wanted = {k: v for k, v in properties.items() if k != "ScheduledActions"}
        if properties.get("ScheduledActions"):
            raise ValueError(
                "ScheduledActions: the embedded AWS has no scheduled scaling; leave them out."
            )
        self._call("application-autoscaling", "RegisterScalableTarget", wanted)
        physical_id = "|".join(properties[name] for name in _TARGET)
        return physical_id, {"Id": physical_id}

    def _deregister_target(self, physical_id: str, _properties: Properties) -> None:
        self._delete("application-autoscaling", "DeregisterScalableTarget", **_target(physical_id))

    def _put_policy(self, _logical_id: str, properties: Properties, _stack: str) -> Created:
        wanted = {k: v for k, v in properties.items() if k != "ScalingTargetId"}
        wanted |= self._policy_target(properties)
        arn = self._call("application-autoscaling", "PutScalingPolicy", wanted)["PolicyARN"]
        return arn, {"Arn": arn}

    def _delete_policy(self, _physical_id: str, properties: Properties) -> None:
        target = self._policy_target(properties)
        name = properties["PolicyName"]
        self._delete("application-autoscaling", "DeleteScalingPolicy", PolicyName=name, **target)

    def _policy_target(self, properties: Properties) -> dict[str, str]:
        if properties.get("ScalingTargetId"):
            return _target(properties["ScalingTargetId"])
        return {n: properties[n] for n in _TARGET}

    def _create_query(self, logical_id: str, properties: Properties, stack: str) -> Created:
        wanted = {"Name": seams.physical_name(stack, logical_id, max_length=128), **properties}
        made = self._call("athena", "CreateNamedQuery", wanted)
        return made["NamedQueryId"], {"NamedQueryId": made["NamedQueryId"]}

    def _delete_query(self, physical_id: str, _properties: Properties) -> None:
        self._delete("athena", "DeleteNamedQuery", NamedQueryId=physical_id)

    def _create_budget(self, logical_id: str, properties: Properties, stack: str) -> Created:
        budget = dict(properties["Budget"])
        budget.setdefault("BudgetName", seams.physical_name(stack, logical_id, max_length=100))
        wanted = {k: v for k, v in properties.items() if k != "ResourceTags"}
        self._call("budgets", "CreateBudget", {**wanted, "Budget": budget, "AccountId": _account()})
        return budget["BudgetName"], {}

    def _delete_budget(self, physical_id: str, _properties: Properties) -> None:
        self._delete("budgets", "DeleteBudget", AccountId=_account(), BudgetName=physical_id)


def _target(physical_id: str) -> dict[str, str]:
    return dict(zip(_TARGET, physical_id.split("|"), strict=True))


def _account() -> str:
    return seams.account_and_region()[0]


def _with_tag_map(properties: Properties) -> Properties:
    wanted = dict(properties)
    if "Tags" in wanted:
        wanted["Tags"] = tag_map(wanted["Tags"])
    return wanted
