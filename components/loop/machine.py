"""The retraining loop as a resource: the states put together, their role, their log."""

from typing import cast

from aws_cdk import Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from components.acknowledge import WILDCARD, acknowledge
from components.log_group import EncryptedLogGroup
from components.loop.asl import Json, State, definition
from components.loop.checks import checks
from components.loop.context import LoopContext
from components.loop.deployment import deployment
from components.loop.intake import intake
from components.loop.manifests import manifests
from components.loop.outcome import outcome
from components.loop.promotion import promotion
from components.loop.rollback import rollback
from components.loop.training import training
from components.service_role import ServiceRole
from components.time_limits import run_seconds


class RetrainingLoop(Construct):
    """One state machine: from arrived data to the live endpoint, with nothing in between but AWS.

    Attributes:
        role: What the states may do: each adds its own permissions.
        state_machine: The machine. It has a name, because people start it by hand and because its
            role has to name it: it starts itself, and its key is bound to it.
        definition: Amazon States Language, with unresolved tokens.
    """

    def __init__(self, scope: Construct, construct_id: str, *, loop: LoopContext) -> None:
        super().__init__(scope, construct_id)
        states = all_states(loop)
        self.definition: Json = definition(
            states,
            comment=f"Retrains {loop.workload.name}: arrived data to a live model",
            timeout_seconds=run_seconds(loop.environment),
        )
        self.role = ServiceRole(
            self,
            "Role",
            service="states",
            description=f"The retraining loop of {loop.workload.name}",
            source_arn=loop.state_machine_arn,
        )
        for state in states:
            for need in state.needs:
                need(self.role)
        _acknowledge(self.role, loop)
        log_group = EncryptedLogGroup(
            self,
            "LogGroup",
            key=loop.lake.key,
            retention_days=loop.environment.log_retention_days,
            retain=loop.environment.retain_data,
            # Step Functions adds a policy for each log group whose name does not begin like this,
            # until CloudWatch Logs has no room for policies any more.
            log_group_name=f"/aws/vendedlogs/states/{loop.name}",
        )
        self.state_machine = sfn.StateMachine(
            self,
            "StateMachine",
            state_machine_name=loop.name,
            state_machine_type=sfn.StateMachineType.STANDARD,
            definition_body=sfn.DefinitionBody.from_string(
                Stack.of(self).to_json_string(self.definition)
            ),
            role=self.role,
            tracing_enabled=True,
            logs=sfn.LogOptions(
                destination=log_group, level=sfn.LogLevel.ALL, include_execution_data=True
            ),
            encryption_configuration=sfn.CustomerManagedEncryptionConfiguration(
                loop.lake.key, Duration.minutes(5)
            ),
        )
        # The L2 waits for the role too, which its ARN in the properties already does.
        policy = cast(iam.Policy, self.role.node.find_child("DefaultPolicy"))
        cast(sfn.CfnStateMachine, self.state_machine.node.default_child).add_override(
            "DependsOn",
            [Stack.of(self).get_logical_id(cast(iam.CfnPolicy, policy.node.default_child))],
        )


def all_states(loop: LoopContext) -> list[State]:
    """Every state, in running order."""
    return [
        *intake(loop),
        *checks(loop),
        *manifests(loop),
        *training(loop),
        *promotion(loop),
        *deployment(loop),
        *rollback(loop),
        *outcome(loop),
    ]


def _acknowledge(role: iam.Role, loop: LoopContext) -> None:
    named_later = [
        "/jobruns/*",
        f":training-job/{loop.tuning_prefix if loop.tuning_job else loop.job_prefix}*",
        f":processing-job/{loop.job_prefix}*",
        f":model-package/{loop.registry.model_package_group_name}/*",
    ]
    if loop.tuning_job:
        named_later.append(f":hyper-parameter-tuning-job/{loop.tuning_prefix}*")
    if loop.transform_job:
        named_later += [f":transform-job/{loop.job_prefix}*", f":model/{loop.job_prefix}*"]
    acknowledge(
        role,
        "Job runs, jobs, models of evaluations and model packages get their names when they are "
        "created; the part before the star keeps to this workload.",
        *(f"{WILDCARD}[Resource::…{name}]" for name in named_later),
    )
    acknowledge(
        role,
        "The ARN of a stack ends in an id that nobody knows before it exists.",
        f"{WILDCARD}[Resource::…:stack/{loop.serving_stack_name}/*]",
    )
    acknowledge(
        role,
        "CloudFormation names endpoint configurations and models; the loop may only look at them.",
        f"{WILDCARD}[Resource::…:endpoint-config/*]",
        f"{WILDCARD}[Resource::…:model/*]",
    )
    acknowledge(
        role,
        "Log delivery and X-Ray offer no resource-level permission. Source: AWS Step Functions "
        "Developer Guide, 'Using CloudWatch Logs to log execution history', 'AWS X-Ray'.",
        f"{WILDCARD}[Resource::*]",
    )
