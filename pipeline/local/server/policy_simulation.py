"""IAM's SimulatePrincipalPolicy, which moto does not have: over the inline policies of a role.

What the role's boundary, its organization or a resource's own policy would say is not asked.
Form: IAM API reference, SimulatePrincipalPolicy; answered in the Query protocol, as IAM does.
"""

from __future__ import annotations

import io
import json
import re
import urllib.parse
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from xml.sax.saxutils import escape

from botocore.exceptions import ClientError

from pipeline.local.server.api import Clients
from pipeline.local.server.aws_errors import AwsError, UnsupportedOperation
from pipeline.local.server.iam_policy import PolicyError, Request, allows

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

_ACTION = "SimulatePrincipalPolicy"
_ALLOWED = {True: "allowed", False: "implicitDeny"}


def with_simulation(moto: Application, clients: Clients) -> Application:
    """moto, with this one operation of IAM answered here."""

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if "/iam/aws4_request" not in environ.get("HTTP_AUTHORIZATION", ""):
            return moto(environ, start_response)
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        form = dict(urllib.parse.parse_qsl(body.decode()))
        if form.get("Action") != _ACTION:
            return moto({**environ, "wsgi.input": io.BytesIO(body)}, start_response)
        answer = _answer(form, clients.get("iam", "us-east-1")).encode()
        headers = [("Content-Type", "text/xml"), ("Content-Length", str(len(answer)))]
        start_response("200 OK", headers)
        return [answer]

    return application


def _answer(form: Mapping[str, str], iam: Any) -> str:
    """Raises AwsError."""
    policies = _policies(iam, form["PolicySourceArn"])
    context = {
        form[f"{at}.ContextKeyName"]: form[f"{at}.ContextKeyValues.member.1"]
        for at in _members(form, "ContextEntries", r"\.ContextKeyName")
    }
    resources = [form[at] for at in _members(form, "ResourceArns")] or ["*"]
    results = []
    for at in _members(form, "ActionNames"):
        for resource in resources:
            try:
                decision = _ALLOWED[allows(policies, Request(form[at], resource, context))]
            except PolicyError as error:
                raise UnsupportedOperation(f"the local AWS cannot evaluate {error}") from error
            results.append(
                f"<member><EvalActionName>{escape(form[at])}</EvalActionName>"
                f"<EvalResourceName>{escape(resource)}</EvalResourceName>"
                f"<EvalDecision>{decision}</EvalDecision><MatchedStatements/>"
                "<MissingContextValues/></member>"
            )
    return (
        f'<{_ACTION}Response xmlns="https://iam.amazonaws.com/doc/2010-05-08/">'
        f"<{_ACTION}Result><IsTruncated>false</IsTruncated>"
        f"<EvaluationResults>{''.join(results)}</EvaluationResults></{_ACTION}Result>"
        "<ResponseMetadata><RequestId>local</RequestId></ResponseMetadata>"
        f"</{_ACTION}Response>"
    )


def _members(form: Mapping[str, str], name: str, ending: str = "") -> list[str]:
    """The keys of a list's members without their ending, in their order."""
    found = (re.fullmatch(rf"({name}\.member\.(\d+)){ending}", key) for key in form)
    return [match[1] for match in sorted((m for m in found if m), key=lambda m: int(m[2]))]


def _policies(iam: Any, arn: str) -> list[dict[str, Any]]:
    role = arn.rpartition("/")[2]
    try:
        names = iam.list_role_policies(RoleName=role)["PolicyNames"]
        documents = [
            iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in names
        ]
    except ClientError as error:
        told = error.response["Error"]
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        raise AwsError(told["Message"], code=told["Code"], status=status) from error
    return [
        json.loads(urllib.parse.unquote(text)) if isinstance(text, str) else text
        for text in documents
    ]
