"""A monthly budget that speaks up before the money is gone."""

from aws_cdk import aws_budgets as budgets
from aws_cdk import aws_sns as sns
from constructs import Construct

from components.topic_publisher import let_publish

_ACTUAL_PERCENT = 80
_FORECAST_PERCENT = 100


class CostBudget(budgets.CfnBudget):
    """Tells the topic at 80 % of the budget, and when the forecast passes it.

    It counts the whole account: cost allocation tags count only after somebody has activated them
    in the billing console, and a budget that silently counts nothing is worse than one that counts
    more.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        budget_name: str,
        usd_per_month: float,
        topic: sns.ITopic,
    ) -> None:
        let_publish(topic, "budgets")
        budget = budgets.CfnBudget
        subscriber = budget.SubscriberProperty(subscription_type="SNS", address=topic.topic_arn)
        super().__init__(
            scope,
            construct_id,
            budget=budget.BudgetDataProperty(
                budget_name=budget_name,
                budget_type="COST",
                time_unit="MONTHLY",
                budget_limit=budget.SpendProperty(amount=usd_per_month, unit="USD"),
            ),
            notifications_with_subscribers=[
                budget.NotificationWithSubscribersProperty(
                    notification=budget.NotificationProperty(
                        notification_type=kind,
                        comparison_operator="GREATER_THAN",
                        threshold=percent,
                        threshold_type="PERCENTAGE",
                    ),
                    subscribers=[subscriber],
                )
                for kind, percent in (
                    ("ACTUAL", _ACTUAL_PERCENT),
                    ("FORECASTED", _FORECAST_PERCENT),
                )
            ],
        )
