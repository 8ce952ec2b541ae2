"""Whether IAM policies allow a request: explicit deny, then allow, then no.

What this project's policies use is evaluated; an element or operator that is not known raises
PolicyError, for a guess could be too kind. Reference: IAM user guide, "Policy evaluation logic".
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

_ELEMENTS = {"Sid", "Effect", "Action", "Resource", "Principal", "Condition"}


class PolicyError(Exception):
    """A policy says something that cannot be evaluated here."""


@dataclass(frozen=True)
class Request:
    """`action` as service:Operation; `principal` a service's name where the policy asks for one."""

    action: str
    resource: str
    context: Mapping[str, str] = field(default_factory=dict)
    principal: str | None = None


def allows(documents: Iterable[Mapping[str, Any]], request: Request) -> bool:
    """Raises PolicyError."""
    effects = {
        statement["Effect"]
        for document in documents
        for statement in _listed(document["Statement"])
        if _applies(statement, request)
    }
    return effects == {"Allow"}


def _applies(statement: Mapping[str, Any], request: Request) -> bool:
    unknown = set(statement) - _ELEMENTS
    if unknown:
        raise PolicyError(f"a statement has {', '.join(sorted(unknown))}")
    return (
        any(
            _like(pattern.lower(), request.action.lower())
            for pattern in _listed(statement["Action"])
        )
        # a trust policy has no Resource: it is about the role that it belongs to
        and any(_like(p, request.resource) for p in _listed(statement.get("Resource", "*")))
        and _principal_fits(statement.get("Principal"), request.principal)
        and all(
            _condition_holds(operator, key, _listed(wanted), request.context)
            for operator, keys in statement.get("Condition", {}).items()
            for key, wanted in keys.items()
        )
    )


def _principal_fits(principal: Any, asking: str | None) -> bool:
    if principal is None:
        return asking is None
    if not isinstance(principal, Mapping) or set(principal) != {"Service"}:
        raise PolicyError(f"the principal {principal!r}")
    return asking in _listed(principal["Service"])


def _condition_holds(
    operator: str, key: str, wanted: list[str], context: Mapping[str, str]
) -> bool:
    test = _OPERATORS.get(operator.removesuffix("IfExists"))
    if test is None:
        raise PolicyError(f"the condition operator {operator}")
    held = {name.lower(): value for name, value in context.items()}.get(key.lower())
    if held is None:
        return operator.endswith("IfExists")
    return any(test(str(value), held) for value in wanted)


def _like(pattern: str, value: str) -> bool:
    """* and ? only: fnmatch would also read [...]."""
    return fnmatch.fnmatchcase(value, re.sub(r"\[", "[[]", pattern))


_OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda wanted, held: wanted == held,
    "StringLike": _like,
    # the contexts here hold one value for a key, so any of them is that one
    "ForAnyValue:StringEquals": lambda wanted, held: wanted == held,
    "ArnEquals": _like,
    "ArnLike": _like,
    "Bool": lambda wanted, held: wanted.lower() == held.lower(),
}


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
