"""What people look at, and what calls them."""

from constructs import Construct

from components.cost_budget import CostBudget
from components.workload_alarms import WorkloadAlarms
from components.workload_dashboard import WorkloadDashboard
from flywheel.settings import EnvironmentSettings, WorkloadSettings
from stacks.api_stack import ApiStack
from stacks.base import FlywheelStack
from stacks.retraining_stack import RetrainingStack
from stacks.serving_stack import ServingStack


class MonitoringStack(FlywheelStack):
    """Dashboard, alarms and budget of one workload."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: EnvironmentSettings,
        workload: WorkloadSettings,
        serving: ServingStack,
        api: ApiStack,
        retraining: RetrainingStack,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            environment=environment,
            workload=workload,
            description=f"Flywheel: dashboard and alarms of {workload.name}",
        )
        name = f"{environment.name}-{workload.dashed_name}"
        WorkloadDashboard(
            self,
            "Dashboard",
            dashboard_name=name,
            api=api.api,
            endpoint=serving.endpoint,
            state_machine=retraining.state_machine,
            queue=retraining.queue,
            dead_letters=retraining.dead_letters,
        )
        alarms = WorkloadAlarms(
            self,
            "Alarms",
            serving=workload.serving,
            api=api.api,
            endpoint=serving.endpoint,
            topic=retraining.topic,
        )
        alarms.watch_loop(
            state_machine=retraining.state_machine,
            queue=retraining.queue,
            dead_letters=retraining.dead_letters,
        )
        if environment.budget_usd_per_month is not None:
            CostBudget(
                self,
                "Budget",
                budget_name=name,
                usd_per_month=environment.budget_usd_per_month,
                topic=retraining.topic,
            )
