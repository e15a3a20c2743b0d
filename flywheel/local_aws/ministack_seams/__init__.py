"""Every touch of ministack's private names, and nothing else.

ministack is the AWS that runs here; what it lacks is added through its registries, which are
private names of exactly one version. They are all in this package, so that an upgrade means reading
it and running its tests.
"""

from flywheel.local_aws.ministack_seams.alarms import allow_math_alarms
from flywheel.local_aws.ministack_seams.api_gateway import (
    RestIntegration,
    RestRequest,
    add_rest_integration,
    check_only_modelled_bodies,
    select_integration_response,
)
from flywheel.local_aws.ministack_seams.cloudformation import (
    Properties,
    ResourceType,
    add_resource_type,
    complete_resource_type,
    physical_name,
    resource_types,
    unsupported,
)
from flywheel.local_aws.ministack_seams.pipes import Pipe, keep_pipe_parameters, running_pipes
from flywheel.local_aws.ministack_seams.services import (
    Handler,
    Response,
    account_and_region,
    add_service,
    asgi_app,
    json_error,
    put_events,
    request_scope,
    wrap_service,
)
from flywheel.local_aws.ministack_seams.step_functions import (
    Cancellation,
    TaskRun,
    add_task,
    cancellation,
    start_execution,
    task_error,
    use_sdk_tasks,
)
from flywheel.local_aws.ministack_seams.version import VERSION, VersionError, check_version

__all__ = [
    "VERSION",
    "Cancellation",
    "Handler",
    "Pipe",
    "Properties",
    "ResourceType",
    "Response",
    "RestIntegration",
    "RestRequest",
    "TaskRun",
    "VersionError",
    "account_and_region",
    "add_resource_type",
    "add_rest_integration",
    "add_service",
    "add_task",
    "allow_math_alarms",
    "asgi_app",
    "cancellation",
    "check_only_modelled_bodies",
    "check_version",
    "complete_resource_type",
    "json_error",
    "keep_pipe_parameters",
    "physical_name",
    "put_events",
    "request_scope",
    "resource_types",
    "running_pipes",
    "select_integration_response",
    "start_execution",
    "task_error",
    "unsupported",
    "use_sdk_tasks",
    "wrap_service",
]
