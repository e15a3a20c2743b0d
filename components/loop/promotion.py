"""A model that passed is registered, and deployed at once or after a person approved it."""

from components.loop.asl import State, allow, choice, expression, literal, note, task
from components.loop.champion import allow_describe_packages
from components.loop.context import LoopContext
from components.loop.model_package import inference_specification, metadata


def promotion(loop: LoopContext) -> list[State]:
    """From a model that passed the gate, or that a person approved, to its deployment."""
    return [
        register(loop),
        choice(
            "MayItBeDeployed",
            [(f"{literal(loop.environment.approval)} = 'automatic'", "CheckStack")],
            otherwise="AskForApproval",
            comment="The environment's settings say who approves",
        ),
        note(
            "AskForApproval",
            {
                "outcome": "pending_approval",
                "reason": expression("$reason & '; a person has to approve it'"),
            },
            then="Release",
            comment="An approval in the model registry starts the loop again",
        ),
        describe_approved(loop),
        choice(
            "IsApproved",
            [("$status = 'Approved'", "CheckStack")],
            otherwise="NothingToDo",
            comment="The approval may have been taken back meanwhile",
        ),
    ]


def register(loop: LoopContext) -> State:
    """One immutable package: image, artifact, environment, metrics, where its data is written."""
    artifacts = f"s3://{loop.lake.artifacts.bucket_name}/{loop.run_folder}"
    group = loop.registry.model_package_group_name
    automatic = loop.environment.approval == "automatic"
    return task(
        "Register",
        "aws-sdk:sagemaker:createModelPackage",
        {
            "ModelPackageGroupName": group,
            "ModelPackageDescription": expression("$reason"),
            "ModelApprovalStatus": "Approved" if automatic else "PendingManualApproval",
            "ClientToken": expression("$run"),
            "InferenceSpecification": inference_specification(loop),
            "ModelMetrics": {
                "ModelQuality": {
                    "Statistics": {
                        "ContentType": "application/json",
                        "S3Uri": expression(
                            f"'{artifacts}' & $run & '/evaluation/evaluation.json'"
                        ),
                    }
                }
            },
            "CustomerMetadataProperties": metadata(loop),
        },
        then="MayItBeDeployed",
        comment="Only models that passed are registered",
        assign={
            "target": expression("$states.result.ModelPackageArn"),
            "challenger": expression(
                """$merge([$challenger, {
                "arn": $states.result.ModelPackageArn,
                "version": $number($split($states.result.ModelPackageArn, '/')[-1])
                }])"""
            ),
        },
        needs=[
            allow(
                "sagemaker:CreateModelPackage",
                on=[
                    loop.arn("sagemaker", "model-package-group", group),
                    loop.arn("sagemaker", "model-package", f"{group}/*"),
                ],
            )
        ],
    )


def describe_approved(loop: LoopContext) -> State:
    """The model that a person approved."""
    metric = loop.workload.gate.metric
    return task(
        "DescribeApproved",
        "aws-sdk:sagemaker:describeModelPackage",
        {"ModelPackageName": expression("$approval.arn")},
        then="IsApproved",
        comment="Also an older version: approving it again brings it back",
        assign={
            "status": expression("$states.result.ModelApprovalStatus"),
            "target": expression("$approval.arn"),
            "reason": expression(
                "'a person approved version ' & $string($states.result.ModelPackageVersion)"
            ),
            "challenger": {
                "arn": expression("$approval.arn"),
                "version": expression("$states.result.ModelPackageVersion"),
                metric: expression(
                    f"""(
                    $text := $lookup($states.result.CustomerMetadataProperties, {literal(metric)});
                    $exists($text) ? $number($text) : null
                    )"""
                ),
            },
        },
        needs=[allow_describe_packages(loop)],
    )
