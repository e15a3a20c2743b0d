"""Settings of one workload: `config/workloads/<name>.yaml`."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, StringConstraints, WrapValidator

from flywheel.settings.base import FrozenDict, Many, Settings, Table
from flywheel.settings.script_or_algorithm import image_of_algorithm, only_for_scripts
from flywheel.settings.values import (
    AlgorithmKey,
    ChannelName,
    CheckName,
    ColumnName,
    FolderName,
    GlueType,
    HostingInstanceType,
    HyperparameterName,
    HyperparameterValue,
    Memory,
    MetricRegex,
    ProcessingInstanceType,
    RangeBound,
    RangeValue,
    ScheduleExpression,
    ScriptName,
    SourceFolder,
    SourcePath,
    TrainingInstanceType,
    TriggerPrefix,
    VariantName,
    VirtualCpus,
    WorkloadName,
)

Sentence = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Minutes = Annotated[int, Field(ge=1)]


class TablesSettings(Settings):
    """Columns of the Glue tables. Both are partitioned by `data.partition`."""

    curated: Annotated[Table[ColumnName, GlueType], Field(min_length=1)]
    """Typed rows, bad values kept: the checks look at them."""
    features: Table[ColumnName, GlueType] = Field(default_factory=FrozenDict)
    """What training reads: features and label. None for a built-in algorithm, whose channels are
    files in the form that it takes, not a table."""


class DataSettings(Settings):
    """Where the workload's data arrives and what it looks like in the lake."""

    trigger_prefix: TriggerPrefix
    """Key prefix below `<workload>/` in the raw zone whose new objects start the loop."""
    partition: ColumnName = "month"
    """Partition column; a key part `<partition>=<value>` names the partition of an object."""
    tables: TablesSettings


class WorkerSettings(Settings):
    """Size of one EMR Serverless worker."""

    cpu: VirtualCpus
    """`1 vCPU`, `2 vCPU`, `4 vCPU`, `8 vCPU` or `16 vCPU`."""
    memory: Memory
    """Whole gigabytes, for example `8 GB`; what is allowed depends on the CPUs."""


class ExecutorSettings(WorkerSettings):
    """Size and number of the Spark executors."""

    instances: Annotated[int, Field(ge=1)]
    """Executors at the start of the job."""


class CapacitySettings(Settings):
    """Upper limit of all workers of the EMR Serverless application together."""

    cpu: VirtualCpus
    memory: Memory


Modules = Annotated[Many[SourcePath], Field(json_schema_extra={"uniqueItems": True})]


class EtlSettings(Settings):
    """The Spark job that turns raw files into curated rows and features."""

    script: SourcePath
    """PySpark script, relative to the repository."""
    modules: Modules = ()
    """Modules of this repository that the script imports by their path: etl_code/builtin/monthly.py
    is `from etl_code.builtin.monthly import …`."""
    timeout_minutes: Minutes = 60
    driver: WorkerSettings
    executor: ExecutorSettings
    maximum_capacity: CapacitySettings


class CheckSettings(Settings):
    """One data check: an aggregate over the batch's rows of the curated table, and its bounds."""

    name: CheckName
    expression: Annotated[str, StringConstraints(min_length=1, max_length=2000)]
    """Athena SQL aggregate, for example `count(*)`."""
    min: float | None = None
    """Smallest value that passes; null: no lower bound."""
    max: float | None = None
    """Largest value that passes; null: no upper bound."""


class ImageSettings(Settings):
    """A container image of AWS's catalogue."""

    framework: str
    """Framework, for example xgboost."""
    version: str
    """Version as AWS writes it, for example 3.2-0."""


class MetricSettings(Settings):
    """A number that SageMaker reads from the training log."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=255)]
    regex: MetricRegex
    """Regular expression with one group, the number. At most 500 characters."""


class ChannelSettings(Settings):
    """One input of a built-in algorithm: what it holds and where it comes from."""

    data: Literal["training", "selection", "holdout", "fixed"]
    """training: all clean months before the hold-out; selection: the newest of them, which is then
    not trained on; holdout: the newest month; fixed: the same objects in every run."""
    folder: FolderName | None = None
    """Folder below `<workload>/` in the features zone; null: the channel's name."""
    content_type: Annotated[str, StringConstraints(min_length=1, max_length=256)] | None = None
    """For example text/csv; null: what the algorithm takes it for."""
    input_mode: Literal["File", "Pipe"] = "File"
    """How the data reaches the container. FastFile takes no manifests, and a channel is one: the
    files of its months. Source: Amazon SageMaker API, TrainingInputMode."""


