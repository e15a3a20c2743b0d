"""Alarms that people should hear about."""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from components.model_endpoint import ModelEndpoint
from components.prediction_api import PredictionApi
from components.topic_publisher import let_publish
from flywheel.settings import ServingSettings

_FIVE_MINUTES = Duration.minutes(5)
_STALE_HOURS = 2


class WorkloadAlarms(Construct):
    """The API, the endpoint and the loop of one workload; each alarm goes to the topic.

    All are content while there is nothing to measure, so a workload without a model is quiet.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        serving: ServingSettings,
        api: PredictionApi,
        endpoint: ModelEndpoint,
        topic: sns.ITopic,
    ) -> None:
        super().__init__(scope, construct_id)
        let_publish(topic, "cloudwatch")
        self._action = actions.SnsAction(topic)
        self._alarm(
            "ApiErrors",
            f"More than {serving.max_error_percent:g} % of the API's answers are 5xx",
            api.rest_api.metric_server_error(statistic="Average", period=_FIVE_MINUTES),
            above=serving.max_error_percent / 100,
            periods=3,
        )
        for variant in endpoint.variant_names:
            self._alarm(
                f"{variant.capitalize()}Latency",
                f"p99 latency of variant {variant} above {serving.max_latency_ms:g} ms",
                endpoint.metrics.metric("ModelLatency", variant, statistic="p99"),
                above=serving.max_latency_ms * 1000,
                periods=3,
            )
            self._alarm(
                f"{variant.capitalize()}Errors",
                f"More than {serving.max_error_percent:g} % of the answers of {variant} are 5xx",
                endpoint.metrics.error_percent(variant),
                above=serving.max_error_percent,
                periods=3,
            )

    def watch_loop(
        self, *, state_machine: sfn.IStateMachine, queue: sqs.IQueue, dead_letters: sqs.IQueue
    ) -> None:
        """Add the loop's alarms: failed runs, arrivals that nobody fetches, lost events."""
        self._alarm(
            "RunFailed", "A run of the retraining loop failed", state_machine.metric_failed()
        )
        self._alarm(
            "RunTimedOut",
            "A run of the retraining loop took too long",
            state_machine.metric_timed_out(),
        )
        self._alarm(
            "ArrivalsWait",
            f"Arrived objects have waited for more than {_STALE_HOURS} hours",
            queue.metric_approximate_age_of_oldest_message(),
            above=_STALE_HOURS * 3600,
        )
        self._alarm(
            "DeadLetters",
            "Events could not be delivered; they wait in the dead-letter queue",
            dead_letters.metric_approximate_number_of_messages_visible(statistic="Maximum"),
        )

    def _alarm(
        self,
        name: str,
        description: str,
        metric: cloudwatch.IMetric,
        *,
        above: float = 0,
        periods: int = 1,
    ) -> None:
        alarm = cloudwatch.Alarm(
            self,
            name,
            alarm_description=description,
            metric=metric,
            threshold=above,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            evaluation_periods=periods,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        alarm.add_alarm_action(self._action)
        alarm.add_ok_action(self._action)
