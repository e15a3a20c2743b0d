"""The local EMR Serverless: real Spark on S3, its API, its states and events."""

from __future__ import annotations

import io
import json
import uuid
import zipfile
from typing import Any

import pytest
from botocore.exceptions import ClientError

from flywheel.local_aws import LocalAws
from tests.local_aws.gateway.conftest import ROLE
from tests.local_aws.gateway.waiting import until

SCRIPT = """
import sys
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
source, target, gone = sys.argv[1:]
rows = spark.read.csv(source, header=True, schema="month string, n int")
rows.write.mode("overwrite").partitionBy("month").parquet(target)
print("rows:", rows.count(), "partitions:", spark.conf.get("spark.sql.shuffle.partitions"))
path = spark._jvm.org.apache.hadoop.fs.Path(gone)
path.getFileSystem(spark._jsc.hadoopConfiguration()).delete(path, True)
"""


class Spark:
    """An application, and a way to run a script in it."""

    def __init__(self, aws: LocalAws, bucket: str) -> None:
        self.emr = aws.client("emr-serverless")
        self._s3 = aws.client("s3")
        self._bucket = bucket
        self.application = self.emr.create_application(releaseLabel="emr-7.12.0", type="SPARK")[
            "applicationId"
        ]

    def start(self, script: str, *arguments: str, **more: Any) -> str:
        self._s3.put_object(Bucket=self._bucket, Key="code/job.py", Body=script.encode())
        driver = {
            "entryPoint": f"s3://{self._bucket}/code/job.py",
            "entryPointArguments": list(arguments),
            **more.pop("driver", {}),
        }
        job: str = self.emr.start_job_run(
            applicationId=self.application,
            executionRoleArn=ROLE,
            jobDriver={"sparkSubmit": driver},
            **more,
        )["jobRunId"]
        return job

    def look(self, job: str) -> dict[str, Any]:
        found: dict[str, Any] = self.emr.get_job_run(applicationId=self.application, jobRunId=job)[
            "jobRun"
        ]
        return found

    def ended(self, job: str) -> dict[str, Any]:
        def look() -> dict[str, Any] | None:
            found = self.look(job)
            return found if found["state"] in ("SUCCESS", "FAILED", "CANCELLED") else None

        return until(look, timeout_seconds=180)


@pytest.fixture
def spark(aws: LocalAws, bucket: str) -> Spark:
    return Spark(aws, bucket)


def test_a_job_reads_and_writes_s3_and_what_it_changes_makes_events(
    aws: LocalAws, spark: Spark, bucket: str
) -> None:
    s3, sqs, events = aws.client("s3"), aws.client("sqs"), aws.client("events")
    name = f"tests-{uuid.uuid4().hex[:8]}"
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    s3.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    pattern = {
        "source": ["aws.s3", "aws.emr-serverless"],
        "detail-type": ["Object Created", "Object Deleted", "EMR Serverless Job Run State Change"],
    }
    events.put_rule(Name=name, EventPattern=json.dumps(pattern))
    arn = f"arn:aws:sqs:{aws.region}:000000000000:{name}"
    events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": arn}])
    s3.put_object(Bucket=bucket, Key="in/a.csv", Body=b"month,n\n2013-01,1\n2013-02,2\n")
    s3.put_object(Bucket=bucket, Key="out/month=2013-01/stale.parquet", Body=b"old")
    s3.put_object(Bucket=bucket, Key="old/file", Body=b"old")
    group = "/tests/spark"

    job = spark.start(
        SCRIPT,
        f"s3://{bucket}/in/",
        f"s3://{bucket}/out/",
        f"s3://{bucket}/old/",
        driver={
            "sparkSubmitParameters": "--conf spark.sql.sources.partitionOverwriteMode=dynamic "
            "--conf spark.executor.memory=8g --conf spark.sql.shuffle.partitions=3"
        },
        configurationOverrides={
            "monitoringConfiguration": {
                "cloudWatchLoggingConfiguration": {"enabled": True, "logGroupName": group},
                "s3MonitoringConfiguration": {"logUri": f"s3://{bucket}/logs/"},
            }
        },
        name="months",
    )
    found = spark.ended(job)

    assert found["state"] == "SUCCESS", found["stateDetails"]
    keys = {item["Key"] for item in s3.list_objects_v2(Bucket=bucket)["Contents"]}
    parts = sorted(key.rpartition("/")[0] for key in keys if key.endswith(".parquet"))
    assert parts == ["out/month=2013-01", "out/month=2013-02"]
    assert not [key for key in keys if key.startswith("old/") or "crc" in key or "_temp" in key]
    logged = aws.client("logs").filter_log_events(logGroupName=group)["events"]
    assert any("rows: 2 partitions: 3" in event["message"] for event in logged)
    prefix = f"logs/applications/{spark.application}/jobs/{job}/SPARK_DRIVER/"
    assert any(key.startswith(prefix) for key in keys)
    told: list[dict[str, Any]] = []
    while received := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
        told += [json.loads(message["Body"]) for message in received]
    states = [event["detail"]["state"] for event in told if "jobRunId" in event["detail"]]
    assert states == ["SUBMITTED", "PENDING", "SCHEDULED", "RUNNING", "SUCCESS"]
    about = {
        (e["detail-type"], e["detail"]["object"]["key"]) for e in told if "object" in e["detail"]
    }
    assert ("Object Deleted", "old/file") in about
    assert ("Object Deleted", "out/month=2013-01/stale.parquet") in about
    assert sum(kind == "Object Created" and "out/" in key for kind, key in about) >= 2


