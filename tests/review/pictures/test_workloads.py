"""Many workloads: which stacks are whose, and which of them a picture shows."""

import json
from dataclasses import replace

from flywheel.review import Environment, review
from flywheel.review.pictures.picture import draw
from flywheel.review.pictures.selection import select
from flywheel.review.pictures.workloads import SHARED, alike, workloads
from tests.review.test_real_app import edited, the

STEPS = ("Training", "Registry", "Serving", "Api")


def many(environment: Environment, count: int) -> Environment:
    """The environment with this many copies of its workload."""
    stacks = {k: v for k, v in environment.stacks.items() if not k.startswith("FlightDelay")}
    for number in range(count):
        for name, stack in environment.stacks.items():
            if name.startswith("FlightDelay"):
                own = f"Copy{number}"

                def renamed(text: str, own: str = own) -> str:
                    return text.replace("FlightDelay", own)

                stacks[renamed(name)] = replace(
                    stack,
                    id=renamed(name),
                    name=renamed(stack.name),
                    template=json.loads(renamed(json.dumps(stack.template))),
                    paths={key: renamed(path) for key, path in stack.paths.items()},
                )
    return Environment(environment.name, stacks)


def test_stacks_of_one_workload_share_the_beginning_of_their_names() -> None:
    names = ["Network", "DataLake", *(f"FlightDelay{step}" for step in STEPS)]
    assert workloads(names) == {
        SHARED: {"Network": "Network", "DataLake": "DataLake"},
        "FlightDelay": {step: f"FlightDelay{step}" for step in STEPS},
    }


def test_workloads_are_told_apart_even_where_their_own_names_begin_alike() -> None:
    names = [f"{name}{step}" for name in ("ChurnEu", "ChurnUs", "Fraud2") for step in STEPS]
    found = workloads(["DataLake", *names])
    assert [name for name in found if name] == ["ChurnEu", "ChurnUs", "Fraud2"]
    assert found["Fraud2"]["Api"] == "Fraud2Api"
    assert found[SHARED] == {"DataLake": "DataLake"}


def test_a_workload_of_one_stack_is_one_where_others_have_that_stack_too() -> None:
    assert set(workloads(["OrdersApi", "PaymentsApi", "Audit"])) == {SHARED, "Orders", "Payments"}


def test_alike_workloads_are_one_group() -> None:
    names = ["AApi", "BApi", "CApi"]
    assert alike(names, {"A": 1, "B": 2, "C": 1}) == [["A", "C"], ["B"]]


def test_twelve_stacks_are_all_drawn(dev: Environment) -> None:
    two = many(dev, 2)
    selected = select(two, two, review(two, two, against="itself"))
    assert len(selected.after.stacks) == 14
    assert set(selected.groups.values()) == {"Copy0", "Copy1"}
    assert selected.notes == ()


def test_forty_workloads_that_are_alike_are_one_group_that_says_so(dev: Environment) -> None:
    forty = many(dev, 40)
    selected = select(forty, forty, review(forty, forty, against="itself"))
    assert len(selected.after.stacks) == 8
    assert set(selected.groups.values()) == {"Copy0, one of 40 workloads like it"}
    assert selected.notes == (
        "Copy0 stands for 40 workloads that are alike: "
        "Copy0, Copy1, Copy2, Copy3, Copy4, Copy5 and 34 more.",
    )


def test_the_workload_that_changes_is_drawn_and_the_others_are_told_with_their_difference(
    dev: Environment,
) -> None:
    before = many(dev, 12)
    after = edited(
        before,
        "Copy7Serving",
        lambda resources: the(resources, "AWS::SageMaker::EndpointConfig")["ProductionVariants"][
            0
        ].update(InitialInstanceCount=9),
    )
    without = {name: each for name, each in after.stacks.items() if name != "Copy3Api"}
    after = Environment(after.name, without)
    verdict = review(before, after, against="main")
    selected = select(before, after, verdict)
    assert set(selected.groups.values()) == {"Copy7", "Copy3"}
    own, others = selected.notes
    assert own.startswith("Copy7 differs from Copy3: other changes: ")
    assert "1 replaced" in own
    assert others.startswith("Copy0, Copy1, Copy2, Copy4, Copy5, Copy6 and 4 more differ from")


def test_a_workload_without_a_stack_that_others_have_is_told(dev: Environment) -> None:
    forty = many(dev, 5)
    stacks = {name: each for name, each in forty.stacks.items() if name != "Copy2Api"}
    less = Environment(forty.name, stacks)
    selected = select(less, less, review(less, less, against="itself"))
    assert "Copy2 differs from Copy0: no Api stack." in selected.notes


def test_the_picture_of_forty_workloads_is_no_larger_than_that_of_two(dev: Environment) -> None:
    forty = many(dev, 40)
    pictures = draw(forty, forty, verdict=review(forty, forty, against="itself"))
    assert pictures.architecture.width < 1700
    assert "one of 40 workloads like it" in pictures.architecture.svg
    assert len(pictures.machines) == 1
    assert "It stands for those of 40 workloads that are alike." in pictures.machines[0].notes
