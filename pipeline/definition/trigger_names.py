"""What the trigger's parts are called: from the pipeline's name, so that they are found again."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from pipeline.definition.account import account_of
from pipeline.definition.bundle import Bundle


@dataclass(frozen=True)
class TriggerNames:
    """`rule` and `schedule` start the pipeline, the `sweep_` rules the pipeline `sweep`.

    `notify` tells of each verdict.
    """

    rule: str
    schedule: str
    queue: str
    role_arn: str
    sweep: str
    sweep_ended: str
    sweep_hourly: str
    sweep_role_arn: str
    notify: str

    @property
    def rules(self) -> list[str]:
        return [self.rule, self.schedule, self.sweep_ended, self.sweep_hourly, self.notify]


def names_of(bundle: Bundle) -> TriggerNames:
    """Limits: rules and roles 64 characters, queues 80; pipelines may have 82."""
    pipeline, account = bundle.config.pipeline.name, account_of(bundle)
    infrastructure = bundle.config.infrastructure
    return TriggerNames(
        rule=_name(pipeline, "candidates", 64),
        schedule=_name(pipeline, "schedule", 64),
        queue=_name(pipeline, "dead-letters", 80),
        role_arn=infrastructure.trigger_role or account.role(_name(pipeline, "trigger", 64)),
        sweep=_name(pipeline, "sweep", 82),
        sweep_ended=_name(pipeline, "sweep-ended", 64),
        sweep_hourly=_name(pipeline, "sweep-hourly", 64),
        sweep_role_arn=infrastructure.sweep_role or account.role(_name(pipeline, "sweep", 64)),
        notify=_name(pipeline, "notify", 64),
    )


def _name(pipeline: str, what: str, limit: int) -> str:
    name = f"{pipeline}-{what}"
    if len(name) <= limit:
        return name
    digest = hashlib.sha256(pipeline.encode()).hexdigest()[:8]
    return f"{pipeline[: limit - len(what) - 10]}-{digest}-{what}"
