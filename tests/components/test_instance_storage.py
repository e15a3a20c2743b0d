"""Which instance types refuse a key for their disks."""

import pytest

from components.instance_storage import has_local_storage
from flywheel.algorithms import instance_types


@pytest.mark.parametrize(
    "instance_type",
    [
        "ml.c5d.large", "ml.m5d.xlarge", "ml.r5d.2xlarge", "ml.m6gd.large", "ml.r7gd.xlarge",
        "ml.g4dn.xlarge", "ml.g5.xlarge", "ml.g6.xlarge", "ml.g6e.xlarge", "ml.g7e.2xlarge",
        "ml.p3dn.24xlarge", "ml.p4d.24xlarge", "ml.p4de.24xlarge", "ml.p5.48xlarge",
        "ml.p5en.48xlarge", "ml.p6-b200.48xlarge", "ml.trn1.32xlarge", "ml.trn1n.32xlarge",
        "ml.dl1.24xlarge",
    ],
)  # fmt: skip
def test_types_with_disks_of_their_own_take_no_key(instance_type: str) -> None:
    assert has_local_storage(instance_type)


@pytest.mark.parametrize(
    "instance_type",
    [
        "ml.t2.medium", "ml.m5.xlarge", "ml.c7i.large", "ml.c6in.large", "ml.c6g.large",
        "ml.r8g.xlarge", "ml.p2.xlarge", "ml.p3.2xlarge", "ml.inf1.xlarge", "ml.inf2.xlarge",
        "ml.m7i-flex.large",
    ],
)  # fmt: skip
def test_types_with_ebs_volumes_take_a_key(instance_type: str) -> None:
    assert not has_local_storage(instance_type)


def test_every_family_that_sagemaker_knows_is_decided_here() -> None:
    """A new family fails this test, so that somebody looks whether it has disks of its own."""
    families = {
        name.split(".")[1]
        for kind in instance_types.KINDS
        for name in instance_types.known(kind)
        if has_local_storage(name)
    }
    assert families == {
        "c5d", "c6gd", "dl1", "g4dn", "g5", "g6", "g6e", "g7", "g7e", "m5d", "m6gd", "p3dn", "p4d",
        "p4de", "p5", "p5e", "p5en", "p6-b200", "p6-b300", "p6e-gb200", "r5d", "r6gd", "r7gd",
        "trn1", "trn1n", "trn2",
    }  # fmt: skip
