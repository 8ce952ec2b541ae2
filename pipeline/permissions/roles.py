"""The policies of a configuration, and the roles that `permissions create` creates or repairs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.definition.account import account_of
from pipeline.definition.bundle import Bundle
from pipeline.definition.trigger_names import names_of
from pipeline.permissions.artifact_store import with_artifact_store
from pipeline.permissions.asynchronous import with_result_places
from pipeline.permissions.caller import administrator_policy, approver_policy, caller_policy
from pipeline.permissions.candidate_roles import model_policy, stamp_policy, sweep_policy
from pipeline.permissions.evaluated import with_capture_place
from pipeline.permissions.job_role import job_policy
from pipeline.permissions.pipeline_role import pipeline_policy
from pipeline.permissions.register_role import register_policy
from pipeline.permissions.statements import Document, trust
from pipeline.permissions.trigger_role import trigger_policy, trigger_trust
from processing.base.errors import LaunchError

if TYPE_CHECKING:
    from boto3 import Session

MADE_BY = "llm-evaluation:made-by"
# IAM quotas, "IAM and STS character limits": all inline policies of a role, without white space.
_MOST_INLINE = 10_240


@dataclass(frozen=True)
class Permissions:
    """What one of those who act needs. `role_arn` and `trust` are None for people."""

    who: str
    policy: Document
    role_arn: str | None = None
    trust: Document | None = None

    @property
    def role_name(self) -> str:
        return str(self.role_arn).rpartition("/")[2]

    @property
    def policy_name(self) -> str:
        return f"llm-evaluation-{self.who}"


def permissions_of(bundle: Bundle) -> list[Permissions]:
    """In the order in which `permissions show` prints them."""
    infrastructure, sagemaker = bundle.config.infrastructure, _sagemaker_trust(bundle)
    roles = [
        Permissions("pipeline", pipeline_policy(bundle), infrastructure.pipeline_role, sagemaker),
        Permissions("job", job_policy(bundle), infrastructure.job_role, sagemaker),
    ]
    if bundle.config.candidate:
        model = infrastructure.model_role
        roles.append(Permissions("model", model_policy(bundle), model, sagemaker))
        roles.append(sweep_permissions(bundle))
    if bundle.config.registration.stamp_candidate:
        stamp = infrastructure.stamp_role
        roles.append(Permissions("stamp", stamp_policy(bundle), stamp, sagemaker))
    if bundle.config.registration.by == "job" and bundle.config.registers:
        register = infrastructure.register_role
        roles.append(Permissions("register", register_policy(bundle), register, sagemaker))
    notify = bundle.config.notify
    if bundle.config.trigger or bundle.config.candidate or (notify and notify.bus):
        roles.append(trigger_permissions(bundle))
    role_arns = [role.role_arn for role in roles if role.role_arn]
    return [
        Permissions("caller", caller_policy(bundle)),
        *roles,
        *([Permissions("approver", approver_policy(bundle))] if bundle.config.registers else []),
        Permissions("administrator", administrator_policy(bundle, role_arns)),
    ]


def trigger_permissions(bundle: Bundle) -> Permissions:
    names = names_of(bundle)
    return Permissions("trigger", trigger_policy(bundle), names.role_arn, trigger_trust(bundle))


def sweep_permissions(bundle: Bundle) -> Permissions:
    role = names_of(bundle).sweep_role_arn
    return Permissions("sweep", sweep_policy(bundle), role, _sagemaker_trust(bundle))


def _sagemaker_trust(bundle: Bundle) -> Document:
    account = account_of(bundle)
    return trust("sagemaker.amazonaws.com", account.number, account.sagemaker("*"))


def create_roles(session: Session, bundle: Bundle) -> list[str]:
    """Make the roles, or give them these policies; a line for each. Raises ClientError.

    The job role gets rights to where the MLflow App or tracking server says it keeps artifacts.
    Only the inline policies named llm-evaluation-... and the trust are ours; what else a role has
    stays as it is.
    """
    iam = session.client("iam")
    bundle, lines = with_artifact_store(session, bundle)
    bundle, found = with_capture_place(session, bundle)
    bundle, queued = with_result_places(session, bundle)
    lines = [*lines, *found, *queued]
    made = [put_role(iam, p, "permissions create") for p in permissions_of(bundle) if p.role_arn]
    return [*made, *lines]


def put_role(iam: Any, wanted: Permissions, made_by: str) -> str:
    """Raises LaunchError for a policy that IAM would refuse as too long."""
    policy = json.dumps(wanted.policy, separators=(",", ":"))
    if len(policy) > _MOST_INLINE:
        raise LaunchError(
            f"the policy of the {wanted.who} role has {len(policy):,} characters, IAM takes "
            f"{_MOST_INLINE:,}: use fewer judges with a role each, or fewer resources"
        )
    name = wanted.role_name
    document = json.dumps(wanted.trust)
    if get_role(iam, name) is None:
        iam.create_role(
            RoleName=name,
            Path=role_path(wanted),
            AssumeRolePolicyDocument=document,
            Description=f"llm-evaluation: {wanted.who}",
            Tags=[{"Key": MADE_BY, "Value": made_by}],
        )
        done = "made"
    else:
        iam.update_assume_role_policy(RoleName=name, PolicyDocument=document)
        done = "brought up to date"
    iam.put_role_policy(RoleName=name, PolicyName=wanted.policy_name, PolicyDocument=policy)
    return f"{done}: {wanted.who} role {wanted.role_arn}"


def role_path(permissions: Permissions) -> str:
    """`/`, or that which stands before the role's name in its ARN."""
    return str(permissions.role_arn).split(":role", 1)[1].rpartition("/")[0] + "/"


def get_role(iam: Any, name: str) -> dict[str, Any] | None:
    from botocore.exceptions import ClientError

    try:
        role: dict[str, Any] = iam.get_role(RoleName=name)["Role"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchEntity":
            return None
        raise
    return role


def delete_role(iam: Any, made: Permissions) -> None:
    """A role that `put_role` has made. Raises ClientError if somebody gave it other policies."""
    from botocore.exceptions import ClientError

    name = made.role_name
    try:
        iam.delete_role_policy(RoleName=name, PolicyName=made.policy_name)
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchEntity":
            raise
    iam.delete_role(RoleName=name)
