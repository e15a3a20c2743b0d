"""One page that shows how a workload is doing."""

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from components.model_endpoint import ModelEndpoint
from components.prediction_api import PredictionApi

_HALF = 12


class WorkloadDashboard(cloudwatch.Dashboard):
    """API, endpoint and loop, from what callers see down to what waits in the queues."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        dashboard_name: str,
        api: PredictionApi,
        endpoint: ModelEndpoint,
        state_machine: sfn.IStateMachine,
        queue: sqs.IQueue,
        dead_letters: sqs.IQueue,
    ) -> None:
        super().__init__(scope, construct_id, dashboard_name=dashboard_name)
        rest_api, variants = api.rest_api, endpoint.variant_names
        self.add_widgets(
            _graph(
                "API: calls and errors",
                [rest_api.metric_count(), rest_api.metric_client_error()],
                [rest_api.metric_server_error()],
            ),
            _graph(
                "API: latency (ms)",
                [rest_api.metric_latency(statistic=s, label=s) for s in ("p50", "p99")],
            ),
        )
        self.add_widgets(
            _graph(
                "Endpoint: invocations, and errors (%)",
                [
                    endpoint.metrics.metric("Invocations", variant, statistic="Sum").with_(
                        label=variant
                    )
                    for variant in variants
                ],
                [endpoint.metrics.error_percent(variant) for variant in variants],
            ),
            _graph(
                "Endpoint: model latency (µs)",
                [
                    endpoint.metrics.metric("ModelLatency", variant, statistic=statistic).with_(
                        label=f"{variant} {statistic}"
                    )
                    for variant in variants
                    for statistic in ("p50", "p99")
                ],
            ),
        )
        self.add_widgets(
            _graph(
                "Loop: runs",
                [state_machine.metric_started(), state_machine.metric_succeeded()],
                [state_machine.metric_failed(), state_machine.metric_timed_out()],
            ),
            _graph(
                "Arrivals: age of the oldest (s), and dead letters",
                [queue.metric_approximate_age_of_oldest_message()],
                [dead_letters.metric_approximate_number_of_messages_visible(statistic="Maximum")],
            ),
        )


def _graph(
    title: str,
    left: list[cloudwatch.IMetric],
    right: list[cloudwatch.IMetric] | None = None,
) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(title=title, left=left, right=right, width=_HALF)
