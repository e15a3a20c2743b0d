"""The loop's definition, and a small AWS to run it in."""

from types import SimpleNamespace
from typing import Any

import pytest
from ministack.services import stepfunctions

from flywheel.settings import load_workloads
from tests.conftest import ROOT, Assembly
from tests.loop.algorithm_world import AlgorithmWorld
from tests.loop.template import definition_of
from tests.loop.world import World
from tests.sample_workloads import DELAYS, FLOWERS, LETTERS, SAMPLES, STACKS, synthesise

STACK = "FlightDelayRetraining"


@pytest.fixture(scope="session")
def definition(assembly: Assembly) -> dict[str, Any]:
    """The machine of an environment that approves by itself."""
    return definition_of(assembly.template("local", STACK).body)


@pytest.fixture(scope="session")
def manual_definition(assembly: Assembly) -> dict[str, Any]:
    """The machine of an environment in which a person approves."""
    return definition_of(assembly.template("staging", STACK).body)


@pytest.fixture(scope="session")
def good_month() -> dict[str, str]:
    """What the checks of a good month find, as Athena writes it."""
    checks = load_workloads(ROOT / "config", "local")["flight_delay"].checks
    bounds = {check.name: check.max if check.min is None else check.min for check in checks}
    return {**{name: str(bound or 0.0) for name, bound in bounds.items()}, "rows": "20000"}


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> dict[str, World]:
    """ministack's Step Functions without waiting, whose tasks go to the world in it."""
    current: dict[str, World] = {}

    def answer(resource: str, arguments: Any) -> Any:
        return current["world"].answer(resource, arguments)

    monkeypatch.setattr(stepfunctions, "_SFN_WAIT_SCALE", 0)
    monkeypatch.setattr(stepfunctions, "time", SimpleNamespace(sleep=lambda _: None))
    nested = stepfunctions._invoke_resource

    def invoke(resource: str, arguments: Any) -> Any:
        if resource.endswith("states:startExecution"):
            return nested(resource, arguments)
        return answer(resource, arguments)

    monkeypatch.setattr(stepfunctions, "_invoke_resource", invoke)
    return current


@pytest.fixture
def world(
    engine: dict[str, World], definition: dict[str, Any], good_month: dict[str, str]
) -> World:
    """An empty AWS that approves by itself."""
    engine["world"] = World(definition, good_month)
    return engine["world"]


@pytest.fixture
def manual_world(
    engine: dict[str, World], manual_definition: dict[str, Any], good_month: dict[str, str]
) -> World:
    """An empty AWS in which a person approves."""
    engine["world"] = World(manual_definition, good_month)
    return engine["world"]


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """The sample workloads where models are approved by themselves, and where a person does it."""
    return synthesise(tmp_path_factory.mktemp("samples"), *SAMPLES, env="local,staging")


def _sample(
    engine: dict[str, World], samples: Assembly, workload: dict[str, Any]
) -> AlgorithmWorld:
    stack = f"{STACKS[workload['name']]}Retraining"
    definition = definition_of(samples.template("local", stack).body)
    world = AlgorithmWorld(definition, {"rows": "20000"}, workload=workload)
    engine["world"] = world
    return world


@pytest.fixture
def flowers(engine: dict[str, World], samples: Assembly) -> AlgorithmWorld:
    """A tuned algorithm without selection."""
    return _sample(engine, samples, FLOWERS)


@pytest.fixture
def letters(engine: dict[str, World], samples: Assembly) -> AlgorithmWorld:
    """An algorithm with selection and fixed data, trained once."""
    return _sample(engine, samples, LETTERS)


@pytest.fixture
def delays(engine: dict[str, World], samples: Assembly) -> AlgorithmWorld:
    """A tuned script."""
    return _sample(engine, samples, DELAYS)
