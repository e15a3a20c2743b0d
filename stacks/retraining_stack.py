"""Step 6: new data, an approval or the clock starts the loop that retrains and deploys."""

from typing import Any

from aws_cdk import CfnOutput
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from components.data_lake import DataLake
from components.loop.context import LoopContext
from components.loop.item import StateTable
from components.loop.machine import RetrainingLoop
from components.loop.triggers import (
    ArrivalQueue,
    EventTriggers,
    RetrainingSchedule,
)
from components.model_registry import ModelRegistry
from flywheel.settings import EnvironmentSettings, WorkloadSettings
from stacks.base import FlywheelStack
from stacks.training_stack import TrainingStack


class RetrainingStack(FlywheelStack):
    """One workload's loop: what starts it, the state machine, its memory, whom it tells.

    Attributes:
        state_machine: The loop.
        topic: One message for each run.
        queue: Arrivals that are not yet handed over.
        dead_letters: Arrivals and events that could not be handed over.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: EnvironmentSettings,
        workload: WorkloadSettings,
        lake: DataLake,
        jobs: TrainingStack,
        registry: ModelRegistry,
        serving_stack_name: str,
        endpoint_name: str,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            environment=environment,
            workload=workload,
            description=f"Flywheel: retraining of {workload.name}",
        )
        table = StateTable(self, "State", environment=environment, lake=lake)
        self.topic = sns.Topic(self, "Topic", master_key=lake.key, enforce_ssl=True)
        if environment.alarm_email:
            self.topic.add_subscription(subscriptions.EmailSubscription(environment.alarm_email))
        loop = LoopContext(
            stack=self,
            environment=environment,
            workload=workload,
            lake=lake,
            spark_job=jobs.spark_job,
            training_job=jobs.training_job,
            tuning_job=jobs.tuning_job,
            transform_job=jobs.transform_job,
            processing_job=jobs.processing_job,
            registry=registry,
            serving_stack_name=serving_stack_name,
            endpoint_name=endpoint_name,
            table=table,
            topic=self.topic,
        )
        self.state_machine = RetrainingLoop(self, "Loop", loop=loop).state_machine
        arrivals = ArrivalQueue(
            self,
            "Arrivals",
            environment=environment,
            workload=workload,
            lake=lake,
            state_machine=self.state_machine,
        )
        self.queue, self.dead_letters = arrivals.queue, arrivals.dead_letters
        starts: dict[str, Any] = {
            "state_machine": self.state_machine,
            "dead_letters": self.dead_letters,
        }
        EventTriggers(
            self,
            "Events",
            environment=environment,
            model_package_group_name=registry.model_package_group_name,
            **starts,
        )
        if workload.schedule:
            RetrainingSchedule(self, "Schedule", schedule=workload.schedule, key=lake.key, **starts)

        CfnOutput(self, "StateMachineArn", value=self.state_machine.state_machine_arn)
        CfnOutput(self, "TopicArn", value=self.topic.topic_arn)
        CfnOutput(self, "StateTable", value=table.table_name)
