"""Which workloads are alike."""

import hashlib

from flywheel.review.workload_groups import Workloads
from tests.review.page.examples import many
from tests.review.planting import put
from tests.review.world import judge, templates


def test_a_logical_id_that_follows_the_content_makes_no_difference() -> None:
    before, after = many(templates(), 14), many(templates(), 14)
    for number in range(14):
        digest = hashlib.sha256(f"W{number}".encode()).hexdigest()[:32]
        deployment = {"Type": "AWS::ApiGateway::Deployment", "Properties": {"RestApiId": "api"}}
        put(f"W{number}Serving.Deployment0A1B2C3D{digest}", deployment)(after)
    verdict = judge(after, before)

    (group,) = Workloads(verdict).grouped(verdict.stacks, lambda stack: stack.stack)

    assert len(group.like) == 13


def test_a_workload_that_changes_otherwise_stands_alone() -> None:
    before, after = many(templates(), 14), many(templates(), 14)
    for number in range(14):
        put(f"W{number}Lake.Log.Properties.RetentionInDays", 30 if number != 7 else 60)(after)
    verdict = judge(after, before)

    groups = Workloads(verdict).grouped(verdict.stacks, lambda stack: stack.stack)

    assert [(group.workload, len(group.like)) for group in groups] == [("W0", 12), ("W7", 0)]
