"""Step Functions: tasks, and whether anybody still waits for them."""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Mapping
from typing import Any

from ministack.services import stepfunctions

_original: dict[str, Any] = {}


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