class RangeSettings(Settings):
    """What tuning tries for one hyperparameter: a range or some values.

    Empty for a built-in algorithm: the range that AWS recommends.
    """

    min: RangeBound = None
    max: RangeBound = None
    values: Annotated[Many[RangeValue], Field(min_length=1, max_length=30)] | None = None
    """One to thirty values. Source: Amazon SageMaker API, ParameterValues."""
    scaling: Literal["Auto", "Linear", "Logarithmic", "ReverseLogarithmic"] | None = None


class TuningSettings(Settings):
    """Tuning instead of a single training: several jobs, the best model goes on."""

    objective: Annotated[str, StringConstraints(min_length=1, max_length=255)]
    """The metric that decides: one of `metrics`, or one that the built-in algorithm reports."""
    goal: Literal["maximize", "minimize"] | None = None
    """Which value of the objective is best; a built-in algorithm knows it itself."""
    ranges: Annotated[Table[HyperparameterName, RangeSettings], Field(min_length=1, max_length=30)]
    """Hyperparameters and what is tried, at most 30.
    Source: Amazon SageMaker API, ParameterRanges."""
    max_jobs: Annotated[int, Field(ge=1, le=750)] = 10
    """Trainings in all."""
    max_parallel_jobs: Annotated[int, Field(ge=1, le=100)] = 2
    """Trainings at the same time; fewer of them learn more from each other."""
    strategy: Literal["Bayesian", "Random", "Hyperband", "Grid"] = "Bayesian"
    early_stopping: bool = True
    """true: a training that is not going to be the best is stopped."""
    warm_start: bool = False
    """true: begins with what the previous run's tuning has learnt."""


_SCRIPT_OR_ALGORITHM: dict[str, Any] = {
    "if": {"required": ["algorithm"], "properties": {"algorithm": {"type": "string"}}},
    "then": {"not": {"anyOf": [{"required": [name]} for name in ("source", "script", "image")]}},
    "else": {"required": ["source", "script", "image"]},
}


class TrainingSettings(Settings):
    """The training job: a script of ours in a framework's image, or a built-in algorithm."""

    model_config = ConfigDict(json_schema_extra=_SCRIPT_OR_ALGORITHM)

    algorithm: AlgorithmKey | None = None
    """A built-in algorithm, for example kmeans; null: a script trains."""
    algorithm_version: str | None = None
    """Version of XGBoost as AWS writes it; null: the catalogue's. The others have one version."""
    source: Annotated[SourceFolder, WrapValidator(only_for_scripts)] = Field(
        default="", validate_default=True
    )
    """Folder of the training code, relative to the repository."""
    script: Annotated[ScriptName, WrapValidator(only_for_scripts)] = Field(
        default="", validate_default=True
    )
    """The training script, a file directly inside `source`."""
    image: Annotated[ImageSettings, WrapValidator(image_of_algorithm)] = Field(
        default=None, validate_default=True
    )
    """The framework's container; a built-in algorithm brings its own."""
    channels: Annotated[Table[ChannelName, ChannelSettings], Field(max_length=20)] = Field(
        default_factory=FrozenDict
    )
    """Inputs of a built-in algorithm, at most 20; a script has the channel train."""
    instance_type: TrainingInstanceType
    instance_count: Annotated[int, Field(ge=1)] = 1
    volume_size_gb: Annotated[int, Field(ge=1, le=16_384)] = 30
    """Disk of each instance in GB, 1 to 16,384."""
    max_runtime_minutes: Annotated[int, Field(ge=1, le=40_320)]
    """Longest run, in minutes; AWS's limit is 28 days.
    Source: Amazon SageMaker API, StoppingCondition."""
    spot: bool = False
    """true: spare capacity at a lower price, which AWS may take away; use `checkpoints`."""
    max_wait_minutes: Annotated[int, Field(ge=1, le=40_320)] | None = None
    """With spot: longest wait and run together, in minutes; at least `max_runtime_minutes`.
    Without spot it has no effect, so that an environment may override `spot` alone."""
    checkpoints: bool = False
    """true: /opt/ml/checkpoints is kept in S3, so that an interrupted job resumes."""
    hyperparameters: Annotated[
        Table[HyperparameterName, HyperparameterValue], Field(max_length=100)
    ] = Field(default_factory=FrozenDict)
    """What the script or the algorithm receives; at most 100."""
    metrics: Annotated[Many[MetricSettings], Field(max_length=40)] = ()
    """Metric definitions of a script, at most 40; a built-in algorithm defines its own."""
    tuning: TuningSettings | None = None
    """null: a single training."""


