"""Settings of one environment: `config/environments/<name>.yaml`."""

from typing import Annotated, Literal

from pydantic import Field

from flywheel.settings.base import Many, Settings
from flywheel.settings.values import (
    EmailAddress,
    EnvironmentName,
    GitHubRepository,
    IpNetwork,
    LogRetentionDays,
    Region,
    ReviewRule,
    VpcEndpointService,
)


class NetworkSettings(Settings):
    """The private network that jobs and endpoints run in: isolated subnets, no internet."""

    cidr: IpNetwork
    """Address range of the VPC, /16 to /28. It is divided evenly among the zones."""
    max_azs: Annotated[int, Field(ge=1, le=6)] = 2
    """Availability zones to spread over; at least 2 for an endpoint that survives one."""
    interface_endpoints: Annotated[
        Many[VpcEndpointService], Field(json_schema_extra={"uniqueItems": True})
    ] = ()
    """AWS services reached through interface endpoints, by the last part of their service name
    (`sagemaker.api`, `ecr.dkr`). Each costs money by the hour and zone."""


class RetrainingSettings(Settings):
    """How arriving data becomes a run of the loop."""

    batching_window_seconds: Annotated[int, Field(ge=0, le=300)]
    """How long arrivals are collected before they start a run, 0 to 300 seconds.
    Source: Amazon EventBridge Pipes, MaximumBatchingWindowInSeconds."""
    batching_size: Annotated[int, Field(ge=1, le=10_000)] = 10_000
    """Arrivals that start a run before the window has passed, 1 to 10,000.
    Source: Amazon EventBridge Pipes, BatchSize of an SQS source."""
    settle_seconds: Annotated[int, Field(ge=0, le=3600)]
    """How long a run waits for the last objects of a batch before it starts; 0: not at all."""
    poll_seconds: Annotated[int, Field(ge=1, le=300)] = 30
    """Seconds between two looks at something that the loop waits for."""
    lock_hours: Annotated[int, Field(ge=1, le=168)] = 24
    """After so many hours the lock of a run that died counts as free."""


class CostSettings(Settings):
    """What the review assumes where it says what the environment costs: no template knows it."""

    storage_gb: Annotated[float, Field(ge=0)] = 100.0
    """Data in all zones together, in GB."""
    logs_gb_per_month: Annotated[float, Field(ge=0)] = 5.0
    """What all log groups together receive in a month, in GB."""
    endpoint_hours_per_month: Annotated[float, Field(ge=0, le=744)] = 730.0
    """Hours a month that the endpoints are up."""
    spark_minutes: Annotated[float, Field(ge=0)] = 10.0
    """How long the Spark job of one retraining runs, in minutes."""
    training_minutes: Annotated[float, Field(ge=0)] = 15.0
    """How long one training job runs, in minutes."""
    evaluation_minutes: Annotated[float, Field(ge=0)] = 10.0
    """How long an evaluation, or a batch prediction for it, runs, in minutes."""
    checked_gb: Annotated[float, Field(ge=0)] = 1.0
    """What the data checks of one retraining scan, in GB."""
    kilobytes_per_prediction: Annotated[float, Field(ge=0)] = 2.0
    """Size of a request, and of its answer, in kB."""


class ReviewSettings(Settings):
    """The infrastructure review of this environment."""

    blocking: Annotated[Many[ReviewRule], Field(json_schema_extra={"uniqueItems": True})] = (
        "data_lost",
        "cannot_deploy",
        "outsider_admitted",
        "check_failed",
    )
    """Rules whose breaking makes `make review` end with an error; docs/review.md says what each
    means."""
    costs: CostSettings = CostSettings()


class GitHubSettings(Settings):
    """Deployment by GitHub Actions, without any stored credentials."""

    repository: GitHubRepository
    """Owner and name, `owner/name`: only its workflows may deploy, and of them only jobs of the
    GitHub environment that is called like this environment."""
    create_provider: bool = True
    """true: the stack makes the account's identity provider for GitHub; false: it is there
    already, from another environment of the same account. An account has one at most."""


class EnvironmentSettings(Settings):
    """One environment: an AWS account and region, or the embedded AWS (`local`)."""

    name: EnvironmentName
    """The file's name without `.yaml`. At most 12 characters, because it is part of other names."""
    region: Region
    """AWS region, for example eu-west-1."""
    retain_data: bool
    """true: data and keys survive the deletion of their stack; false: they are deleted with it."""
    termination_protection: bool
    """true: CloudFormation refuses to delete the stacks."""
    approval: Literal["automatic", "manual"]
    """automatic: a model that passes the gate is deployed; manual: a person approves it first."""
    log_retention_days: LogRetentionDays
    """Days that logs are kept; one of the numbers that CloudWatch Logs knows."""
    network: NetworkSettings
    budget_usd_per_month: Annotated[float, Field(gt=0)] | None = None
    """Monthly costs in US dollars above which a warning is sent; null: no budget."""
    alarm_email: EmailAddress | None = None
    """Where alarms and the loop's messages go; null: to the topic only."""
    retraining: RetrainingSettings
    review: ReviewSettings = ReviewSettings()
    github: GitHubSettings | None = None
    """null: nobody but people deploys."""
