"""POST /predictions: the endpoint as an API, without any code in between."""

import json

from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from components.acknowledge import acknowledge
from components.api_errors import METHOD_RESPONSES, integration_responses
from components.api_formats import formats_of
from components.api_stage import ApiLogs
from components.model_endpoint import ModelEndpoint
from components.service_role import ServiceRole
from flywheel.settings import EnvironmentSettings, WorkloadSettings

_HEADER = "integration.request.header"


class PredictionApi(Construct):
    """A regional REST API whose one method calls the endpoint, signed with a role of its own.

    Callers sign with IAM (SigV4) and need `execute-api:Invoke`. The API works before the first
    model exists: it then answers 503. It is regional, not private, because an IAM signature is the
    door: a caller without one never reaches the model. To close the network too, make it private
    here.

    The request id is passed on as SageMaker's inference id, so that a captured prediction can be
    joined with the call, and later with what really happened.

    Attributes:
        rest_api: The API.
        url: The stage's URL, with a slash at the end.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: EnvironmentSettings,
        workload: WorkloadSettings,
        endpoint: ModelEndpoint,
        key: kms.IKey,
    ) -> None:
        super().__init__(scope, construct_id)
        formats = formats_of(workload)
        logs = ApiLogs(self, "Logs", environment=environment, api=workload.api, key=key)
        self.rest_api = apigateway.RestApi(
            self,
            "Rest",
            rest_api_name=f"{environment.name}-{workload.dashed_name}",
            description=workload.description,
            endpoint_types=[apigateway.EndpointType.REGIONAL],
            binary_media_types=list(formats.binary) or None,
            cloud_watch_role=False,
            deploy_options=logs.stage_options,
        )
        logs.keep_errors_of(self.rest_api)
        self.url = self.rest_api.url
        role = ServiceRole(
            self,
            "InvokeRole",
            service="apigateway",
            description=f"Lets the API call the endpoint of {workload.name}",
            names_account=False,
        )
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["sagemaker:InvokeEndpoint"], resources=[endpoint.endpoint_arn]
            )
        )
        self._add_method(endpoint, role, has_json=formats.has_json)
        if formats.has_json:
            self._explain_bad_bodies()
        self._acknowledge()

    def _add_method(self, endpoint: ModelEndpoint, role: iam.IRole, *, has_json: bool) -> None:
        integration = apigateway.AwsIntegration(
            service="runtime.sagemaker",
            path=f"endpoints/{endpoint.endpoint_name}/invocations",
            integration_http_method="POST",
            options=apigateway.IntegrationOptions(
                credentials_role=role,
                passthrough_behavior=apigateway.PassthroughBehavior.WHEN_NO_TEMPLATES,
                request_parameters={
                    f"{_HEADER}.Content-Type": "method.request.header.Content-Type",
                    f"{_HEADER}.Accept": "method.request.header.Accept",
                    f"{_HEADER}.X-Amzn-SageMaker-Inference-Id": "context.requestId",
                },
                integration_responses=integration_responses(),
            ),
        )
        validator = apigateway.RequestValidator(
            self,
            "Validator",
            rest_api=self.rest_api,
            validate_request_body=True,
            validate_request_parameters=True,
        )
        self.rest_api.root.add_resource("predictions").add_method(
            "POST",
            integration,
            authorization_type=apigateway.AuthorizationType.IAM,
            request_parameters={
                "method.request.header.Content-Type": True,
                "method.request.header.Accept": False,
            },
            # A body of another type has no model and is the container's business.
            request_models={"application/json": self._body_model()} if has_json else None,
            request_validator=validator,
            method_responses=METHOD_RESPONSES,
        )

    def _body_model(self) -> apigateway.Model:
        rows = apigateway.JsonSchema(type=apigateway.JsonSchemaType.ARRAY, min_items=1)
        return apigateway.Model(
            self,
            "Body",
            rest_api=self.rest_api,
            content_type="application/json",
            description='Rows to predict: {"instances": [{feature: value}]}',
            schema=apigateway.JsonSchema(
                schema=apigateway.JsonSchemaVersion.DRAFT4,
                type=apigateway.JsonSchemaType.OBJECT,
                required=["instances"],
                properties={"instances": rows},
            ),
        )

    def _explain_bad_bodies(self) -> None:
        """API Gateway's own answer says only that the body is invalid.

        Its list of faults has quotes in it, which would break the JSON of the answer.
        """
        message = 'The JSON body must be {"instances": [...]} with at least one row.'
        self.rest_api.add_gateway_response(
            "BadBody",
            type=apigateway.ResponseType.BAD_REQUEST_BODY,
            templates={"application/json": json.dumps({"message": message})},
        )

    def _acknowledge(self) -> None:
        acknowledge(
            self,
            "Every call is signed with IAM and throttled, so a firewall would see known callers "
            "only, for a monthly price. Needed once the API is open to the internet.",
            "AwsSolutions-APIG3",
            "NIST.800.53.R5-APIGWAssociatedWithWAF",
        )
        acknowledge(
            self,
            "Callers are programs with IAM roles, not people with passwords.",
            "AwsSolutions-COG4",
        )
        acknowledge(
            self,
            "Predictions are not cached: a question may have a new answer after a retraining.",
            "NIST.800.53.R5-APIGWCacheEnabledAndEncrypted",
        )
        acknowledge(
            self,
            "Client certificates are for HTTP backends; this one is an AWS service with SigV4.",
            "NIST.800.53.R5-APIGWSSLEnabled",
        )
