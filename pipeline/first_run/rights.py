"""Are the roles allowed what this project's policies allow them? IAM simulates it.

It also knows what a permissions boundary or an organization forbids. The policies name resources by
patterns; IAM is asked about the patterns themselves. Source: IAM API, SimulatePrincipalPolicy.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipeline.first_run.step import Cost, Refused, Step
from pipeline.first_run.trial import Trial
from pipeline.permissions.roles import Permissions, permissions_of
from pipeline.permissions.statements import Statement

_SHOWN = 5
_TYPES = {"Bool": "boolean"}


def rights_step(trial: Trial) -> Step:
    statements = sum(len(p.policy["Statement"]) for p in _roles(trial))
    return Step(
        "simulated rights",
        "whether the roles are allowed what they need, with boundaries and organization policies",
        Cost(f"{statements} calls"),
        lambda: _simulate(trial),
    )


def _roles(trial: Trial) -> list[Permissions]:
    return [permissions for permissions in permissions_of(trial.bundle) if permissions.role_arn]


def _simulate(trial: Trial) -> str:
    iam, denied, unknown = trial.session.client("iam"), list[str](), list[str]()
    allowed = 0
    for role in _roles(trial):
        for statement in role.policy["Statement"]:
            try:
                decisions = list(_decisions(iam, str(role.role_arn), statement))
            except iam.exceptions.InvalidInputException as error:
                unknown.append(str(error))  # an action that the simulator has not heard of yet
                continue
            denied += [f"{role.who} role: {what}" for what, good in decisions if not good]
            allowed += sum(good for _, good in decisions)
    if denied:
        more = f" and {len(denied) - _SHOWN} more" if len(denied) > _SHOWN else ""
        raise Refused(
            f"{len(denied)} of {len(denied) + allowed} rights are missing; `permissions create` "
            "gives them, unless a permissions boundary or an organization policy forbids it",
            f"{'; '.join(denied[:_SHOWN])}{more}",
        )
    notes = f"; IAM does not simulate: {'; '.join(unknown)}" if unknown else ""
    return f"{allowed} rights of {len(_roles(trial))} roles are allowed{notes}"


def _decisions(iam: Any, role: str, statement: Statement) -> Iterator[tuple[str, bool]]:
    pages = iam.get_paginator("simulate_principal_policy").paginate(
        PolicySourceArn=role,
        ActionNames=statement["Action"],
        ResourceArns=statement["Resource"],
        ContextEntries=list(_context(statement)),
    )
    for page in pages:
        for found in page["EvaluationResults"]:
            decision, action = found["EvalDecision"], found["EvalActionName"]
            resource = found.get("EvalResourceName", "*")
            yield f"{action} on {resource}: {decision}", decision == "allowed"


def _context(statement: Statement) -> Iterator[dict[str, Any]]:
    """What makes the statement's conditions hold."""
    for operator, keys in statement.get("Condition", {}).items():
        many = operator.startswith("ForA")
        kind = _TYPES.get(operator, "stringList" if many else "string")
        for key, wanted in keys.items():
            values = wanted if isinstance(wanted, list) else [wanted]
            yield {
                "ContextKeyName": key,
                "ContextKeyValues": [str(value) for value in (values if many else values[:1])],
                "ContextKeyType": kind,
            }
