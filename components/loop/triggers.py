"""What starts the loop: arriving objects, approvals, a schedule, and the end of a stopped run."""

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_kms as kms
from aws_cdk import aws_pipes as pipes
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from components.data_lake import DataLake
from components.service_role import ServiceRole
from flywheel.settings import EnvironmentSettings, WorkloadSettings

MAX_KEYS_PER_EXECUTION = 250
"""An S3 key has up to 1,024 bytes and an execution's input up to 262,144.
Source: Amazon S3 User Guide, "Naming objects"; AWS Step Functions Developer Guide, "Quotas"."""

_KEY_ONLY = '{"key": "<$.body.detail.object.key>"}'
_RECEIVES_BEFORE_DEAD = 5


class ArrivalQueue(Construct):
    """New objects below the trigger prefix, collected over a window, as one execution's input.

    S3 → EventBridge rule → queue → pipe. The pipe passes only the object's key on, so that a full
    batch fits into an execution's input; several batches of one delivery are one run all the same,
    by the loop's lock.

    Attributes:
        queue: What has arrived and is not yet handed over.
        dead_letters: What could not be handed over; an alarm looks at it.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: EnvironmentSettings,
        workload: WorkloadSettings,
        lake: DataLake,
        state_machine: sfn.StateMachine,
    ) -> None:
        super().__init__(scope, construct_id)
        self.dead_letters = _queue(self, "DeadLetters", key=lake.key)
        self.queue = _queue(
            self,
            "Queue",
            key=lake.key,
            dead_letter_queue=sqs.DeadLetterQueue(
                queue=self.dead_letters, max_receive_count=_RECEIVES_BEFORE_DEAD
            ),
        )
        events.Rule(
            self,
            "NewObjects",
            description=f"New data of {workload.name}",
            event_pattern=events.EventPattern(
                source=["aws.s3"],
                detail_type=["Object Created"],
                detail={
                    "bucket": {"name": [lake.raw.bucket_name]},
                    "object": {
                        "key": [{"prefix": f"{workload.name}/{workload.data.trigger_prefix}"}]
                    },
                },
            ),
            targets=[targets.SqsQueue(self.queue, dead_letter_queue=self.dead_letters)],
        )
        role = ServiceRole(
            self, "PipeRole", service="pipes", description="Arrivals to the retraining loop"
        )
        self.queue.grant_consume_messages(role)
        state_machine.grant_start_execution(role)
        settings = environment.retraining
        pipe = pipes.CfnPipe(
            self,
            "Pipe",
            role_arn=role.role_arn,
            source=self.queue.queue_arn,
            source_parameters=pipes.CfnPipe.PipeSourceParametersProperty(
                sqs_queue_parameters=pipes.CfnPipe.PipeSourceSqsQueueParametersProperty(
                    batch_size=min(settings.batching_size, MAX_KEYS_PER_EXECUTION),
                    maximum_batching_window_in_seconds=settings.batching_window_seconds,
                )
            ),
            target=state_machine.state_machine_arn,
            target_parameters=pipes.CfnPipe.PipeTargetParametersProperty(
                input_template=_KEY_ONLY,
                step_function_state_machine_parameters=pipes.CfnPipe.PipeTargetStateMachineParametersProperty(
                    invocation_type="FIRE_AND_FORGET"
                ),
            ),
        )
        # Without it the pipe would be created before it may read the queue, and that fails.
        pipe.node.add_dependency(role.node.find_child("DefaultPolicy"))


def _queue(
    scope: Construct,
    construct_id: str,
    *,
    key: kms.IKey,
    dead_letter_queue: sqs.DeadLetterQueue | None = None,
) -> sqs.Queue:
    return sqs.Queue(
        scope,
        construct_id,
        encryption=sqs.QueueEncryption.KMS,
        encryption_master_key=key,
        data_key_reuse=Duration.hours(1),
        enforce_ssl=True,
        retention_period=Duration.days(14),
        visibility_timeout=Duration.minutes(10),
        dead_letter_queue=dead_letter_queue,
        removal_policy=RemovalPolicy.DESTROY,
    )


class EventTriggers(Construct):
    """Events that start the loop: an approval, and the end of a run that could not clean up.

    A run that a person stopped, or that ran out of time, cannot release the lock by itself; the
    execution that this event starts does it.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: EnvironmentSettings,
        model_package_group_name: str,
        state_machine: sfn.StateMachine,
        dead_letters: sqs.IQueue,
    ) -> None:
        super().__init__(scope, construct_id)
        self._state_machine, self._dead_letters = state_machine, dead_letters
        self._role = ServiceRole(
            self, "Role", service="events", description="Starts the retraining loop at an event"
        )
        state_machine.grant_start_execution(self._role)
        self._rule(
            "Stopped",
            events.EventPattern(
                source=["aws.states"],
                detail_type=["Step Functions Execution Status Change"],
                detail={
                    "stateMachineArn": [state_machine.state_machine_arn],
                    "status": ["ABORTED", "FAILED", "TIMED_OUT"],
                },
            ),
            {"stopped": events.EventField.from_path("$.detail.name")},
        )
        if environment.approval == "manual":
            self._rule(
                "Approved",
                events.EventPattern(
                    source=["aws.sagemaker"],
                    detail_type=["SageMaker Model Package State Change"],
                    detail={
                        "ModelPackageGroupName": [model_package_group_name],
                        "ModelApprovalStatus": ["Approved"],
                    },
                ),
                {
                    "approved": events.EventField.from_path("$.detail.ModelPackageArn"),
                    "at": events.EventField.time,
                },
            )

    def _rule(self, name: str, pattern: events.EventPattern, document: dict[str, str]) -> None:
        events.Rule(
            self,
            name,
            event_pattern=pattern,
            targets=[
                targets.SfnStateMachine(
                    self._state_machine,
                    role=self._role,
                    dead_letter_queue=self._dead_letters,
                    input=events.RuleTargetInput.from_object(document),
                )
            ],
        )


class RetrainingSchedule(Construct):
    """Starts the loop without new data; it trains on what there is, with the code as it is now."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        schedule: str,
        key: kms.IKey,
        state_machine: sfn.StateMachine,
        dead_letters: sqs.IQueue,
    ) -> None:
        super().__init__(scope, construct_id)
        role = ServiceRole(
            self, "Role", service="scheduler", description="Starts the retraining loop by the clock"
        )
        state_machine.grant_start_execution(role)
        dead_letters.grant_send_messages(role)
        key.grant(role, "kms:Decrypt")
        scheduler.CfnSchedule(
            self,
            "Schedule",
            schedule_expression=schedule,
            kms_key_arn=key.key_arn,
            flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
            target=scheduler.CfnSchedule.TargetProperty(
                arn=state_machine.state_machine_arn,
                role_arn=role.role_arn,
                input='{"retrain": true}',
                dead_letter_config=scheduler.CfnSchedule.DeadLetterConfigProperty(
                    arn=dead_letters.queue_arn
                ),
            ),
        )
