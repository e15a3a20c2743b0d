"""The CDK app: which stages and stacks exist and how they connect.

Synthesis is pure: it reads `config/` and this repository, and from the environment only the account
ids (`FLYWHEEL_ACCOUNT_DEV=…`; without them the templates fit any account).

    cdk synth -c env=dev,prod -c workload=flight_delay
"""

import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, cast

from aws_cdk import App, Environment, Stage, Validations
from constructs import Construct

from flywheel.errors import UserError
from flywheel.settings import (
    EnvironmentSettings,
    WorkloadSettings,
    load_environments,
    load_workloads,
)
from stacks.api_stack import ApiStack
from stacks.data_lake_stack import DataLakeStack
from stacks.deploy_access_stack import DeployAccessStack
from stacks.monitoring_stack import MonitoringStack
from stacks.network_stack import NetworkStack
from stacks.registry_stack import RegistryStack
from stacks.retraining_stack import RetrainingStack
from stacks.serving_stack import ServingStack
from stacks.training_stack import TrainingStack

CONFIG = Path(__file__).parent / "config"


class EnvironmentStage(Stage):
    """All stacks of one environment."""

    def __init__(
        self,
        scope: Construct,
        *,
        environment: EnvironmentSettings,
        workloads: Mapping[str, WorkloadSettings],
        account: str | None,
    ) -> None:
        super().__init__(
            scope, environment.name, env=Environment(account=account, region=environment.region)
        )
        if environment.github is not None:
            DeployAccessStack(
                self, "DeployAccess", environment=environment, github=environment.github
            )
        self.ground = NetworkStack(self, "Network", environment=environment)
        self.data_lake = DataLakeStack(
            self,
            "DataLake",
            environment=environment,
            workloads=workloads,
            network=self.ground.network,
        )
        for workload in workloads.values():
            self._add(environment, workload)

    def _add(self, environment: EnvironmentSettings, workload: WorkloadSettings) -> None:
        """The stacks of one workload, in the order of the workflow's steps."""
        name, network, lake = workload.construct_name, self.ground.network, self.data_lake.lake
        training = TrainingStack(
            self,
            f"{name}Training",
            environment=environment,
            workload=workload,
            network=network,
            lake=lake,
        )
        registry = RegistryStack(
            self, f"{name}Registry", environment=environment, workload=workload
        )
        serving = ServingStack(
            self,
            f"{name}Serving",
            environment=environment,
            workload=workload,
            network=network,
            lake=lake,
            registry=registry,
        )
        api = ApiStack(
            self,
            f"{name}Api",
            environment=environment,
            workload=workload,
            ground=self.ground,
            lake=lake,
            serving=serving,
        )
        retraining = RetrainingStack(
            self,
            f"{name}Retraining",
            environment=environment,
            workload=workload,
            lake=lake,
            jobs=training,
            registry=registry.registry,
            serving_stack_name=serving.stack_name,
            endpoint_name=serving.endpoint_name,
        )
        retraining.add_stack_dependency(serving, "The loop updates the endpoint's stack")
        MonitoringStack(
            self,
            f"{name}Monitoring",
            environment=environment,
            workload=workload,
            serving=serving,
            api=api,
            retraining=retraining,
        )


def new_app(*, outdir: str | None = None, context: Mapping[str, object] | None = None) -> App:
    """An app whose assembly says nothing about the machine that made it.

    Stack traces would name folders of this machine, and analytics would add a resource.
    """
    silent = {"aws:cdk:disable-creation-stack-traces": True}
    return App(
        analytics_reporting=False,
        stack_traces=False,
        outdir=outdir,
        context={**silent, **(context or {})},
    )


def build(app: App, *, config: Path, accounts: Mapping[str, str]) -> None:
    """Add the stages that the context asks for (`-c env=…`, `-c workload=…`), or else all.

    Args:
        app: An app whose context is read.
        config: Folder with `environments/` and `workloads/`.
        accounts: Account ids by environment; without one the templates fit any account.

    Raises:
        UserError: the settings cannot be used, or the context asks for what does not exist.
    """
    environments = load_environments(config)
    for name in _asked(app, "env", environments):
        EnvironmentStage(
            app,
            environment=environments[name],
            workloads=_workloads(app, config, name),
            account=accounts.get(name),
        )


def _workloads(app: App, config: Path, environment: str) -> dict[str, WorkloadSettings]:
    """Our workloads, or those that the context names, which may be built-in ones too."""
    if not app.node.try_get_context("workload"):
        return load_workloads(config, environment)
    known = load_workloads(config, environment, builtin=True)
    ours = [path.stem for path in sorted((config / "workloads").glob("*.yaml"))]
    names = _asked(app, "workload", known, shown=ours, more="config/workloads/builtin/ has more.")
    return {name: known[name] for name in names}


def _asked(
    app: App,
    key: str,
    known: Mapping[str, object],
    *,
    shown: Iterable[str] = (),
    more: str = "",
) -> list[str]:
    """The names that `-c key=a,b` lists, or all.

    Args:
        shown: What the error about an unknown name lists; nothing: all that are known.
        more: What it says after them.
    """
    asked = app.node.try_get_context(key)
    if not asked:
        return list(known)
    names = [name.strip() for name in str(asked).split(",") if name.strip()]
    for name in names:
        if name not in known:
            choices = ", ".join(shown or known)
            rule = f"there is no such {key}; it must be one of {choices}."
            raise UserError(" ".join(filter(None, [f"-c {key}={name}: {rule}", more])))
    return [name for name in known if name in names]


def add_rule_packs(app: App) -> None:
    """cdk-nag's packs and the team's own rules; the gate asks for them with `-c nag=true`."""
    from cdk_nag import AwsSolutionsChecks, NIST80053R5Checks  # noqa: PLC0415  (half a second)
    from cdklabs.cdk_validator_cfnguard import CfnGuardValidator  # noqa: PLC0415  (the same)

    Validations.of(app).add_plugins(
        AwsSolutionsChecks(app),
        NIST80053R5Checks(app),
        # Its types are those of the interface's first draft, which the CDK still takes.
        cast(Any, CfnGuardValidator)(
            rules=[str(CONFIG / "rules")], control_tower_rules_enabled=False
        ),
    )


def main() -> int:
    app = new_app()
    prefix = "FLYWHEEL_ACCOUNT_"
    accounts = {
        name.removeprefix(prefix).lower(): value
        for name, value in os.environ.items()
        if name.startswith(prefix) and value
    }
    try:
        build(app, config=CONFIG, accounts=accounts)
    except UserError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    if app.node.try_get_context("nag"):
        add_rule_packs(app)
    try:
        app.synth()
    except RuntimeError as error:
        if "ValidationFailed" not in str(error):
            raise
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
