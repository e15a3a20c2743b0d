"""Every touch of ministack's private names, and nothing else.

ministack is the AWS that runs here; what it lacks is added through its registries, which are
private names of exactly
one version. They are all below, one function each, so that an upgrade means reading one file and
running one test.
"""

from __future__ import annotations

import contextvars
import json
import uuid
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from types import SimpleNamespace
from typing import Any

from ministack import app
from ministack.core import responses, router
from ministack.services import apigateway_v1, cloudwatch, eventbridge, pipes, stepfunctions
from ministack.services.cloudformation import provisioners, stacks

VERSION = "1.5.33"

Response = tuple[int, dict[str, str], bytes]
Handler = Callable[[str, str, dict[str, str], bytes, dict[str, Any]], Awaitable[Response]]
Properties = dict[str, Any]


class VersionError(RuntimeError):
    """ministack is not the version whose private names this file knows."""


def check_version() -> None:
    """Refuse to start on another ministack: a private name may be gone or mean something else.

    Raises:
        VersionError: another version is installed.
    """
    installed = version("ministack")
    if installed != VERSION:
        raise VersionError(
            f"ministack is {installed}; the embedded AWS needs exactly {VERSION}: run `make setup`."
        )


# --- services -------------------------------------------------------------------------------------
# ------------------


def add_service(
    name: str, handle_request: Handler, *, target_prefix: str = "", payloads: str | None = None
) -> None:
    """Answer requests signed for a service that ministack does not have.

    Args:
        name: the signing name, the service part of the SigV4 credential scope.
        handle_request: the service.
        target_prefix: what its X-Amz-Target headers begin with, for a service with the JSON
            protocol.
        payloads: how the paths begin whose answers are somebody's data, not the service's own.
    """
    if payloads is not None:
        handle_request = _with_own_content_types(handle_request, payloads)
    app.SERVICE_REGISTRY[name] = {"module": name}
    app.SERVICE_HANDLERS[name] = handle_request
    app._loaded_modules[name] = SimpleNamespace(handle_request=handle_request)
    router.SERVICE_PATTERNS[name] = {"target_prefixes": [target_prefix] if target_prefix else []}


def _with_own_content_types(handle_request: Handler, prefix: str) -> Handler:
    """Keep ministack from giving data the content type of the service's protocol."""

    async def answer(
        method: str, path: str, headers: Any, body: bytes, query_params: Any
    ) -> tuple[int, dict[str, str], bytes]:
        status, answered, content = await handle_request(method, path, headers, body, query_params)
        if path.startswith(prefix) and status < 400:
            # It looks for a header that is spelt with capitals.
            answered = {name.lower(): value for name, value in answered.items()}
        return status, answered, content

    return answer


def wrap_service(name: str, wrap: Callable[[Handler], Handler]) -> None:
    """Put something before a service of ministack."""
    app.SERVICE_HANDLERS[name] = wrap(app.SERVICE_HANDLERS[name])


def asgi_app() -> Any:
    """The gateway as an ASGI application."""
    return app.app


@contextmanager
def request_scope(account_id: str, region: str) -> Iterator[None]:
    """Act for this account and region: every store of ministack is scoped by them."""
    with responses.request_scope(account_id, region):
        yield


def account_and_region() -> tuple[str, str]:
    """For which account and region the current request, stack or execution acts."""
    return responses.get_account_id(), responses.get_region()


def put_events(entries: Sequence[Mapping[str, Any]]) -> None:
    """Publish events of an AWS service (`aws.*`), which PutEvents refuses from a user."""
    for first in range(0, len(entries), 10):  # PutEvents takes at most ten
        eventbridge._put_events(
            {"Entries": [dict(entry) for entry in entries[first : first + 10]]},
            allow_aws_source=True,
        )


# --- CloudFormation
# -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ResourceType:
    """How CloudFormation manages one resource type.

    Attributes:
        name: such as `AWS::SageMaker::Model`.
        create: (logical id, properties, stack name) to (physical id, attributes).
        update: (physical id, old properties, new properties, stack name) to (physical id,
            attributes); None where
            every property but the tags replaces the resource.
        delete: (physical id, properties).
        replacing: the properties whose change creates a new resource, updates what refers to it,
            then deletes the old.
        tags: name and shape ("list" or "map") of the tag property, which then takes the stack's
            tags too.
        waits: create, update or delete may take long, so they run beside the event loop.
    """

    name: str
    create: Callable[[str, Properties, str], tuple[str, Properties]]
    delete: Callable[[str, Properties], None]
    update: Callable[[str, Properties, Properties, str], tuple[str, Properties]] | None = None
    replacing: frozenset[str] = field(default_factory=frozenset)
    tags: tuple[str, str] | None = None
    waits: bool = False


