"""Secrets that AWS keeps for the jobs: their ARNs in evaluation.yaml, and their values at start.

Secrets Manager: the secret's ARN, with the key of a JSON secret, a version stage or a version id
after it as ECS has them, `arn:...:secret:NAME-SUFFIX:json-key:version-stage:version-id`. Parameter
Store: the parameter's ARN. A value is read anew by each job, so that a rotated one needs no upsert.
Sources: ECS developer guide, "Pass Secrets Manager secrets through ECS environment variables"; API
references of GetSecretValue and GetParameter.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from processing.base.aws_errors import explain
from processing.base.aws_hints import who_acts
from processing.base.errors import SecretError
from processing.base.lent_variables import lend, lend_environment, take_back
from processing.base.secrets import DECLARED, SHORTEST_DECLARED

_WHERE = r"arn:(?P<partition>aws[a-z-]*):{service}:(?P<region>[a-z0-9-]+):(?P<account>\d{{12}}):"
_SECRET = re.compile(
    rf"(?P<arn>{_WHERE.format(service='secretsmanager')}secret:[\w/+=.@-]+-[A-Za-z0-9]{{6}})"
    r"(:(?P<key>[^:]*)(:(?P<stage>[^:]*)(:(?P<version>[^:]*))?)?)?"
)
_PARAMETER = re.compile(rf"(?P<arn>{_WHERE.format(service='ssm')}parameter/[\w/.-]+)")
_NEITHER = (
    "must be the ARN of a secret in Secrets Manager (arn:aws:secretsmanager:REGION:ACCOUNT:secret:"
    "NAME-SUFFIX, whole, with the six characters at its end; :KEY:: after it takes one key of a "
    "JSON secret) or of a parameter in Parameter Store (arn:aws:ssm:REGION:ACCOUNT:parameter/NAME)"
)
_SECONDS = 10


@dataclass(frozen=True)
class StoredSecret:
    """Where a secret is. `arn` is the secret's or parameter's own; the rest may be empty."""

    arn: str
    json_key: str = ""
    version_stage: str = ""
    version_id: str = ""

    @property
    def in_parameter_store(self) -> bool:
        return ":ssm:" in self.arn

    @property
    def region(self) -> str:
        return self.arn.split(":")[3]

    def arn_of(self, service: str) -> str:
        """How the ARNs of another service begin, in this secret's region and account."""
        _, partition, _, region, account, _ = self.arn.split(":", 5)
        return f"arn:{partition}:{service}:{region}:{account}"

    @property
    def name(self) -> str:
        """Of a parameter, as Parameter Store lists it; of a secret, with the suffix."""
        resource = self.arn.split(":", 5)[5]
        if not self.in_parameter_store:
            return resource.removeprefix("secret:")
        name = resource.removeprefix("parameter/")
        return f"/{name}" if "/" in name else name


def parse_secret(text: object) -> StoredSecret:
    """Raises ValueError, which never holds the text: it may be the secret itself."""
    given = text if isinstance(text, str) else ""
    if found := _PARAMETER.fullmatch(given):
        return StoredSecret(found["arn"])
    if found := _SECRET.fullmatch(given):
        return StoredSecret(
            found["arn"], found["key"] or "", found["stage"] or "", found["version"] or ""
        )
    raise ValueError(_NEITHER)


def is_secret_arn(text: str) -> bool:
    return bool(_PARAMETER.fullmatch(text) or _SECRET.fullmatch(text))


def export_secrets(
    secrets: Mapping[str, StoredSecret], *, kept: Collection[str] = frozenset()
) -> None:
    """Read them into this process's environment, from where the libraries take them.

    Variables in `kept` are left as they are. From then on each is masked wherever something is
    written. Raises SecretError.
    """
    values = read_secrets({name: secret for name, secret in secrets.items() if name not in kept})
    os.environ[DECLARED] = ",".join(secrets)
    lend(values)


