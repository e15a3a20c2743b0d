"""`AWS::ApiGateway::RequestValidator`, which ministack accepts without doing anything."""

from __future__ import annotations

from flywheel.local_aws import ministack_seams as seams
from flywheel.local_aws.api_caller import ApiCaller, Created, Properties


class RequestValidator(ApiCaller):
    """The type, and the reference to it in a method."""

    def install(self) -> None:
        """Let templates declare it."""
        super().install()
        seams.complete_resource_type("AWS::ApiGateway::Method", self._set_validator)

    def types(self) -> list[seams.ResourceType]:
        """How CloudFormation manages it."""
        return [
            seams.ResourceType(
                "AWS::ApiGateway::RequestValidator",
                create=self._create_validator,
                update=self._update_validator,
                delete=self._delete_validator,
                replacing=frozenset({"Name", "RestApiId"}),
                waits=True,
            ),
        ]

    def _create_validator(self, logical_id: str, properties: Properties, stack: str) -> Created:
        wanted = {"Name": seams.physical_name(stack, logical_id, max_length=128), **properties}
        made = self._call("apigateway", "CreateRequestValidator", wanted)
        return made["id"], {"RequestValidatorId": made["id"]}

    def _update_validator(
        self, physical_id: str, _old: Properties, new: Properties, _stack: str
    ) -> Created:
        flags = {
            "/validateRequestBody": new.get("ValidateRequestBody", False),
            "/validateRequestParameters": new.get("ValidateRequestParameters", False),
        }
        self._clients.get("apigateway").update_request_validator(
            restApiId=new["RestApiId"],
            requestValidatorId=physical_id,
            patchOperations=[
                {"op": "replace", "path": path, "value": str(value).lower()}
                for path, value in flags.items()
            ],
        )
        return physical_id, {"RequestValidatorId": physical_id}

    def _delete_validator(self, physical_id: str, properties: Properties) -> None:
        self._delete(
            "apigateway",
            "DeleteRequestValidator",
            restApiId=properties["RestApiId"],
            requestValidatorId=physical_id,
        )

    def _set_validator(self, method: Properties) -> None:
        """ministack's type AWS::ApiGateway::Method leaves the validator out."""
        if "RequestValidatorId" not in method:
            return
        change = {
            "op": "replace",
            "path": "/requestValidatorId",
            "value": method["RequestValidatorId"],
        }
        self._clients.get("apigateway").update_method(
            restApiId=method["RestApiId"],
            resourceId=method["ResourceId"],
            httpMethod=method["HttpMethod"],
            patchOperations=[change],
        )