_waiting_types: set[str] = set()


def add_resource_type(resource_type: ResourceType) -> None:
    """Let templates declare this type."""
    handlers: dict[str, Any] = {"create": resource_type.create, "delete": resource_type.delete}
    if resource_type.update is not None:
        handlers["update"] = resource_type.update
    provisioners._RESOURCE_HANDLERS[resource_type.name] = handlers
    provisioners._REPLACING_PROPERTIES[resource_type.name] = tuple(sorted(resource_type.replacing))
    if resource_type.tags is not None:
        provisioners._STACK_TAG_PROPERTY[resource_type.name] = resource_type.tags
    if resource_type.waits:
        _run_beside_the_loop(resource_type.name)


def complete_resource_type(name: str, complete: Callable[[Properties], None]) -> None:
    """After each creation and update of a type that ministack has, do more; it may take long."""
    handlers = provisioners._RESOURCE_HANDLERS[name]

    def then[**P](
        run: Callable[P, tuple[str, Properties]], position: int
    ) -> Callable[P, tuple[str, Properties]]:
        def completed(*arguments: P.args, **more: P.kwargs) -> tuple[str, Properties]:
            made = run(*arguments, **more)
            complete(arguments[position])  # type: ignore[arg-type]
            return made

        return completed

    # create(logical id, properties, stack); update(physical id, old, new, stack)
    changed = {"create": then(handlers["create"], 1), "update": then(handlers["update"], 2)}
    provisioners._RESOURCE_HANDLERS[name] = {**handlers, **changed}
    _run_beside_the_loop(name)


def _run_beside_the_loop(name: str) -> None:
    _waiting_types.add(name)
    if stacks._runs_on_worker_thread is not _runs_on_worker_thread:
        _original["_runs_on_worker_thread"] = stacks._runs_on_worker_thread
        stacks._runs_on_worker_thread = _runs_on_worker_thread


def _runs_on_worker_thread(resource_type: str) -> bool:
    return resource_type in _waiting_types or bool(
        _original["_runs_on_worker_thread"](resource_type)
    )


def resource_types() -> frozenset[str]:
    """Every type a template may declare."""
    return frozenset(provisioners._RESOURCE_HANDLERS)


def physical_name(stack_name: str, logical_id: str, *, max_length: int) -> str:
    """The name CloudFormation generates; a replacement gets another one."""
    return str(provisioners._physical_name(stack_name, logical_id, max_len=max_length))


_METRIC_OF_ONE = (
    "MetricName",
    "Namespace",
    "Statistic",
    "ExtendedStatistic",
    "Period",
    "Dimensions",
    "Unit",
)


def allow_math_alarms() -> None:
    """Let a template declare an alarm on metric math.

    ministack keeps and describes it, and SetAlarmState works on it; it computes no metric math, so
    such an alarm
    stays in the state that it has.
    """
    handlers = provisioners._RESOURCE_HANDLERS["AWS::CloudWatch::Alarm"]
    if handlers["create"] is _alarm_create:
        return
    _original["_alarm_create"], _original["_alarm_update"] = handlers["create"], handlers["update"]
    handlers["create"], handlers["update"] = _alarm_create, _alarm_update


def _without_math(properties: Properties) -> Properties:
    if not properties.get("Metrics"):
        return properties
    return {**properties, "Metrics": None, "MetricName": "metric-math", "Namespace": "metric-math"}


def _keep_math(name: str, properties: Properties) -> None:
    if properties.get("Metrics"):
        record = cloudwatch._alarms[name]
        for member in _METRIC_OF_ONE:
            record.pop(member, None)
        record["Metrics"] = properties["Metrics"]


def _alarm_create(logical_id: str, properties: Properties, stack_name: str) -> tuple[str, Any]:
    made: tuple[str, Any] = _original["_alarm_create"](
        logical_id, _without_math(properties), stack_name
    )
    _keep_math(made[0], properties)
    return made


def _alarm_update(
    physical_id: str, old: Properties, new: Properties, *names: str
) -> tuple[str, Any]:
    made: tuple[str, Any] = _original["_alarm_update"](
        physical_id, _without_math(old), _without_math(new), *names
    )
    _keep_math(made[0], new)
    return made


# --- Step Functions
# -------------------------------------------------------------------------------------------------

TaskRun = Callable[[str, Any], Any]


