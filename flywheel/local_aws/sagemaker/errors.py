"""The errors that SageMaker answers with."""

from __future__ import annotations

from typing import Any


class ServiceError(Exception):
    """A refused request: AWS's error code, message and HTTP status."""

    def __init__(self, code: str, message: str, status: int = 400, **members: Any) -> None:
        """Describe the refusal.

        Args:
            code: AWS's error code, such as `ValidationException`.
            message: What is wrong, in AWS's words where they are known.
            status: HTTP status.
            members: Further members of the error's body, such as `OriginalStatusCode`.
        """
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.members = members


class JobError(Exception):
    """A job cannot go on because of what its request names: AWS's `ClientError` failure reason."""


def validation_error(message: str) -> ServiceError:
    """What SageMaker answers to a request that it can read but not carry out."""
    return ServiceError("ValidationException", message)


def not_local(what: str, remedy: str) -> ServiceError:
    """AWS can do it, the local SageMaker cannot: said clearly instead of pretending."""
    return validation_error(f"{what} is not available in the local SageMaker. {remedy}")
