"""Each of the 19 built-in workloads in the loop: AWS would take every call, and it gets through."""

import pytest

from flywheel.algorithms import catalogue
from flywheel.settings import WorkloadSettings
from tests.conftest import BUILTIN, Assembly, construct_name
from tests.loop.algorithm_world import AlgorithmWorld
from tests.loop.template import definition_of
from tests.loop.world import World

pytestmark = pytest.mark.xdist_group("builtin")
FIRST = ("2013-01", "2013-02", "2013-03")


@pytest.fixture(params=catalogue.keys())
def world(
    request: pytest.FixtureRequest,
    engine: dict[str, World],
    builtin: Assembly,
    builtin_settings: dict[str, WorkloadSettings],
) -> AlgorithmWorld:
    settings = builtin_settings[request.param]
    template = builtin.template("local", f"{construct_name(request.param)}Retraining")
    bounds = {
        check.name: check.max if check.min is None else check.min for check in settings.checks
    }
    world = AlgorithmWorld(
        definition_of(template.body),
        {"rows": "20000"} | {name: str(bound or 0.0) for name, bound in bounds.items()},
        challenger_auc=[settings.gate.minimum + 0.1],
        champion_auc=settings.gate.minimum + 0.1,
        workload=settings.model_dump(mode="json"),
    )
    engine["world"] = world
    return world


def test_there_is_a_workload_for_each_algorithm(
    builtin_settings: dict[str, WorkloadSettings],
) -> None:
    assert set(BUILTIN) == set(catalogue.keys())
    for key, settings in builtin_settings.items():
        assert settings.training.algorithm == key


def test_two_rounds_promote_two_models_and_leave_nothing(world: AlgorithmWorld) -> None:
    first = world.arrive(*FIRST)
    second = world.arrive("2013-04")

    assert (first.output["outcome"], second.output["outcome"]) == ("promoted", "promoted")
    assert second.output["champion_before"]["version"] == 1
    assert world.models == {}
