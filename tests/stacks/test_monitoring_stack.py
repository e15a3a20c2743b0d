"""What people look at, and what calls them."""

import json

import pytest

from tests.conftest import ENVIRONMENTS, Assembly


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_alarms_cover_api_endpoint_and_loop(assembly: Assembly, environment: str) -> None:
    monitoring = assembly.template(environment, "FlightDelayMonitoring")
    names = " ".join(monitoring.of_type("AWS::CloudWatch::Alarm"))
    for part in (
        "ApiErrors", "MainLatency", "MainErrors", "RunFailed", "RunTimedOut", "ArrivalsWait",
        "DeadLetters",
    ):  # fmt: skip
        assert part in names


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_dashboard_shows_every_part(assembly: Assembly, environment: str) -> None:
    monitoring = assembly.template(environment, "FlightDelayMonitoring")
    dashboard = monitoring.only("AWS::CloudWatch::Dashboard")
    assert dashboard["DashboardName"] == f"{environment}-flight-delay"
    body = json.dumps(dashboard["DashboardBody"])
    for metric in ("5XXError", "ModelLatency", "Invocations", "ExecutionsFailed"):
        assert metric in body


def test_the_budget_warns_before_the_money_is_gone(assembly: Assembly) -> None:
    monitoring = assembly.template("prod", "FlightDelayMonitoring")
    budget = monitoring.only("AWS::Budgets::Budget")
    assert budget["Budget"]["BudgetLimit"] == {"Amount": 1000, "Unit": "USD"}
    kinds = [
        entry["Notification"]["NotificationType"]
        for entry in budget["NotificationsWithSubscribers"]
    ]
    assert kinds == ["ACTUAL", "FORECASTED"]


def test_without_a_budget_in_the_settings_there_is_none(assembly: Assembly) -> None:
    monitoring = assembly.template("local", "FlightDelayMonitoring")
    assert monitoring.of_type("AWS::Budgets::Budget") == {}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_alarms_and_budgets_may_publish_to_the_topic(assembly: Assembly, environment: str) -> None:
    retraining = assembly.template(environment, "FlightDelayRetraining")
    publishers = {
        service
        for policy in retraining.properties("AWS::SNS::TopicPolicy").values()
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Allow" and statement["Action"] == "sns:Publish"
        for service in _services(statement["Principal"])
    }
    assert "cloudwatch.amazonaws.com" in publishers
    if environment != "local":
        assert "budgets.amazonaws.com" in publishers


def _services(principal: dict[str, object]) -> list[str]:
    services = principal.get("Service", [])
    return [services] if isinstance(services, str) else [str(service) for service in services]  # type: ignore[attr-defined]
