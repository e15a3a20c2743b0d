"""The new champion is pointed to, deployed and looked at.

CloudFormation alone changes the endpoint. The loop writes the pointer, lets the serving stack
resolve it again, and then looks at the live endpoint, because SageMaker may return to the old
configuration without telling anybody. Whatever goes wrong after the pointer was written leads to
`rollback`, so that pointer and endpoint never disagree for long.
"""

from components.loop.asl import (
    AFTER_A_FAILURE,
    NULL,
    Json,
    State,
    allow,
    choice,
    expression,
    failure,
    note,
    task,
    wait,
)
from components.loop.context import LoopContext
from components.loop.rollback import DEPLOYMENT_FAILED
from components.loop.serving_stack import (
    DEPLOY_TOKEN,
    NOTHING_TO_UPDATE,
    allow_look_at_stack,
    allow_pointer,
    allow_update_stack,
    update_request,
)

_UPDATABLE = "/^(CREATE|UPDATE|UPDATE_ROLLBACK|IMPORT|IMPORT_ROLLBACK)_COMPLETE$/"


def deployment(loop: LoopContext) -> list[State]:
    """From `$target`, the model to serve, to the live endpoint that serves it."""
    return [
        check_stack(loop),
        _is_stack_ready(),
        wait(
            "WaitUntilReady",
            loop.environment.retraining.poll_seconds,
            then="CheckStack",
            comment="Somebody else is updating the stack",
        ),
        set_pointer(loop),
        update_stack(loop),
        choice(
            "IsThereNothingToUpdate",
            [(f"$contains($failure.cause, '{NOTHING_TO_UPDATE}')", "DescribeEndpoint")],
            otherwise=DEPLOYMENT_FAILED,
            comment="The stack has the model already; whether the endpoint has it, comes next",
        ),
        wait(
            "WaitForStack",
            loop.environment.retraining.poll_seconds,
            then="WatchStack",
            comment="A canary takes its time",
        ),
        watch_stack(loop),
        _how_is_the_stack(),
        describe_endpoint(loop),
        describe_endpoint_config(loop),
        describe_model(loop),
        _is_it_live(),
        note(
            "Promoted",
            {"outcome": "promoted", "failure": NULL},
            then="Release",
            comment="The live endpoint serves the new champion",
        ),
    ]


def check_stack(loop: LoopContext) -> State:
    """An update is refused while another one runs, for example somebody's `cdk deploy`."""
    return task(
        "CheckStack",
        "aws-sdk:cloudformation:describeStacks",
        {"StackName": loop.serving_stack_name},
        then="IsStackReady",
        comment="The pointer is only written when the stack can follow",
        assign={
            "stack": _stack_status(),
            "parameters": expression(
                """[$states.result.Stacks[0].Parameters.{
                "ParameterKey": ParameterKey, "UsePreviousValue": true}]"""
            ),
            "marks": expression(
                """$exists($marks.deploy) ? $marks
                : $merge([$marks, {"deploy": $states.context.State.EnteredTime}])"""
            ),
        },
        needs=[allow_look_at_stack(loop, "cloudformation:DescribeStacks")],
    )


def _stack_status() -> Json:
    stack = "$states.result.Stacks[0]"
    return {
        "status": expression(f"{stack}.StackStatus"),
        "reason": expression(f"{stack}.StackStatusReason & ''"),
    }


def _is_stack_ready() -> State:
    return choice(
        "IsStackReady",
        [
            (f"$contains($stack.status, {_UPDATABLE})", "SetPointer"),
            ("$contains($stack.status, /_IN_PROGRESS$/)", "WaitUntilReady"),
        ],
        otherwise=AFTER_A_FAILURE,
        comment="Ready, or busy, or in a state that a person has to look at",
        assign=failure(
            "CheckStack",
            "StackNotUpdatable",
            "'the serving stack is ' & $stack.status & ': ' & $stack.reason",
        ),
    )


def set_pointer(loop: LoopContext) -> State:
    """From here on CloudFormation resolves the new model, also in a `cdk deploy`."""
    return task(
        "SetPointer",
        "aws-sdk:ssm:putParameter",
        {"Name": loop.registry.pointer_name, "Value": expression("$target"), "Overwrite": True},
        then="UpdateStack",
        comment="The new champion",
        on_failure=DEPLOYMENT_FAILED,
        needs=allow_pointer(loop),
    )


