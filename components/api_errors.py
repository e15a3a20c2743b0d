"""What a caller of the API sees when SageMaker answers with an error.

SageMaker's own statuses mean something to AWS, not to a caller: a request that the model refuses
comes as 424, and a missing endpoint as 400. The templates below are Velocity; `$input.json` quotes.
Source: Amazon SageMaker Runtime API, InvokeEndpoint, errors; Amazon API Gateway Developer Guide,
"Use $context.responseOverride".
"""

from aws_cdk import aws_apigateway as apigateway

_JSON = "application/json"

_FROM_MODEL = """\
#set($status = $input.path('$.OriginalStatusCode'))
#if($status >= 400 && $status < 500)
#set($context.responseOverride.status = 400)
{"message":$input.json('$.OriginalMessage')}
#else
{"message":"The model failed; the details are in its log."}
#end"""

_FROM_SAGEMAKER = """\
#set($error = $input.json('$'))
#if($error.contains("Endpoint "))
#set($context.responseOverride.status = 503)
{"message":"No model is deployed yet, or it is not in service."}
#else
$error
#end"""

_ERRORS = {
    # status to the caller: (pattern of SageMaker's status, body)
    "400": ("400", _FROM_SAGEMAKER),
    "429": ("429", '{"message":"Too many requests; slow down and try again."}'),
    "500": (r"4(?!00|24|29)\d\d", '{"message":"The API cannot reach the model."}'),
    "502": ("424", _FROM_MODEL),
    "503": (r"5\d\d", '{"message":"The model is not available; try again."}'),
}

_CONTENT_TYPE = "response.header.Content-Type"

METHOD_RESPONSES = [
    apigateway.MethodResponse(
        status_code="200", response_parameters={f"method.{_CONTENT_TYPE}": True}
    ),
    *(apigateway.MethodResponse(status_code=status) for status in _ERRORS),
]
"""Every status that a caller may see besides API Gateway's own."""


def integration_responses() -> list[apigateway.IntegrationResponse]:
    """A prediction passes through as it is; each error gets its status and one JSON message."""
    prediction = apigateway.IntegrationResponse(
        status_code="200",
        response_parameters={f"method.{_CONTENT_TYPE}": f"integration.{_CONTENT_TYPE}"},
    )
    return [
        prediction,
        *(
            apigateway.IntegrationResponse(
                status_code=status, selection_pattern=pattern, response_templates={_JSON: body}
            )
            for status, (pattern, body) in _ERRORS.items()
        ),
    ]
