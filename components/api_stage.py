"""How an API's stage logs, measures and throttles."""

import json

from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_kms as kms
from constructs import Construct

from components.log_group import EncryptedLogGroup
from flywheel.settings import ApiSettings, EnvironmentSettings

STAGE = "live"

_ACCESS_LOG = {
    "requestId": "$context.requestId",
    "time": "$context.requestTime",
    "caller": "$context.identity.userArn",
    "ip": "$context.identity.sourceIp",
    "method": "$context.httpMethod",
    "path": "$context.resourcePath",
    "status": "$context.status",
    "error": "$context.error.message",
    "latencyMs": "$context.responseLatency",
    "modelLatencyMs": "$context.integration.latency",
    "modelStatus": "$context.integration.status",
    "bytes": "$context.responseLength",
}
"""One JSON line for each call: who, what, how long; nothing of the request or the prediction."""


class ApiLogs(Construct):
    """The stage's two logs, encrypted with our key, and its options.

    Attributes:
        stage_options: Access log, metrics, errors logged, throttling.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: EnvironmentSettings,
        api: ApiSettings,
        key: kms.IKey,
    ) -> None:
        super().__init__(scope, construct_id)
        self._environment, self._key = environment, key
        self.stage_options = apigateway.StageOptions(
            stage_name=STAGE,
            throttling_rate_limit=api.throttle_rate_per_second,
            throttling_burst_limit=api.throttle_burst,
            metrics_enabled=True,
            logging_level=apigateway.MethodLoggingLevel.ERROR,
            data_trace_enabled=False,
            access_log_destination=apigateway.LogGroupLogDestination(self._log_group("Access")),
            access_log_format=apigateway.AccessLogFormat.custom(json.dumps(_ACCESS_LOG)),
        )

    def keep_errors_of(self, rest_api: apigateway.RestApi) -> None:
        """Make the log group that API Gateway would make itself, unencrypted and kept for ever."""
        name = f"API-Gateway-Execution-Logs_{rest_api.rest_api_id}/{STAGE}"
        rest_api.deployment_stage.node.add_dependency(self._log_group("Execution", name))

    def _log_group(self, construct_id: str, name: str | None = None) -> EncryptedLogGroup:
        return EncryptedLogGroup(
            self,
            construct_id,
            log_group_name=name,
            key=self._key,
            retention_days=self._environment.log_retention_days,
            retain=self._environment.retain_data,
        )