def lend_jobs_variables(
    secrets: Mapping[str, StoredSecret], environment: Mapping[str, str]
) -> None:
    """The jobs' variables for a command that asks judges itself, as the job would.

    What is set here stays; what was lent before, maybe of another file, is taken back. Raises
    SecretError.
    """
    take_back()
    lend_environment(environment)
    try:
        export_secrets(secrets, kept=frozenset(os.environ))
    except SecretError as error:
        raise SecretError(
            f"{error}\nyour own credentials read it here; or set the variable in your environment, "
            "from where it is taken first"
        ) from error


def lend_mlflow_login(secrets: Mapping[str, StoredSecret], environment: Mapping[str, str]) -> None:
    """The same for a command that asks MLflow alone; nothing if the file names no login of it."""
    login = {name: at for name, at in secrets.items() if name.startswith("MLFLOW_")}
    if login:
        lend_jobs_variables(login, environment)


def read_secrets(secrets: Mapping[str, StoredSecret]) -> dict[str, str]:
    """Values by variable. Raises SecretError, a line for each that cannot be used."""
    values, problems = {}, []
    for variable, secret in secrets.items():
        try:
            values[variable] = _value(variable, secret)
        except SecretError as error:
            problems.append(f"secrets.{variable}: {secret.arn}: {error}")
    if problems:
        raise SecretError("\n".join(problems))
    return values


def _value(variable: str, secret: StoredSecret) -> str:
    """Without the line break that a file's text ends with."""
    text = _read(secret).strip()
    if secret.json_key:
        text = _member(text, secret.json_key)
    elif re.search("(KEY|TOKEN|PASSWORD)$", variable.upper()) and (keys := _keys(text)):
        raise SecretError(
            f"its value is a JSON object with the keys {', '.join(keys)}: take one of them by "
            "writing :KEY:: after the ARN"
        )
    if not text:
        raise SecretError("its value is empty: put the key or token in")
    if len(text) < SHORTEST_DECLARED:
        raise SecretError(
            f"its value has fewer than {SHORTEST_DECLARED} characters, so that it could not be "
            "told from other text and masked: is that the key?"
        )
    if "\0" in text:
        raise SecretError("its value holds a NUL character, which no environment can hold")
    return text


def _member(text: str, key: str) -> str:
    try:
        document = json.loads(text)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise SecretError(f"its value is no JSON object, so it has no key {key!r}")
    if key not in document:
        raise SecretError(f"its JSON has no key {key!r}; its keys are {', '.join(document)}")
    if not isinstance(document[key], str):
        raise SecretError(f"the value of its key {key!r} is no text")
    return str(document[key]).strip()


def _keys(text: str) -> list[str]:
    try:
        document = json.loads(text)
    except ValueError:
        return []
    return list(document) if isinstance(document, dict) else []


def _read(secret: StoredSecret) -> str:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return _parameter(secret) if secret.in_parameter_store else _secret(secret)
    except (ClientError, BotoCoreError) as error:
        raise SecretError(f"cannot be read: {explain(error, who_acts())}") from error


def _secret(secret: StoredSecret) -> str:
    asked = {"VersionStage": secret.version_stage, "VersionId": secret.version_id}
    answer = _client("secretsmanager", secret).get_secret_value(
        SecretId=secret.arn, **{name: value for name, value in asked.items() if value}
    )
    if "SecretString" not in answer:
        raise SecretError("its value is binary; store it as text")
    return str(answer["SecretString"])


def _parameter(secret: StoredSecret) -> str:
    answer = _client("ssm", secret).get_parameter(Name=secret.arn, WithDecryption=True)
    return str(answer["Parameter"]["Value"])


def _client(service: str, secret: StoredSecret) -> Any:
    """Gives up within a minute where a VPC has no way to the service."""
    import boto3
    from botocore.config import Config

    patience = Config(
        connect_timeout=_SECONDS, read_timeout=_SECONDS, retries={"total_max_attempts": 4}
    )
    return boto3.client(service, region_name=secret.region, config=patience)  # type: ignore[call-overload]
