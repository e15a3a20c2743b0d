"""A small AWS around the real state machine.

The machine runs in ministack's Step Functions engine, with its DynamoDB and its parameter store;
jobs, endpoint, CloudFormation, S3 and topics are fakes. Every call is held against AWS's own API
model before it is answered.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from botocore import xform_name
from ministack.services import dynamodb, ssm, stepfunctions

from tests.loop.aws_calls import problems

RUN_ROLE = "arn:aws:iam::000000000000:role/loop"
_SECONDS = 30


class AwsError(Exception):
    """An error of an AWS service, by the name that Step Functions gives it."""

    def __init__(self, error: str, cause: str) -> None:
        super().__init__(f"{error}: {cause}")
        self.error, self.cause = error, cause


@dataclass(frozen=True)
class Run:
    """How an execution ended."""

    name: str
    status: str
    output: dict[str, Any]
    error: str
    cause: str
    states: list[str]


@dataclass
class World:
    """What the loop works on, and what the test says about how it behaves.

    Attributes:
        good: Check → what Athena finds in a month that passes all checks.
        checks: Month → check → what Athena finds instead; an empty month has no rows at all.
        challenger_auc: What each next challenger reaches on its hold-out; the last one stays.
        champion_auc: What the champion reaches.
        failing: Action → error that it ends with.
        during: Action → what happens while it runs, once.
        update: How a stack update ends: "complete", "rolled back" or "silent" (complete, but the
            endpoint is back on its old configuration).
        calls: Every call: action and arguments.
    """

    definition: dict[str, Any]
    good: dict[str, str]
    checks: dict[str, dict[str, str | None]] = field(default_factory=dict)
    challenger_auc: list[float] = field(default_factory=lambda: [0.75])
    champion_auc: float = 0.74
    failing: dict[str, AwsError] = field(default_factory=dict)
    during: dict[str, Callable[[], object]] = field(default_factory=dict)
    update: str = "complete"
    stack_status: str = "CREATE_COMPLETE"
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    objects: dict[tuple[str, str], bytes] = field(default_factory=dict)
    packages: dict[str, dict[str, Any]] = field(default_factory=dict)
    messages: list[dict[str, Any]] = field(default_factory=list)
    mistakes: list[str] = field(default_factory=list)
    served: str = "none"  # the package behind the live endpoint
    resolved: str = "none"  # the package that the stack was last updated to

    def __post_init__(self) -> None:
        for service in (dynamodb, ssm, stepfunctions):
            service.reset()
        dynamodb._create_table(
            {
                "TableName": "state",
                "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
                "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
                "BillingMode": "PAY_PER_REQUEST",
            }
        )
        states = self.definition["States"]
        self.pointer_name = states["ReadPointer"]["Arguments"]["Name"]
        self.name = states["DescribeEndpoint"]["Arguments"]["EndpointName"]
        self.group = f"arn:aws:sagemaker:us-east-1:000000000000:model-package/{self.name}"
        ssm._put_parameter({"Name": self.pointer_name, "Value": "none", "Type": "String"})
        created = stepfunctions._create_state_machine(
            {
                "name": self.name,
                "definition": json.dumps(self.definition),
                "roleArn": RUN_ROLE,
            }
        )
        self.machine = json.loads(created[2])["stateMachineArn"]

    # --- what a test does ---------------------------------------------------------------------

    def arrive(self, *months: str, name: str = "") -> Run:
        """New objects of these months, as the pipe hands them over."""
        keys = [{"key": f"flight_delay/flights/month={month}/part-0.csv"} for month in months]
        return self.run(keys, name=name)

    def approve(self, version: int, at: str = "2030-01-01T00:00:00Z", name: str = "") -> Run:
        """A person approves a version, as EventBridge hands it over."""
        arn = f"{self.group}/{version}"
        self.packages[arn]["ModelApprovalStatus"] = "Approved"
        return self.run({"approved": arn, "at": at}, name=name)

    def run(self, document: Any, *, name: str = "") -> Run:
        """Start the machine, and wait for it and for the runs that it starts."""
        request = {"stateMachineArn": self.machine, "input": json.dumps(document)}
        started = stepfunctions._start_execution(request | ({"name": name} if name else {}))
        arn = json.loads(started[2])["executionArn"]
        self._wait(arn)
        return self.report(arn)

    def runs(self) -> list[Run]:
        """All runs until now, in the order in which they started; waits until they have ended."""
        for arn in list(stepfunctions._executions):
            self._wait(arn)
        ordered = sorted(stepfunctions._executions.values(), key=lambda item: item["startDate"])
        return [self.report(item["executionArn"]) for item in ordered]

    def report(self, arn: str) -> Run:
        assert not self.mistakes, self.mistakes
        execution = stepfunctions._executions[arn]
        output = json.loads(execution["output"]) if execution["status"] == "SUCCEEDED" else {}
        states = [
            event["stateEnteredEventDetails"]["name"]
            for event in execution["events"]
            if "stateEnteredEventDetails" in event
        ]
        return Run(
            execution["name"],
            execution["status"],
            output,
            execution.get("error", ""),
            execution.get("cause", ""),
            states,
        )

    @staticmethod
    def _wait(arn: str) -> None:
        deadline = time.monotonic() + _SECONDS
        while stepfunctions._executions[arn]["status"] == "RUNNING":
            assert time.monotonic() < deadline, "the run does not end"
            time.sleep(0.002)

    # --- what a test looks at -----------------------------------------------------------------

    def item(self) -> dict[str, Any]:
        """The loop's item in the state table."""
        status, _, body = dynamodb._get_item({"TableName": "state", "Key": {"id": {"S": "loop"}}})
        assert status == 200
        item: dict[str, Any] = json.loads(body).get("Item", {})
        return item

    def put_item(self, item: dict[str, Any]) -> None:
        dynamodb._put_item({"TableName": "state", "Item": {"id": {"S": "loop"}, **item}})

    def months(self, attribute: str) -> list[str]:
        """The list of months `clean` or `quarantined`."""
        return [entry["S"] for entry in self.item().get(attribute, {"L": []})["L"]]

    def pointer(self) -> str:
        status, _, body = ssm._get_parameter({"Name": self.pointer_name})
        assert status == 200
        return str(json.loads(body)["Parameter"]["Value"])

    def called(self, action: str) -> list[dict[str, Any]]:
        return [arguments for name, arguments in self.calls if name == action]

    def locked(self) -> bool:
        return "owner" in self.item()

    # --- AWS ----------------------------------------------------------------------------------

    def answer(self, resource: str, arguments: Any) -> Any:
        """Answers a task."""
        found = problems(resource, arguments)
        if found:
            self.mistakes.append(f"{resource}: {found}\n{json.dumps(arguments, indent=1)}")
            raise stepfunctions._ExecutionError("ParamValidationError", str(found))
        action = resource.removesuffix(".sync").rpartition(":")[2]
        self.calls.append((action, arguments))
        happening = self.during.pop(action, None)
        if happening:
            happening()
        if action in self.failing:
            error = self.failing[action]
            raise stepfunctions._ExecutionError(error.error, error.cause)
        try:
            return getattr(self, f"_on_{xform_name(action[:1].upper() + action[1:])}")(arguments)
        except AwsError as error:
            raise stepfunctions._ExecutionError(error.error, error.cause) from None

    def _on_update_item(self, arguments: Any) -> Any:
        return stepfunctions._invoke_dynamodb("updateItem", arguments)

    def _on_get_item(self, arguments: Any) -> Any:
        return stepfunctions._invoke_dynamodb("getItem", arguments)

    def _on_publish(self, arguments: Any) -> Any:
        self.messages.append(json.loads(arguments["Message"]))
        return {"MessageId": "1"}

    def _on_get_parameter(self, arguments: Any) -> Any:
        assert arguments["Name"] == self.pointer_name
        return {"Parameter": {"Name": self.pointer_name, "Value": self.pointer()}}

    def _on_put_parameter(self, arguments: Any) -> Any:
        status, _, body = ssm._put_parameter({**arguments, "Type": "String"})
        assert status == 200, body
        return {}

    def _on_start_job_run(self, arguments: Any) -> Any:
        script = arguments["JobDriver"]["SparkSubmit"]["EntryPointArguments"]
        months = script[script.index("--months") + 1]
        for month in months.split(","):
            self.objects["features", f"flight_delay/month={month}/part-0.parquet"] = b"PAR1"
        return {"JobRunId": "1", "State": "SUCCESS"}

    def _on_start_query_execution(self, arguments: Any) -> Any:
        self.query = arguments["QueryString"]
        return {"QueryExecution": {"QueryExecutionId": "query", "Status": {"State": "SUCCEEDED"}}}

    def _on_get_query_results(self, _arguments: Any) -> Any:
        asked = self.query.rpartition(" IN (")[2].partition(")")[0]
        rows: list[list[str | None]] = [["month", "num_rows", *self.good]]
        for month in asked.replace("'", "").split(", "):
            if self.checks.get(month) != {}:
                found = {**self.good, **self.checks.get(month, {})}
                rows.append([month, found["rows"], *found.values()])
        return {
            "ResultSet": {
                "Rows": [
                    {"Data": [{} if cell is None else {"VarCharValue": cell} for cell in row]}
                    for row in rows
                ]
            }
        }

    def _on_list_objects_v2(self, arguments: Any) -> Any:
        keys = [
            key
            for bucket, key in sorted(self.objects)
            if bucket == arguments["Bucket"] and key.startswith(arguments["Prefix"])
        ]
        return {
            "IsTruncated": len(keys) > arguments["MaxKeys"],
            "Contents": [
                {"Key": key, "ETag": '"0f"', "Size": 4} for key in keys[: arguments["MaxKeys"]]
            ],
        }

    def _on_put_object(self, arguments: Any) -> Any:
        body = json.dumps(arguments["Body"]).encode()
        self.objects[arguments["Bucket"], arguments["Key"]] = body
        return {"ETag": '"0f"'}

    def _on_get_object(self, arguments: Any) -> Any:
        return {"Body": self.objects[arguments["Bucket"], arguments["Key"]].decode()}

    def _on_create_training_job(self, arguments: Any) -> Any:
        name, output = arguments["TrainingJobName"], arguments["OutputDataConfig"]["S3OutputPath"]
        return {
            "TrainingJobName": name,
            "TrainingJobStatus": "Completed",
            "ModelArtifacts": {"S3ModelArtifacts": f"{output}/{name}/output/model.tar.gz"},
        }

    def _on_create_processing_job(self, arguments: Any) -> Any:
        auc = self.challenger_auc[0]
        if len(self.challenger_auc) > 1:
            self.challenger_auc.pop(0)
        compared = "--champion" in arguments["AppSpecification"]["ContainerArguments"]
        report = {
            "challenger": {"auc": auc, "sha256": "ab" * 32},
            "champion": {"auc": self.champion_auc, "sha256": "cd" * 32} if compared else None,
        }
        folder = arguments["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3Uri"]
        key = folder.removeprefix("s3://artifacts/") + "/evaluation.json"
        self.objects["artifacts", key] = json.dumps(report).encode()
        return {"ProcessingJobStatus": "Completed"}

    def _on_create_model_package(self, arguments: Any) -> Any:
        version = len(self.packages) + 1
        arn = f"{self.group}/{version}"
        self.packages[arn] = {
            **arguments,
            "ModelPackageArn": arn,
            "ModelPackageVersion": version,
        }
        return {"ModelPackageArn": arn}

    def _on_describe_model_package(self, arguments: Any) -> Any:
        return self.packages[arguments["ModelPackageName"]]

    def _on_describe_stacks(self, _arguments: Any) -> Any:
        status = self.stack_status
        if status == "UPDATE_IN_PROGRESS":
            self.stack_status = "UPDATE_COMPLETE"
        if status == "UPDATE_ROLLBACK_IN_PROGRESS":
            self.stack_status = "UPDATE_ROLLBACK_COMPLETE"
        return {
            "Stacks": [
                {
                    "StackStatus": status,
                    "Parameters": [
                        {"ParameterKey": "Champion", "ParameterValue": self.pointer_name},
                        {"ParameterKey": "BootstrapVersion", "ParameterValue": "/cdk-bootstrap/x"},
                    ],
                }
            ]
        }

    def _on_describe_stack_events(self, _arguments: Any) -> Any:
        events = [("Endpoint", "UPDATE_FAILED", "the alarm MainErrors went off"), ("Model", "", "")]
        return {
            "StackEvents": [
                {
                    "LogicalResourceId": name,
                    "ResourceStatus": status or "CREATE_COMPLETE",
                    "ResourceStatusReason": reason,
                    "ClientRequestToken": token,
                }
                for token in (self.called("updateStack")[-1]["ClientRequestToken"], "earlier")
                for name, status, reason in events
            ]
        }

    def _on_update_stack(self, arguments: Any) -> Any:
        assert {"ParameterKey": "Champion", "UsePreviousValue": True} in arguments["Parameters"]
        if self.resolved == self.pointer():
            raise AwsError(
                "CloudFormation.CloudFormationException",
                "No updates are to be performed. (Service: CloudFormation, Status Code: 400)",
            )
        if self.update == "rolled back":
            self.stack_status = "UPDATE_ROLLBACK_IN_PROGRESS"
            return {}
        self.stack_status, self.resolved = "UPDATE_IN_PROGRESS", self.pointer()
        if self.update == "complete":
            self.served = self.pointer()
        return {}

    def _on_describe_endpoint(self, arguments: Any) -> Any:
        assert arguments["EndpointName"] == self.name
        return {
            "EndpointStatus": "InService",
            "EndpointConfigName": f"config-{_version(self.served)}",
        }

    def _on_describe_endpoint_config(self, arguments: Any) -> Any:
        version = arguments["EndpointConfigName"].removeprefix("config-")
        return {"ProductionVariants": [{"VariantName": "main", "ModelName": f"model-{version}"}]}

    def _on_describe_model(self, arguments: Any) -> Any:
        version = arguments["ModelName"].removeprefix("model-")
        return {"PrimaryContainer": {"ModelPackageName": f"{self.group}/{version}"}}


def _version(arn: str) -> str:
    return arn.rpartition("/")[2]
