"""A transform job asks again when the model has failed, not when it has refused."""

from __future__ import annotations

import pytest

from tests.local_aws.sagemaker.helpers import Aws
from tests.local_aws.sagemaker.test_transform_jobs import model, request, run

# Fails twice, then answers how often it was asked; refuses what is not for it, and counts that too.
FLAKY = """
class Refusal(Exception):
    status_code = 400

calls = 0

def model_fn(model_dir):
    return None

def transform_fn(model, data, content_type, accept):
    global calls
    calls += 1
    if "refuse" in data:
        raise Refusal(f"refused {calls}")
    if calls < 3:
        raise RuntimeError("not yet")
    return str(calls), accept
"""


@pytest.mark.parametrize(("retries", "status"), [(2, "Completed"), (1, "Failed")])
def test_a_request_that_failed_is_sent_again(aws: Aws, retries: int, status: str) -> None:
    job, found = run(
        aws,
        request(
            aws, flaky(aws), {"a.csv": b"1"},
            ModelClientConfig={"InvocationsMaxRetries": retries},
        ),
    )  # fmt: skip
    assert job["TransformJobStatus"] == status, job
    assert found == ({"a.csv.out": b"3"} if status == "Completed" else {})


def test_a_request_that_was_refused_is_not_sent_again(aws: Aws) -> None:
    job, _ = run(aws, request(aws, flaky(aws), {"a.csv": b"refuse"}))
    assert "400: refused 1" in job["FailureReason"]


def flaky(aws: Aws) -> str:
    """A model that fails twice."""
    return model(
        aws, "sagemaker-xgboost:3.2-0", {"code/inference.py": FLAKY},
        SAGEMAKER_PROGRAM="inference.py",
    )  # fmt: skip