def update_stack(loop: LoopContext) -> State:
    """Model, endpoint configuration and endpoint follow the pointer, by canary."""
    return task(
        "UpdateStack",
        "aws-sdk:cloudformation:updateStack",
        update_request(loop, DEPLOY_TOKEN),
        then="WatchStack",
        comment="The stack of the serving step, with its own template",
        on_failure="IsThereNothingToUpdate",
        needs=allow_update_stack(loop),
    )


def watch_stack(loop: LoopContext) -> State:
    """How far the update has come."""
    return task(
        "WatchStack",
        "aws-sdk:cloudformation:describeStacks",
        {"StackName": loop.serving_stack_name},
        then="HowIsTheStack",
        comment="Alarms of the new fleet roll an update back",
        assign={"stack": _stack_status()},
        on_failure=DEPLOYMENT_FAILED,
        needs=[allow_look_at_stack(loop, "cloudformation:DescribeStacks")],
    )


def _how_is_the_stack() -> State:
    return choice(
        "HowIsTheStack",
        [
            ("$contains($stack.status, /_IN_PROGRESS$/)", "WaitForStack"),
            ("$putting_back", AFTER_A_FAILURE),
            ("$stack.status = 'UPDATE_COMPLETE'", "DescribeEndpoint"),
        ],
        otherwise="ExplainRollback",
        comment="Everything but a complete update is a failed deployment",
        assign=failure(
            "UpdateStack",
            "DeploymentRolledBack",
            "'the serving stack went back: ' & $stack.status & ' ' & $stack.reason",
        ),
    )


def describe_endpoint(loop: LoopContext) -> State:
    """The first step from the endpoint's name to the model that it really serves."""
    return _look(
        loop,
        "DescribeEndpoint",
        "endpoint",
        {"EndpointName": loop.endpoint_name},
        then="DescribeEndpointConfig",
        resource=loop.endpoint_name,
        assign={
            "endpoint_status": expression("$states.result.EndpointStatus"),
            "endpoint_config": expression("$states.result.EndpointConfigName"),
        },
    )


def describe_endpoint_config(loop: LoopContext) -> State:
    """The configuration that is live."""
    return _look(
        loop,
        "DescribeEndpointConfig",
        "endpointConfig",
        {"EndpointConfigName": expression("$endpoint_config")},
        then="DescribeModel",
        resource="*",
        assign={"served_model": expression("$states.result.ProductionVariants[0].ModelName")},
    )


def describe_model(loop: LoopContext) -> State:
    """The package that the live model was made from."""
    result = "$states.result"
    return _look(
        loop,
        "DescribeModel",
        "model",
        {"ModelName": expression("$served_model")},
        then="IsItLive",
        resource="*",
        assign={
            "served": expression(
                f"""(
                $package := $append({result}.PrimaryContainer, {result}.Containers)
                    .ModelPackageName[0];
                $exists($package) ? $package : 'no model package'
                )"""
            )
        },
    )


def _look(
    loop: LoopContext,
    name: str,
    kind: str,
    arguments: Json,
    *,
    then: str,
    resource: str,
    assign: Json,
) -> State:
    action = f"{kind[0].upper()}{kind[1:]}"
    arn_kind = {"endpointConfig": "endpoint-config"}.get(kind, kind)
    return task(
        name,
        f"aws-sdk:sagemaker:describe{action}",
        arguments,
        then=then,
        comment=f"The live {arn_kind.replace('-', ' ')}",
        assign=assign,
        on_failure=DEPLOYMENT_FAILED,
        needs=[
            allow(f"sagemaker:Describe{action}", on=[loop.arn("sagemaker", arn_kind, resource)])
        ],
    )


def _is_it_live() -> State:
    return choice(
        "IsItLive",
        [("$served = $target and $endpoint_status = 'InService'", "Promoted")],
        otherwise="PutPointerBack",
        comment="SageMaker reports no failure when it returns to the old configuration",
        assign=failure(
            "DescribeModel",
            "EndpointRolledBack",
            "'the endpoint is ' & $endpoint_status & ' with ' & $served & ' instead of ' & $target",
        ),
    )
