"""What the trigger's parts are called: from the pipeline's name, so that they are found again."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from pipeline.definition.account import account_of
from pipeline.definition.bundle import Bundle


@dataclass(frozen=True)
class TriggerNames:
    rule: str
    schedule: str
    queue: str
    role_arn: str

    @property
    def role(self) -> str:
        return self.role_arn.rpartition("/")[2]


def names_of(bundle: Bundle) -> TriggerNames:
    """Limits: rules and roles 64 characters, queues 80; pipelines may have 82."""
    pipeline, account = bundle.config.pipeline.name, account_of(bundle)
    role = bundle.config.infrastructure.trigger_role or account.role(_name(pipeline, "trigger", 64))
    return TriggerNames(
        rule=_name(pipeline, "candidates", 64),
        schedule=_name(pipeline, "schedule", 64),
        queue=_name(pipeline, "dead-letters", 80),
        role_arn=role,
    )


def _name(pipeline: str, what: str, limit: int) -> str:
    name = f"{pipeline}-{what}"
    if len(name) <= limit:
        return name
    digest = hashlib.sha256(pipeline.encode()).hexdigest()[:8]
    return f"{pipeline[: limit - len(what) - 10]}-{digest}-{what}"