class Cancellation:
    """Whether the execution still wants a task's result."""

    def __init__(self, execution: Mapping[str, Any] | None) -> None:
        self._execution = execution
        self._timed_out = False

    def attempt(self) -> Cancellation:
        """A fresh one of the same execution: a retry starts anew."""
        return Cancellation(self._execution)

    def time_out(self) -> None:
        """The task's TimeoutSeconds are over."""
        self._timed_out = True

    @property
    def requested(self) -> bool:
        """True once the task timed out or its execution was stopped."""
        stopped = self._execution is not None and self._execution.get("status") != "RUNNING"
        return self._timed_out or stopped


_original: dict[str, Any] = {}
_cancellation: contextvars.ContextVar[Cancellation] = contextvars.ContextVar("task_cancellation")


def task_error(error: str, cause: str) -> Exception:
    """The exception with which a task fails, for Retry and Catch to see."""
    exception: Exception = stepfunctions._ExecutionError(error, cause)
    return exception


def add_task(resource: str, run: TaskRun) -> None:
    """Run tasks whose Resource begins with this ARN (no `.sync`); `run` gets the whole Resource."""
    stepfunctions._SERVICE_DISPATCH[resource] = run
    _watch_tasks()


def use_sdk_tasks(run: TaskRun) -> None:
    """Run every `arn:aws:states:::aws-sdk:…` task with this."""
    stepfunctions._invoke_aws_sdk_integration = run
    _watch_tasks()


def cancellation() -> Cancellation:
    """The current task's, so that a job of it can be stopped with it."""
    return _cancellation.get(Cancellation(None))


def _watch_tasks() -> None:
    if stepfunctions._execute_task is _execute_task:
        return
    _original["_execute_task"] = stepfunctions._execute_task
    _original["_invoke_resource_with_timeout"] = stepfunctions._invoke_resource_with_timeout
    stepfunctions._execute_task = _execute_task
    stepfunctions._invoke_resource_with_timeout = _invoke_resource_with_timeout


def _execute_task(state: Any, raw_input: Any, execution: Any, context: Any) -> Any:
    token = _cancellation.set(Cancellation(execution))
    try:
        return _original["_execute_task"](state, raw_input, execution, context)
    finally:
        _cancellation.reset(token)


def _invoke_resource_with_timeout(resource: str, task_input: Any, timeout: Any) -> Any:
    """As ministack's, but the task learns that nobody waits for it any more."""
    attempt = cancellation().attempt()
    token = _cancellation.set(attempt)
    try:
        return _original["_invoke_resource_with_timeout"](resource, task_input, timeout)
    except stepfunctions._ExecutionError as error:
        if error.error == "States.Timeout":
            attempt.time_out()
        raise
    finally:
        _cancellation.reset(token)


def start_execution(state_machine_arn: str, execution_input: str) -> str:
    """Start an execution in the current scope.

    Returns:
        "" or why it was refused.
    """
    status, _headers, body = stepfunctions._start_execution(
        {"stateMachineArn": state_machine_arn, "input": execution_input}
    )
    return body.decode() if status >= 400 else ""


# --- Pipes ----------------------------------------------------------------------------------------
# ------------------


@dataclass(frozen=True)
class Pipe:
    """A pipe that is in state RUNNING."""

    account_id: str
    region: str
    name: str
    source: str
    target: str
    source_parameters: Properties
    target_parameters: Properties


def keep_pipe_parameters() -> None:
    """Keep SourceParameters and TargetParameters of a declared pipe, which ministack drops."""
    handlers = provisioners._RESOURCE_HANDLERS["AWS::Pipes::Pipe"]
    if "_pipe_create" in _original and handlers["create"] is _pipe_create:
        return
    _original["_pipe_create"] = handlers["create"]
    _original["_pipe_update"] = handlers["update"]
    _original["_pipe_with_logical_id"] = bool(handlers.get("update_with_logical_id"))
    handlers["create"] = _pipe_create
    handlers["update"] = _pipe_update


def _keep(name: str, properties: Properties) -> None:
    record = pipes._pipes[name]
    for key in ("SourceParameters", "TargetParameters"):
        record[key] = properties.get(key) or {}


def _pipe_create(logical_id: str, properties: Properties, stack_name: str) -> tuple[str, Any]:
    created: tuple[str, Any] = _original["_pipe_create"](logical_id, properties, stack_name)
    _keep(created[0], properties)
    return created


def _pipe_update(
    physical_id: str, old: Properties, new: Properties, *names: str
) -> tuple[str, Any]:
    updated: tuple[str, Any] = _original["_pipe_update"](physical_id, old, new, *names)
    _keep(updated[0], new)
    return updated


