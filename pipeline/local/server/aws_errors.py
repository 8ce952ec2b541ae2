"""The errors that the local AWS answers with, named as SageMaker's API names them.

AwsError
├── ValidationException      the request is wrong
├── ResourceNotFound         what it names does not exist
├── ResourceInUse            the name is taken
├── ConflictException        not in this state
├── AccessDenied             not from this machine's own programs (HTTP 403)
└── UnsupportedOperation     AWS can do this, the local AWS cannot (HTTP 501: not retried)
"""

from __future__ import annotations

from http import HTTPStatus


class AwsError(Exception):
    """An error with the code and the HTTP status that a client sees."""

    code = "InternalFailure"
    status = HTTPStatus.INTERNAL_SERVER_ERROR

    def __init_subclass__(cls, status: HTTPStatus = HTTPStatus.BAD_REQUEST) -> None:
        cls.code, cls.status = cls.__name__, status

    def __init__(self, message: str, *, code: str | None = None, status: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.status = HTTPStatus(status or type(self).status)


class ValidationException(AwsError): ...


class ResourceNotFound(AwsError): ...


class ResourceInUse(AwsError): ...


class ConflictException(AwsError): ...


class AccessDenied(AwsError, status=HTTPStatus.FORBIDDEN): ...


class UnsupportedOperation(AwsError, status=HTTPStatus.NOT_IMPLEMENTED): ...
