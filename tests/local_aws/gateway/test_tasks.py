"""Step Functions' tasks: what the loop's definition relies on, with AWS's names and errors."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from flywheel.local_aws import LocalAws
from tests.local_aws.gateway.conftest import ROLE, Run
from tests.local_aws.gateway.waiting import until

SDK = "arn:aws:states:::aws-sdk"


def task(resource: str, arguments: Any, **more: Any) -> dict[str, Any]:
    return {"Type": "Task", "Resource": resource, "Arguments": arguments, "End": True, **more}


def caught(resource: str, arguments: Any, *errors: str, **more: Any) -> dict[str, Any]:
    """States that end with the error as their output when it is caught by this name."""
    return {
        "Try": task(resource, arguments, Catch=[{"ErrorEquals": list(errors), "Next": "Caught",
                    "Output": "{% $states.errorOutput %}"}], **more),
        "Caught": {"Type": "Succeed"},
    }  # fmt: skip


def test_an_object_written_by_putobject_as_json_is_read_by_getobject_as_text(
    run_states: Run, bucket: str
) -> None:
    put = task(
        f"{SDK}:s3:putObject",
        {"Bucket": bucket, "Key": "a/b.json", "Body": [{"prefix": "s3://x/"}, "one"]},
    )
    del put["End"]
    states = {
        "Put": {**put, "Next": "Get"},
        "Get": task(
            f"{SDK}:s3:getObject",
            {"Bucket": bucket, "Key": "a/b.json"},
            Output="{% $parse($states.result.Body) %}",
        ),
    }

    found = run_states(states)

    assert found["output"] == [{"prefix": "s3://x/"}, "one"]


def test_text_written_by_putobject_stays_text(run_states: Run, bucket: str, aws: LocalAws) -> None:
    put = task(f"{SDK}:s3:putObject", {"Bucket": bucket, "Key": "note", "Body": "two words"})

    run_states({"Put": put})

    assert aws.client("s3").get_object(Bucket=bucket, Key="note")["Body"].read() == b"two words"


def test_listed_objects_have_keys_etags_and_sizes(
    run_states: Run, bucket: str, aws: LocalAws
) -> None:
    aws.client("s3").put_object(Bucket=bucket, Key="p/one", Body=b"123")

    found = run_states(
        {"List": task(f"{SDK}:s3:listObjectsV2", {"Bucket": bucket, "Prefix": "p/"})}
    )

    (item,) = found["output"]["Contents"]
    assert (item["Key"], item["Size"], item["ETag"]) == (
        "p/one", 3, '"202cb962ac59075b964b07152d234b70"',
    )  # fmt: skip
    assert found["output"]["KeyCount"] == 1


@pytest.mark.parametrize(
    ("resource", "arguments", "error"),
    [
        (f"{SDK}:s3:getObject", {"Key": "none"}, "S3.NoSuchKeyException"),
        (f"{SDK}:ssm:getParameter", {"Name": "/none"}, "Ssm.ParameterNotFoundException"),
        (
            f"{SDK}:cloudformation:describeStacks",
            {"StackName": "none"},
            "CloudFormation.CloudFormationException",
        ),
        (
            f"{SDK}:sagemaker:describeModel",
            {"ModelName": "none"},
            "SageMaker.SageMakerException",
        ),
        (
            "arn:aws:states:::sagemaker:createTrainingJob.sync",
            {"TrainingJobName": "_"},
            "SageMaker.AmazonSageMakerException",
        ),
        (
            "arn:aws:states:::emr-serverless:startJobRun.sync",
            {
                "ApplicationId": "none",
                "ExecutionRoleArn": ROLE,
                "JobDriver": {"SparkSubmit": {"EntryPoint": "s3://bucket/key.py"}},
            },
            "EmrServerless.ResourceNotFoundException",
        ),
    ],
)
def test_errors_have_the_names_that_aws_gives_them(
    run_states: Run, bucket: str, resource: str, arguments: dict[str, Any], error: str
) -> None:
    if ":s3:" in resource:
        arguments = {**arguments, "Bucket": bucket}
    if "createTrainingJob" in resource:
        arguments = {**arguments, "StoppingCondition": {"MaxRuntimeInSeconds": 1},
                     "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1,
                                        "VolumeSizeInGB": 1},
                     "OutputDataConfig": {"S3OutputPath": "s3://bucket/"}, "RoleArn": ROLE,
                     "AlgorithmSpecification": {"TrainingInputMode": "File"}}  # fmt: skip

    found = run_states(caught(resource, arguments, error))

    assert found["output"]["Error"] == error
    assert found["output"]["Cause"]


@pytest.mark.parametrize("wildcard", ["States.ALL", "States.TaskFailed"])
def test_wildcards_catch_a_services_error(run_states: Run, wildcard: str) -> None:
    found = run_states(caught(f"{SDK}:ssm:getParameter", {"Name": "/none"}, wildcard))

    assert found["output"]["Error"] == "Ssm.ParameterNotFoundException"


def test_an_unknown_argument_fails_the_task_and_names_it(run_states: Run) -> None:
    found = run_states({"Get": task(f"{SDK}:ssm:getParameter", {"Nam": "/x"})})

    assert found["status"] == "FAILED"
    assert "Nam" in found["cause"]


def test_the_champion_pointer_is_put_and_read(run_states: Run) -> None:
    name = f"/tests/{uuid.uuid4()}"
    arguments = {"Name": name, "Value": "arn:x", "Type": "String", "Overwrite": True}
    states = {
        "Put": {**task(f"{SDK}:ssm:putParameter", arguments), "Next": "Get"},
        "Get": task(f"{SDK}:ssm:getParameter", {"Name": name}),
    }
    del states["Put"]["End"]

    found = run_states(states)

    assert found["output"]["Parameter"]["Value"] == "arn:x"
    assert found["output"]["Parameter"]["Version"] == 1


def test_a_set_is_added_to_and_the_old_value_returned(run_states: Run, aws: LocalAws) -> None:
    table = f"tests-{uuid.uuid4().hex[:8]}"
    aws.client("dynamodb").create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )

    def add(months: list[str], **more: Any) -> dict[str, Any]:
        return task(
            "arn:aws:states:::dynamodb:updateItem",
            {
                "TableName": table,
                "Key": {"id": {"S": "lock"}},
                "UpdateExpression": "ADD pending :months",
                "ExpressionAttributeValues": {":months": {"SS": months}},
                "ReturnValues": "UPDATED_OLD",
            },
            **more,
        )

    first = add(["2013-01"])
    del first["End"]

    found = run_states({"One": {**first, "Next": "Two"}, "Two": add(["2013-02"])})

    assert found["output"]["Attributes"] == {"pending": {"SS": ["2013-01"]}}


def test_a_lock_that_is_taken_fails_with_the_conditions_error(
    run_states: Run, aws: LocalAws
) -> None:
    table = f"tests-{uuid.uuid4().hex[:8]}"
    dynamodb = aws.client("dynamodb")
    dynamodb.create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    dynamodb.put_item(TableName=table, Item={"id": {"S": "lock"}, "owner": {"S": "x"}})
    arguments = {
        "TableName": table,
        "Item": {"id": {"S": "lock"}},
        "ConditionExpression": "attribute_not_exists(id)",
    }

    found = run_states(
        caught(
            "arn:aws:states:::dynamodb:putItem",
            arguments,
            "DynamoDB.ConditionalCheckFailedException",
        )
    )

    assert found["output"]["Error"] == "DynamoDB.ConditionalCheckFailedException"


def test_a_stack_is_updated_with_previous_values_and_described(
    run_states: Run, aws: LocalAws, deploy: Any
) -> None:
    pointer = f"/tests/{uuid.uuid4()}"
    aws.client("ssm").put_parameter(Name=pointer, Value="one", Type="String")
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": {"Ref": "Champion"}}}
    parameters = {"Champion": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": pointer}}
    outputs = {"Name": {"Value": {"Ref": "Champion"}}}
    stack = deploy({"Topic": topic}, Parameters=parameters, Outputs=outputs)
    aws.client("ssm").put_parameter(Name=pointer, Value="two", Type="String", Overwrite=True)
    name = stack["StackName"]
    update = task(
        f"{SDK}:cloudformation:updateStack",
        {
            "StackName": name,
            "UsePreviousTemplate": True,
            "Parameters": [{"ParameterKey": "Champion", "UsePreviousValue": True}],
            "Capabilities": ["CAPABILITY_IAM"],
        },
    )
    del update["End"]
    look = task(f"{SDK}:cloudformation:describeStacks", {"StackName": name})

    found = run_states({"Update": {**update, "Next": "Look"}, "Look": look})

    (described,) = found["output"]["Stacks"]
    assert described["StackStatus"] == "UPDATE_COMPLETE"
    assert described["Outputs"][0]["OutputValue"] == "two"


def test_an_update_that_changes_nothing_is_an_error_that_can_be_caught(
    run_states: Run, deploy: Any
) -> None:
    stack = deploy({"Topic": {"Type": "AWS::SNS::Topic"}})
    arguments = {"StackName": stack["StackName"], "UsePreviousTemplate": True}

    found = run_states(
        caught(
            f"{SDK}:cloudformation:updateStack", arguments, "CloudFormation.CloudFormationException"
        )
    )

    assert "No updates are to be performed" in found["output"]["Cause"]


def test_an_athena_query_is_waited_for_and_its_rows_read(
    run_states: Run, bucket: str, aws: LocalAws
) -> None:
    start = task(
        "arn:aws:states:::athena:startQueryExecution.sync",
        {
            "QueryString": "SELECT 'rows' AS name, 3 AS value UNION ALL SELECT 'share', 0.5",
            "ResultConfiguration": {"OutputLocation": f"s3://{bucket}/results/"},
        },
        Next="Rows",
    )
    del start["End"]
    states = {
        "Query": start,
        "Rows": task(
            "arn:aws:states:::athena:getQueryResults",
            {"QueryExecutionId": "{% $states.input.QueryExecution.QueryExecutionId %}"},
            Output="{% $states.result.ResultSet.Rows.[Data.VarCharValue] %}",
        ),
    }

    found = run_states(states)

    assert found["output"][0] == ["name", "value"]
    assert sorted(row[0] for row in found["output"][1:]) == ["rows", "share"]


def test_a_query_that_fails_ends_its_task_with_the_description_as_the_cause(
    run_states: Run, bucket: str
) -> None:
    found = run_states(
        caught(
            "arn:aws:states:::athena:startQueryExecution.sync",
            {
                "QueryString": "SELECT nothing FROM nowhere",
                "ResultConfiguration": {"OutputLocation": f"s3://{bucket}/results/"},
            },
            "States.TaskFailed",
        )
    )

    assert json.loads(found["output"]["Cause"])["QueryExecution"]["Status"]["State"] == "FAILED"


def test_another_execution_is_started_and_a_message_published(
    run_states: Run, aws: LocalAws
) -> None:
    name = f"tests-{uuid.uuid4().hex[:8]}"
    topic = aws.client("sns").create_topic(Name=name)["TopicArn"]
    queue = aws.client("sqs").create_queue(QueueName=name)["QueueUrl"]
    aws.client("sns").subscribe(
        TopicArn=topic,
        Protocol="sqs",
        Endpoint=f"arn:aws:sqs:{aws.region}:000000000000:{name}",
        Attributes={"RawMessageDelivery": "true"},
    )
    states_client = aws.client("stepfunctions")
    other = states_client.create_state_machine(
        name=f"other-{uuid.uuid4().hex[:8]}",
        definition=json.dumps({"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}),
        roleArn=ROLE,
    )["stateMachineArn"]
    start = task(
        f"{SDK}:sfn:startExecution",
        {"StateMachineArn": other, "Input": {"partitions": []}, "Name": "again"},
        Next="Tell",
    )
    del start["End"]

    found = run_states(
        {
            "Again": start,
            "Tell": task(
                "arn:aws:states:::sns:publish",
                {"TopicArn": topic, "Message": {"outcome": "promoted"}, "Subject": "done"},
            ),
        }
    )

    assert found["status"] == "SUCCEEDED", found
    assert found["output"]["MessageId"]
    (told,) = aws.client("sqs").receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"]
    assert json.loads(told["Body"]) == {"outcome": "promoted"}
    (execution,) = states_client.list_executions(stateMachineArn=other)["executions"]
    described = states_client.describe_execution(executionArn=execution["executionArn"])
    assert described["input"] == '{"partitions": []}'


def test_a_task_that_times_out_stops_its_job(aws: LocalAws, run_states: Run, bucket: str) -> None:
    emr = aws.client("emr-serverless")
    s3 = aws.client("s3")
    s3.put_object(Bucket=bucket, Key="slow.py", Body=b"import time\ntime.sleep(600)\n")
    application = emr.create_application(releaseLabel="emr-7.12.0", type="SPARK")["applicationId"]
    arguments = {
        "ApplicationId": application,
        "ExecutionRoleArn": ROLE,
        "JobDriver": {"SparkSubmit": {"EntryPoint": f"s3://{bucket}/slow.py"}},
    }

    found = run_states(
        caught(
            "arn:aws:states:::emr-serverless:startJobRun.sync",
            arguments,
            "States.Timeout",
            TimeoutSeconds=2,
        )
    )

    assert found["output"]["Error"] == "States.Timeout"
    (job,) = emr.list_job_runs(applicationId=application)["jobRuns"]
    until(
        lambda: (
            emr.get_job_run(applicationId=application, jobRunId=job["id"])["jobRun"]["state"]
            == "CANCELLED"
        )
    )
