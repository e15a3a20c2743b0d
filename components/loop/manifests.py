"""What a model learns from and is judged by, file by file."""

from components.loop.asl import State, expression, literal, task
from components.loop.channel_manifests import list_folders, write_manifests
from components.loop.context import LoopContext
from components.loop.intake import MONTH
from components.loop.tuning import first_training_state

MAX_FILES = 500
"""Feature files that one listing may hold, of all months together: about 150 KB of the 256 KiB that
AWS lets a state's result have. The Spark job writes a few files a month.
Source: AWS Step Functions Developer Guide, "Service quotas"."""


def manifests(loop: LoopContext) -> list[State]:
    """From the clean months to the manifests of their files.

    A script has one channel, which is the table of features; an algorithm has its own.
    """
    if loop.algorithm:
        return [list_folders(loop), write_manifests(loop), write_data_manifest(loop)]
    return [list_features(loop), write_manifest(loop), write_data_manifest(loop)]


def list_features(loop: LoopContext) -> State:
    """Finds the files of the clean months; an incomplete list fails the run instead of training."""
    prefix = f"{loop.workload.name}/{loop.partition}="
    return task(
        "ListFeatures",
        "aws-sdk:s3:listObjectsV2",
        {"Bucket": loop.lake.features.bucket_name, "Prefix": prefix, "MaxKeys": MAX_FILES},
        then="WriteManifest",
        comment="Training gets exactly the files of the clean months",
        assign={
            "objects": expression(
                f"""(
                $states.result.IsTruncated
                ? $error('more than {MAX_FILES} feature files: the Spark job should write fewer');
                $wanted := $append($training_months, [$holdout]);
                $is_wanted := $merge($wanted.{{$: true}});
                $found := $states.result.Contents[$contains(Key, /\\.parquet$/)].{{
                    "month": $match(Key, /\\/{loop.partition}=({MONTH})\\//, 1).groups[0],
                    "key": Key, "etag": $replace(ETag, '"', ''), "size": $number(Size)}};
                $is_found := $merge($found.{{month: true}});
                $missing := $wanted[$not($exists($lookup($is_found, $)))];
                $exists($missing)
                ? $error('the Spark job wrote no features for ' & $join($missing, ', '));
                [$found[$exists($lookup($is_wanted, month))]]
                )"""
            )
        },
        needs=[lambda role: loop.lake.features.grant_read(role, f"{loop.workload.name}/*")],
    )


def write_manifest(loop: LoopContext) -> State:
    """SageMaker's own form: a prefix and the keys below it."""
    features = f"s3://{loop.lake.features.bucket_name}/{loop.workload.name}/"
    skip = len(loop.workload.name) + 1
    return task(
        "WriteManifest",
        "aws-sdk:s3:putObject",
        {
            "Bucket": loop.lake.artifacts.bucket_name,
            "Key": expression(f"{literal(loop.run_folder)} & $run & '/train.manifest'"),
            "ContentType": "application/json",
            "Body": expression(
                f"""$append([{{"prefix": {literal(features)}}}],
                [$objects[month != $holdout].$substring(key, {skip})])"""
            ),
        },
        then="WriteDataManifest",
        comment="The container cannot see any other data",
        needs=[lambda role: loop.lake.artifacts.grant_put(role, f"{loop.run_folder}*")],
    )


def write_data_manifest(loop: LoopContext) -> State:
    """What the model learnt from and was judged by; the model package points to it."""
    return task(
        "WriteDataManifest",
        "aws-sdk:s3:putObject",
        {
            "Bucket": loop.lake.artifacts.bucket_name,
            "Key": expression(f"{literal(loop.run_folder)} & $run & '/data_manifest.json'"),
            "ContentType": "application/json",
            "Body": {
                "run_id": expression("$run"),
                "workload": loop.workload.name,
                "bucket": loop.lake.features.bucket_name,
                "training_months": expression("$training_months"),
                **({"selection_month": expression("$selection_month")} if loop.selects else {}),
                "holdout_month": expression("$holdout"),
                "quarantined_months": expression("$quarantined"),
                "objects": expression("$objects"),
            },
        },
        then=first_training_state(loop),
        comment="Keys, ETags and sizes",
        needs=[lambda role: loop.lake.artifacts.grant_put(role, f"{loop.run_folder}*")],
    )
