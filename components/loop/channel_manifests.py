"""The files of a built-in algorithm's channels: one folder a channel, or several channels a folder.

Below `<workload>/` the feature zone has a folder for each channel with the months in it, one for
the requests and one for the truth of the evaluation. What a channel gets is a manifest of the files
of its months; what is the same in every run is a folder without months.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from components.algorithm_data import REQUESTS, TRUTH, folder_of
from components.loop.asl import State, expression, literal, task_for_each
from components.loop.context import LoopContext
from components.loop.intake import MONTH

MAX_FILES = 500
"""Files that one folder may hold, of all months together: about 150 KB of the 256 KiB that AWS lets
a state's result have. Source: AWS Step Functions Developer Guide, "Service quotas"."""
MAX_ALL_FILES = 1000
"""Files of all folders that one run may use: their keys, ETags and sizes are one state's result."""

FIXED = "fixed"
_MONTHS = {
    "training": "$training_months",
    "selection": "$selection_month",
    "holdout": "$holdout",
    FIXED: f"'{FIXED}'",
}
"""What a channel holds → JSONata of its months."""


@dataclass(frozen=True)
class Channel:
    """Files that somebody reads: a channel of the training, or what the evaluation needs."""

    name: str
    folder: str
    holds: tuple[str, ...]


def channels(loop: LoopContext) -> list[Channel]:
    """The training's channels, and what the naive model of the evaluation learns from."""
    training = loop.workload.training.channels
    return [
        *(Channel(name, folder_of(name, use), (use.data,)) for name, use in training.items()),
        Channel("reference", TRUTH, ("training",)),
    ]


def list_folders(loop: LoopContext) -> State:
    """Finds the files of the run's months; a missing one fails the run instead of training."""
    needed: dict[str, list[str]] = {}
    for channel in [*channels(loop), Channel("truth", TRUTH, ("holdout",))]:
        needed.setdefault(channel.folder, []).extend(channel.holds)
    listings = [_listing(loop, folder, holds) for folder, holds in needed.items()]
    return task_for_each(
        "ListFeatures",
        f"[{', '.join([*listings, _look_for_requests(loop)])}]",
        "aws-sdk:s3:listObjectsV2",
        {
            "Bucket": loop.lake.features.bucket_name,
            "Prefix": expression("$states.input.prefix"),
            "MaxKeys": expression("$states.input.most"),
        },
        inner_name="ListFolder",
        output=expression(_found(loop)),
        then="WriteManifests",
        comment="Each folder must have files for each of its months",
        assign={
            "objects": expression(
                f"""(
                $all := [$reduce($states.result, function($before, $more) {{
                    $append($before, $more)}}, [])];
                $count($all) > {MAX_ALL_FILES}
                ? $error('more than {MAX_ALL_FILES} files: the Spark job should write fewer')
                : $all
                )"""
            )
        },
        needs=[lambda role: loop.lake.features.grant_read(role, f"{loop.workload.name}/*")],
    )


def _listing(loop: LoopContext, folder: str, holds: Iterable[str]) -> str:
    """JSONata of one folder to list."""
    held = sorted(set(holds))
    prefix = f"{loop.workload.name}/{folder}/"
    if FIXED not in held:
        prefix += f"{loop.partition}="
    return f"""{{"folder": {literal(folder)}, "prefix": {literal(prefix)}, "most": {MAX_FILES},
        "months": {_months(held)}}}"""


def _look_for_requests(loop: LoopContext) -> str:
    """The hold-out's requests must be there; how many there are is the transform job's business."""
    prefix = f"{loop.workload.name}/{REQUESTS}/{loop.partition}="
    return f"""{{"folder": {literal(REQUESTS)}, "prefix": {literal(prefix)} & $holdout & '/',
        "most": 1, "months": {_months(["holdout"])}}}"""


def _months(holds: Iterable[str]) -> str:
    """JSONata of an array; a constructor takes the members of arrays that variables hold."""
    return f"[{', '.join(_MONTHS[data] for data in holds)}]"


def _found(loop: LoopContext) -> str:
    """JSONata of a folder's files, of the months that are wanted."""
    return f"""(
        $asked := $states.input;
        $states.result.IsTruncated and $asked.most > 1
        ? $error('more than {MAX_FILES} files in the folder ' & $asked.folder
            & ': the Spark job should write fewer');
        $is_wanted := $merge($asked.months.{{$: true}});
        $found := $states.result.Contents[$not($contains(Key, /\\/[_.]|\\/$/))].{{
            "folder": $asked.folder,
            "month": '{FIXED}' in $asked.months ? '{FIXED}'
                : $match(Key, /\\/{loop.partition}=({MONTH})\\//, 1).groups[0],
            "key": Key, "etag": $replace(ETag, '"', ''), "size": $number(Size)}};
        $is_found := $merge($found.{{month: true}});
        $missing := $asked.months[$not($exists($lookup($is_found, $)))];
        $exists($missing)
        ? $error('the Spark job wrote no files to the folder ' & $asked.folder
            & ('{FIXED}' in $missing ? '' : ' for ' & $join($missing, ', ')));
        $asked.most > 1 ? [$found[$exists($lookup($is_wanted, month))]] : []
        )"""


def write_manifests(loop: LoopContext) -> State:
    """SageMaker's own form: a prefix and the keys below it."""
    lake, workload = loop.lake, loop.workload.name
    items = [
        f"""{{"name": {literal(channel.name)}, "folder": {literal(channel.folder)},
            "months": {_months(channel.holds)}}}"""
        for channel in channels(loop)
        if FIXED not in channel.holds
    ]
    return task_for_each(
        "WriteManifests",
        f"[{', '.join(items)}]",
        "aws-sdk:s3:putObject",
        {
            "Bucket": lake.artifacts.bucket_name,
            "Key": expression(
                f"{literal(loop.run_folder)} & $run & '/' & $states.input.name & '.manifest'"
            ),
            "ContentType": "application/json",
            "Body": expression(
                f"""(
                $asked := $states.input;
                $is_wanted := $merge($asked.months.{{$: true}});
                $folder := {literal(f"{workload}/")} & $asked.folder & '/';
                $append(
                    [{{"prefix": {literal(f"s3://{lake.features.bucket_name}/")} & $folder}}],
                    [$objects[folder = $asked.folder and $exists($lookup($is_wanted, month))]
                        .$substring(key, $length($folder))])
                )"""
            ),
        },
        inner_name="WriteManifest",
        output={},
        then="WriteDataManifest",
        comment="The container cannot see any other data",
        needs=[lambda role: lake.artifacts.grant_put(role, f"{loop.run_folder}*")],
    )