def running_pipes() -> list[Pipe]:
    """All pipes in state RUNNING, of every account and region."""
    return [
        Pipe(
            account_id,
            region,
            record["Name"],
            record["Source"],
            record["Target"],
            record.get("SourceParameters") or {},
            record.get("TargetParameters") or {},
        )
        for (account_id, region, _name), record in list(pipes._pipes.all_items())
        if record.get("CurrentState") == "RUNNING"
    ]


# --- API Gateway ----------------------------------------------------------------------------------
# ------------------


@dataclass(frozen=True)
class RestRequest:
    """One call of a REST API's method with an `AWS` integration."""

    integration: Mapping[str, Any]
    region: str
    path: str
    headers: Mapping[str, str]
    query: Mapping[str, Any]
    path_parameters: Mapping[str, str]
    body: bytes
    binary_media_types: Sequence[str]
    stage_variables: Mapping[str, str]
    request_id: str


RestIntegration = Callable[[RestRequest], Awaitable[Response]]
_rest_integrations: dict[str, RestIntegration] = {}


def add_rest_integration(service: str, invoke: RestIntegration) -> None:
    """Serve `AWS` integrations with `<service>:path/…`; ministack sends them all to Lambda."""
    _rest_integrations[service] = invoke
    if apigateway_v1._invoke_lambda_custom_v1 is not _invoke_rest:
        _original["_invoke_lambda_custom_v1"] = apigateway_v1._invoke_lambda_custom_v1
        apigateway_v1._invoke_lambda_custom_v1 = _invoke_rest


async def _invoke_rest(  # noqa: PLR0917  (called by ministack)
    integration: Mapping[str, Any],
    api_id: str,
    stage_name: str,
    stage: Mapping[str, Any],
    resource: Any,
    path: str,
    method: str,
    headers: Mapping[str, str],
    body: bytes,
    query: Mapping[str, Any],
    path_parameters: Mapping[str, str],
    **context: Any,
) -> Response:
    uri = apigateway_v1._parse_service_integration_uri(integration.get("uri", ""))
    invoke = _rest_integrations.get(uri[1]) if uri and uri[2] == "path" else None
    if invoke is None:
        response: Response = await _original["_invoke_lambda_custom_v1"](
            integration, api_id, stage_name, stage, resource, path, method, headers, body, query,
            path_parameters, **context,
        )  # fmt: skip
        return response
    return await invoke(
        RestRequest(
            integration=integration,
            region=uri[0] or context.get("owner_region") or "",
            path="/" + uri[3],
            headers=headers or {},
            query=query or {},
            path_parameters=path_parameters or {},
            body=body or b"",
            binary_media_types=context.get("binary_media_types") or (),
            stage_variables=stage.get("variables") or {},
            request_id=str(uuid.uuid4()),
        )
    )


def check_only_modelled_bodies() -> None:
    """Check a body only if the method has a model for its content type or `$default`, as AWS.

    ministack takes the model of application/json for every other content type too.
    """
    if apigateway_v1._check_request_validation is not _check_request_validation:
        _original["_check_request_validation"] = apigateway_v1._check_request_validation
        apigateway_v1._check_request_validation = _check_request_validation


def _check_request_validation(  # noqa: PLR0917  (called by ministack)
    method: Mapping[str, Any], api_id: str, request: Any, headers: Any, body: Any, query: Any
) -> Any:
    models = method.get("requestModels") or {}
    sent = {name.lower(): value for name, value in (headers or {}).items()}.get("content-type", "")
    content_type = sent.partition(";")[0].strip() or "application/json"
    model = models.get(content_type) or models.get("$default")
    checked = {**method, "requestModels": {content_type: model} if model else {}}
    return _original["_check_request_validation"](checked, api_id, request, headers, body, query)


def select_integration_response(
    integration: Mapping[str, Any], status: int
) -> Mapping[str, Any] | None:
    """The response for the back end's status: by pattern, else the default, else None."""
    selected: Mapping[str, Any] | None = apigateway_v1._select_service_integration_response(
        integration, status
    )
    return selected


def unsupported(types: Iterable[str]) -> list[str]:
    """Which of these resource types no template may declare here."""
    known = resource_types()
    return sorted({name for name in types if name not in known and not name.startswith("Custom::")})


def json_error(status: int, code: str, message: str) -> Response:
    """An error in the JSON protocols' shape."""
    return (
        status,
        {"Content-Type": "application/x-amz-json-1.1", "x-amzn-ErrorType": code},
        json.dumps({"__type": code, "message": message}).encode(),
    )