def test_a_job_that_fails_says_why(spark: Spark) -> None:
    found = spark.ended(spark.start("raise ValueError('no such column')"))

    assert found["state"] == "FAILED"
    assert "no such column" in found["stateDetails"]


def test_a_script_that_is_not_there_fails_the_job(spark: Spark, bucket: str) -> None:
    driver = {"entryPoint": f"s3://{bucket}/none.py"}

    found = spark.ended(spark.start("", driver=driver))

    assert found["state"] == "FAILED"
    assert "none.py cannot be read" in found["stateDetails"]


def test_a_script_imports_from_an_archive_on_s3(aws: LocalAws, spark: Spark, bucket: str) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as files:
        files.writestr("team/__init__.py", "")
        files.writestr("team/words.py", "GREETING = 'found it'")
    aws.client("s3").put_object(Bucket=bucket, Key="code/team.zip", Body=archive.getvalue())
    asked = f"--conf spark.submit.pyFiles=s3://{bucket}/code/team.zip"
    script = "from team.words import GREETING\nraise SystemExit(GREETING)"

    found = spark.ended(spark.start(script, driver={"sparkSubmitParameters": asked}))

    assert "found it" in found["stateDetails"]


def test_an_archive_that_is_not_there_fails_the_job(spark: Spark, bucket: str) -> None:
    asked = f"--conf spark.submit.pyFiles=s3://{bucket}/none.zip"

    found = spark.ended(spark.start("", driver={"sparkSubmitParameters": asked}))

    assert found["state"] == "FAILED"
    assert "module" in found["stateDetails"]
    assert "none.zip cannot be read" in found["stateDetails"]


def test_jobs_wait_for_each_other_and_can_be_cancelled(spark: Spark) -> None:
    first = spark.start("import time; time.sleep(600)")
    until(lambda: spark.look(first)["state"] == "RUNNING")
    second = spark.start("print(1)")

    assert spark.look(second)["state"] in ("SUBMITTED", "PENDING")
    with pytest.raises(ClientError, match="still runs"):
        spark.emr.stop_application(applicationId=spark.application)
    for job in (second, first):
        spark.emr.cancel_job_run(applicationId=spark.application, jobRunId=job)

    assert spark.ended(first)["state"] == "CANCELLED"
    assert spark.ended(second)["state"] == "CANCELLED"


def test_the_same_token_starts_one_job(spark: Spark) -> None:
    jobs = {spark.start("print(1)", clientToken="once") for _ in range(2)}

    assert len(jobs) == 1
    spark.emr.cancel_job_run(applicationId=spark.application, jobRunId=jobs.pop())


@pytest.mark.parametrize(
    ("action", "arguments", "code"),
    [
        ("get_application", {"applicationId": "none"}, "ResourceNotFoundException"),
        ("get_dashboard_for_job_run", {"applicationId": "a", "jobRunId": "b"},
         "NotImplementedException"),
        ("create_application", {"releaseLabel": "emr-7.12.0", "type": "HIVE"},
         "ValidationException"),
        ("create_application", {"releaseLabel": "emr-5.0.0", "type": "SPARK"},
         "ValidationException"),
        ("create_application", {"releaseLabel": "emr-7.12.0", "type": "SPARK", "name": "a" * 65},
         "ValidationException"),
        ("list_job_runs", {"applicationId": "none"}, "ResourceNotFoundException"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_refused_by_name(
    aws: LocalAws, action: str, arguments: dict[str, Any], code: str
) -> None:
    with pytest.raises(ClientError) as refused:
        getattr(aws.client("emr-serverless"), action)(**arguments)

    assert refused.value.response["Error"]["Code"] == code
    assert refused.value.response["Error"]["Message"]


def test_tags_are_added_and_removed(spark: Spark) -> None:
    arn = spark.emr.get_application(applicationId=spark.application)["application"]["arn"]

    spark.emr.tag_resource(resourceArn=arn, tags={"a": "1", "b": "2"})
    spark.emr.untag_resource(resourceArn=arn, tagKeys=["a"])

    assert spark.emr.list_tags_for_resource(resourceArn=arn)["tags"] == {"b": "2"}
