"""The door of the local AWS: a WSGI application before moto's.

Requests to SageMaker for which there is an operation here are checked against the service model and
answered here; all others go on to moto. What moto does not have is answered with an error that
names the operation, in the protocol of the service, instead of a page of HTML. What comes from a
web page is refused (see loopback_guard).
"""

from __future__ import annotations

import datetime as dt
import io
import json
import traceback
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from xml.sax.saxutils import escape

from werkzeug.test import run_wsgi_app

from pipeline.checks import service_model
from pipeline.local.loopback_guard import refusal, wsgi_headers
from pipeline.local.server.api import Call, Operation
from pipeline.local.server.aws_errors import (
    AccessDenied,
    AwsError,
    UnsupportedOperation,
    ValidationException,
)

_TARGET = "HTTP_X_AMZ_TARGET"
_JSON = "application/x-amz-json-1.1"
_ERRORS = 400

Control = Callable[[dict[str, Any]], dict[str, Any]]
StartResponse = Callable[[str, list[tuple[str, str]]], Any]
Environ = dict[str, Any]


class FrontDoor:
    """Routes by the header X-Amz-Target, which names service and operation.

    `controls` are paths that are none of AWS's: each takes a JSON object and answers one.
    """

    def __init__(
        self,
        moto: Any,
        operations: Mapping[str, Operation],
        account: str,
        controls: Mapping[str, Control],
    ) -> None:
        self._moto, self._operations, self._account = moto, operations, account
        self._controls = controls

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        service, _, operation = environ.get(_TARGET, "").partition(".")
        if reason := refusal(wsgi_headers(environ)):
            return _send_error(AccessDenied(reason), environ, start_response)
        try:
            if environ["PATH_INFO"] in self._controls:
                return self._control(environ, start_response)
            if service == "SageMaker" and operation in self._operations:
                return self._answer(operation, environ, start_response)
            return self._pass_on(environ, start_response)
        except AwsError as error:
            return _send_error(error, environ, start_response)
        except Exception as error:  # noqa: BLE001 the outermost door: a request must be answered
            traceback.print_exc()
            what = f"{type(error).__name__}: {error}"
            return _send_error(AwsError(f"in the local AWS: {what}"), environ, start_response)

    def _answer(
        self, operation: str, environ: Environ, start_response: StartResponse
    ) -> Iterable[bytes]:
        request = json.loads(_read_body(environ) or b"{}")
        problems = service_model.problems(operation, request)
        if problems:
            raise ValidationException(
                f"{len(problems)} validation error(s) detected: {'; '.join(problems)}"
            )
        call = Call(
            operation=operation,
            request=request,
            account=self._account,
            region=_region(environ),
            forward=lambda name, body: self._forward(environ, name, body),
        )
        answer = self._operations[operation](call)
        body = json.dumps(_without_none(answer), default=_as_json).encode()
        return _send(200, [("Content-Type", _JSON)], body, start_response)

    def _control(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        try:
            answer = self._controls[environ["PATH_INFO"]](json.loads(_read_body(environ) or b"{}"))
        except ValueError as error:
            raise ValidationException(str(error)) from error
        return _send(200, [("Content-Type", _JSON)], json.dumps(answer).encode(), start_response)

    def _pass_on(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        try:
            answer: Iterable[bytes] = self._moto(environ, start_response)
        except NotImplementedError as error:
            raise UnsupportedOperation(
                f"{_name_of_call(environ)} is not supported by the local AWS ({error})"
            ) from error
        return answer

    def _forward(self, environ: Environ, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        body = json.dumps(request).encode()
        inner = {
            **{key: value for key, value in environ.items() if not key.startswith("werkzeug.")},
            _TARGET: f"SageMaker.{operation}",
            "wsgi.input": io.BytesIO(body),
            "CONTENT_LENGTH": str(len(body)),
        }
        chunks, status, _ = run_wsgi_app(self._moto, inner, buffered=True)
        answer: dict[str, Any] = json.loads(b"".join(chunks) or b"{}")
        code = int(status.split()[0])
        if code >= _ERRORS:
            name = str(answer.get("__type", "InternalFailure")).rpartition("#")[2]
            message = answer.get("message") or answer.get("Message") or ""
            raise AwsError(message, code=name, status=code)
        return answer


def _send(
    status: int, headers: list[tuple[str, str]], body: bytes, start_response: StartResponse
) -> Iterable[bytes]:
    sized = [*headers, ("Content-Length", str(len(body))), ("x-amzn-RequestId", str(uuid.uuid4()))]
    start_response(f"{status} {'OK' if status < _ERRORS else 'Error'}", sized)
    return [body]


def _send_error(
    error: AwsError, environ: Environ, start_response: StartResponse
) -> Iterable[bytes]:
    if _TARGET in environ or "/bedrock" in environ.get("HTTP_AUTHORIZATION", ""):
        headers = [("Content-Type", _JSON), ("x-amzn-errortype", error.code)]
        body = json.dumps({"__type": error.code, "message": error.message})
    else:
        headers = [("Content-Type", "text/xml")]
        inner = f"<Code>{error.code}</Code><Message>{escape(error.message)}</Message>"
        # query protocol (IAM, STS) wants Error inside ErrorResponse, S3 wants it on top
        is_s3 = "/s3/" in environ.get("HTTP_AUTHORIZATION", "")
        body = f"<Error>{inner}</Error>"
        body = body if is_s3 else f"<ErrorResponse>{body}</ErrorResponse>"
    return _send(error.status, headers, body.encode(), start_response)


def _read_body(environ: Environ) -> bytes:
    content: bytes = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    return content


def _region(environ: Environ) -> str:
    """From the scope of the signature: Credential=<key>/<date>/<region>/<service>/aws4_request."""
    scope = environ.get("HTTP_AUTHORIZATION", "").partition("Credential=")[2].split("/")
    return scope[2] if len(scope) > 2 else "us-east-1"


def _name_of_call(environ: Environ) -> str:
    return str(environ.get(_TARGET) or f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}")


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_none(child) for key, child in value.items() if child is not None}
    return [_without_none(child) for child in value] if isinstance(value, list) else value


def _as_json(value: Any) -> float:
    if isinstance(value, dt.datetime):
        return value.timestamp()
    raise TypeError(f"{type(value).__name__} has no JSON form")