class EvaluationSettings(Settings):
    """The processing job that evaluates challenger and champion on the same hold-out."""

    script: SourcePath
    """Script, relative to the repository. It runs in `image`."""
    modules: Modules = ()
    """Modules of this repository that the script imports by their path, as those of `etl`."""
    image: ImageSettings | None = None
    """null: the training image, which a built-in algorithm cannot lend: it runs no script."""
    instance_type: ProcessingInstanceType
    volume_size_gb: Annotated[int, Field(ge=1, le=16_384)] = 30
    max_runtime_minutes: Annotated[int, Field(ge=1, le=12_960)] = 30
    """Longest run, in minutes; AWS's limit is 9 days."""


class GateSettings(Settings):
    """When a challenger is promoted: metric >= minimum and metric >= champion's - tolerance."""

    metric: Annotated[str, StringConstraints(min_length=1)]
    """A number of evaluation.json; larger is better."""
    minimum: float
    """Smallest value of a model that may be promoted."""
    tolerance: Annotated[float, Field(ge=0)] = 0.0
    """How much worse than the champion the challenger may be on the same hold-out."""


class VariantSettings(Settings):
    """One production variant: a fleet of equal instances behind the endpoint."""

    name: VariantName = "main"
    instance_type: HostingInstanceType
    instance_count: Annotated[int, Field(ge=1)] = 1
    weight: Annotated[float, Field(ge=0)] = 1.0
    """Share of the traffic, relative to the other variants."""


class CanarySettings(Settings):
    """An endpoint update shows itself on a part of the fleet before it takes all traffic."""

    percent: Annotated[int, Field(ge=1, le=50)] = 10
    """Share of the fleet that moves first, in percent; AWS allows at most 50.
    Source: Amazon SageMaker API, TrafficRoutingConfig.CanarySize."""
    wait_seconds: Annotated[int, Field(ge=0, le=3600)] = 300
    """How long the alarms look at the canary; at most an hour.
    Source: Amazon SageMaker API, WaitIntervalInSeconds."""


class AutoscalingSettings(Settings):
    """Target tracking on the invocations of each instance."""

    min_count: Annotated[int, Field(ge=1)] = 1
    max_count: Annotated[int, Field(ge=1)]
    invocations_per_instance_per_minute: Annotated[int, Field(ge=1)]


class ServingSettings(Settings):
    """The endpoint."""

    source: SourceFolder = ""
    """Folder of the inference code, relative to the repository; a built-in algorithm has none."""
    script: ScriptName = ""
    """The inference script, a file directly inside `source`."""
    variants: Annotated[Many[VariantSettings], Field(min_length=1, max_length=10)]
    """One to ten fleets. Source: Amazon SageMaker API, ProductionVariantList."""
    data_capture_percent: Annotated[int, Field(ge=0, le=100)] = 0
    """Share of requests and responses that is kept in S3, in percent; 0: off."""
    canary: CanarySettings | None = None
    """null: all traffic moves at once."""
    autoscaling: AutoscalingSettings | None = None
    """null: `instance_count` stays as it is."""
    max_latency_ms: Annotated[float, Field(gt=0)]
    """Model latency in milliseconds above which an alarm rolls an update back."""
    max_error_percent: Annotated[float, Field(ge=0, le=100)]
    """Share of failed invocations, in percent, above which an alarm rolls an update back."""


class ApiSettings(Settings):
    """Limits of the public API, for all clients together."""

    throttle_rate_per_second: Annotated[float, Field(gt=0, le=10_000)] = 50.0
    """Steady requests a second."""
    throttle_burst: Annotated[int, Field(ge=1, le=5_000)] = 100
    """Requests at one moment."""


class WorkloadSettings(Settings):
    """One workload: from arriving data to predictions."""

    read_elsewhere = ("overrides",)

    name: WorkloadName
    """The file's name without `.yaml`: lower case words joined by underscores."""
    description: Sentence
    data: DataSettings
    etl: EtlSettings
    checks: Annotated[Many[CheckSettings], Field(min_length=1)]
    """Data checks; a batch that fails one is quarantined."""
    training: TrainingSettings
    evaluation: EvaluationSettings
    gate: GateSettings
    serving: ServingSettings
    api: ApiSettings = ApiSettings()
    schedule: ScheduleExpression | None = None
    """When the loop also starts without new data, as EventBridge Scheduler writes it:
    `rate(7 days)` or `cron(0 6 ? * MON *)`, in UTC; null: only data starts it."""

    @property
    def dashed_name(self) -> str:
        """The name as AWS resource names want it: flight_delay → flight-delay."""
        return self.name.replace("_", "-")

    @property
    def construct_name(self) -> str:
        """The name as construct ids want it: flight_delay → FlightDelay."""
        return "".join(word.capitalize() for word in self.name.split("_"))
