"""CloudWatch's numbers about an endpoint."""

from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch


@dataclass(frozen=True)
class EndpointMetrics:
    """Metrics of the variants of one endpoint.

    Source: Amazon SageMaker Developer Guide, "Endpoint invocation metrics".
    """

    endpoint_name: str
    endpoint_config_name: str | None = None
    """Only the fleet with this config; otherwise whichever model is served."""
    period_minutes: int = 5

    def metric(self, name: str, variant: str, *, statistic: str) -> cloudwatch.Metric:
        """A metric of one variant. Latencies are in microseconds."""
        dimensions = {"EndpointName": self.endpoint_name, "VariantName": variant}
        if self.endpoint_config_name:
            dimensions["EndpointConfigName"] = self.endpoint_config_name
        return cloudwatch.Metric(
            namespace="AWS/SageMaker",
            metric_name=name,
            dimensions_map=dimensions,
            statistic=statistic,
            period=Duration.minutes(self.period_minutes),
        )

    def error_percent(self, variant: str) -> cloudwatch.MathExpression:
        """Share of 5xx answers of one variant."""
        return cloudwatch.MathExpression(
            expression="100 * errors / invocations",
            label=f"{variant} errors (%)",
            using_metrics={
                "errors": self.metric("Invocation5XXErrors", variant, statistic="Sum"),
                "invocations": self.metric("Invocations", variant, statistic="Sum"),
            },
            period=Duration.minutes(self.period_minutes),
        )
