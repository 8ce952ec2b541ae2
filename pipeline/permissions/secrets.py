"""The secrets that the file names: the job reads these and no other.

A key of your own is known by what it decrypts, so that it need not be named here: both services
tell KMS which secret it is for. The keys that AWS manages need no right. Sources: Secrets Manager
user guide, "Secret encryption and decryption"; Systems Manager user guide, "KMS encryption for
Parameter Store SecureString parameters".
"""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.permissions.statements import Statement, allow
from processing.base.stored_secrets import StoredSecret
from processing.config.model import EvaluationConfig


def secret_statements(config: EvaluationConfig) -> list[Statement]:
    secrets, parameters = _by_service(config)
    return [
        *_read("Secrets", "secretsmanager:GetSecretValue", secrets, "SecretARN"),
        *_read("Parameters", "ssm:GetParameter", parameters, "PARAMETER_ARN"),
    ]


def see_secrets_statements(config: EvaluationConfig) -> list[Statement]:
    """For `check --online`: whether they are there, without their values."""
    secrets, parameters = _by_service(config)
    statements = []
    if secrets:
        seen = ["secretsmanager:DescribeSecret"]
        statements.append(allow("SeeSecrets", seen, [secret.arn for secret in secrets]))
    if parameters:
        statements.append(allow("SeeParameters", ["ssm:DescribeParameters"], ["*"]))
    return statements


def _by_service(config: EvaluationConfig) -> tuple[list[StoredSecret], list[StoredSecret]]:
    named = list(config.secrets.values())
    return (
        [secret for secret in named if not secret.in_parameter_store],
        [secret for secret in named if secret.in_parameter_store],
    )


def _read(sid: str, action: str, secrets: list[StoredSecret], context: str) -> list[Statement]:
    if not secrets:
        return []
    arns = [secret.arn for secret in secrets]
    return [
        allow(sid, [action], arns),
        allow(
            f"{sid}Key",
            ["kms:Decrypt"],
            _once(f"{secret.arn_of('kms')}:key/*" for secret in secrets),
            {"StringEquals": {f"kms:EncryptionContext:{context}": _once(arns)}},
        ),
    ]


def _once(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(values))
