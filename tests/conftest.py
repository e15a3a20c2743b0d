"""What several rooms' tests share: one synthesis of the whole app for the session."""

import json
import signal
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from flywheel.settings import WorkloadSettings, load_workloads

# A shell without job control starts background commands with SIGINT ignored, and children inherit
# that; tests that press Ctrl-C need it as it is at a terminal.
signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).parent.parent
ENVIRONMENTS = ("local", "dev", "staging", "prod")
BUILTIN = tuple(path.stem for path in sorted((ROOT / "config/workloads/builtin").glob("*.yaml")))
BUILTIN_ENVIRONMENTS = ("local", "staging")
"""One that approves by itself, and the one with the longest name, where a person does it."""
SHARED_STACKS = ("Network", "DataLake")
WORKLOAD_STACKS = ("Training", "Registry", "Serving", "Api", "Retraining", "Monitoring")


def stack_ids(workload: str = "FlightDelay") -> tuple[str, ...]:
    """Construct ids of the stacks of an environment with this one workload."""
    return (*SHARED_STACKS, *(f"{workload}{step}" for step in WORKLOAD_STACKS))


def construct_name(workload: str) -> str:
    """What the ids of a workload's stacks begin with: flight_delay → FlightDelay."""
    return "".join(word.capitalize() for word in workload.split("_"))


def feature_flags() -> dict[str, Any]:
    """The context of cdk.json, which the CDK CLI would hand to the app."""
    context: dict[str, Any] = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
    return context


@dataclass(frozen=True)
class Template:
    """One synthesised CloudFormation template."""

    body: Mapping[str, Any]

    def of_type(self, resource_type: str) -> dict[str, Any]:
        """Logical id → resource, of all resources of this type."""
        return {
            logical_id: resource
            for logical_id, resource in self.body.get("Resources", {}).items()
            if resource["Type"] == resource_type
        }

    def properties(self, resource_type: str) -> dict[str, Any]:
        """Logical id → properties, of all resources of this type."""
        return {
            logical_id: resource.get("Properties", {})
            for logical_id, resource in self.of_type(resource_type).items()
        }

    def only(self, resource_type: str) -> dict[str, Any]:
        """The properties of the one resource of this type."""
        found = list(self.properties(resource_type).values())
        assert len(found) == 1, f"{len(found)} resources of {resource_type}"
        properties: dict[str, Any] = found[0]
        return properties

    def statements(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Logical id and statement, of all identity policies."""
        for kind in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"):
            for logical_id, properties in self.properties(kind).items():
                for statement in properties["PolicyDocument"]["Statement"]:
                    yield logical_id, statement


@dataclass(frozen=True)
class Assembly:
    """A synthesised cloud assembly with one stage for each environment."""

    path: Path
    _cache: dict[str, Any] = field(default_factory=dict)

    def artifacts(self, environment: str) -> dict[str, Any]:
        """Stack name → the stack's entry in the stage's manifest."""
        if environment not in self._cache:
            manifest = json.loads((self.stage(environment) / "manifest.json").read_bytes())
            self._cache[environment] = {
                artifact["properties"]["stackName"]: artifact
                for artifact in manifest["artifacts"].values()
                if artifact["type"] == "aws:cloudformation:stack"
            }
        artifacts: dict[str, Any] = self._cache[environment]
        return artifacts

    def stage(self, environment: str) -> Path:
        return self.path / f"assembly-{environment}"

    def template(self, environment: str, stack_id: str) -> Template:
        """The template of a stack, for example ("dev", "DataLake")."""
        artifact = self.artifacts(environment)[f"{environment}-{stack_id}"]
        file = self.stage(environment) / artifact["properties"]["templateFile"]
        return Template(json.loads(file.read_bytes()))

    def templates(self, environment: str) -> dict[str, Template]:
        """Stack id → template, of all stacks of an environment."""
        prefix = f"{environment}-"
        return {
            name.removeprefix(prefix): self.template(environment, name.removeprefix(prefix))
            for name in self.artifacts(environment)
        }


def synthesise(
    outdir: Path, *, accounts: Mapping[str, str] | None = None, **context: str
) -> Assembly:
    """Synthesise the repository's app in this process, without AWS CDK's own validation."""
    from app import CONFIG, build, new_app

    patch = pytest.MonkeyPatch()
    patch.setenv("CDK_VALIDATION", "false")
    try:
        app = new_app(outdir=str(outdir), context={**feature_flags(), **context})
        build(app, config=CONFIG, accounts=accounts or {})
        app.synth()
    finally:
        patch.undo()
    return Assembly(outdir)


@pytest.fixture(scope="session")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """All environments, synthesised once."""
    return synthesise(tmp_path_factory.mktemp("assembly") / "cdk.out")


@pytest.fixture(scope="session")
def builtin(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """All built-in workloads; tests that use it are one xdist group, so that it is made once.

    Two environments, because four take half a minute; the gates look at all of them.
    """
    folder = tmp_path_factory.mktemp("builtin") / "cdk.out"
    return synthesise(folder, workload=",".join(BUILTIN), env=",".join(BUILTIN_ENVIRONMENTS))


@pytest.fixture(scope="session")
def builtin_settings() -> dict[str, WorkloadSettings]:
    """The built-in workloads as the local environment has them."""
    workloads = load_workloads(ROOT / "config", "local", builtin=True)
    return {name: workloads[name] for name in BUILTIN}
