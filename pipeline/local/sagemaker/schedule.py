"""Which steps of an execution may run now, which never will, and how it ended.

A step starts when everything it depends on has ended as its trigger wants (Completed means
Succeeded), and, inside a condition's branch, when the condition has chosen that branch. A step
whose trigger can no longer come true does not run and does not appear in the step list.

After a failure, steps that do not depend on it still run (whether the service starts them is not
documented).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from pipeline.local.sagemaker.definition import Definition, Node

StepStatus: TypeAlias = Literal[
    "Starting", "Executing", "Stopping", "Stopped", "Failed", "Succeeded"
]
Ending: TypeAlias = Literal["Succeeded", "Failed", "CompletedWithFailures"]
ENDED = frozenset({"Succeeded", "Failed", "Stopped"})


@dataclass
class StepRecord:
    """What ListPipelineExecutionSteps shows of a step that has started."""

    node: Node
    status: StepStatus = "Starting"
    started: dt.datetime = field(default_factory=lambda: dt.datetime.now(dt.UTC))
    ended: dt.datetime | None = None
    attempts: int = 0
    failure_reason: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    cached_from: str | None = None

    def describe(self) -> dict[str, Any]:
        step, source = self.node.step, self.cached_from
        return {
            "StepName": step.name,
            "StepDisplayName": step.display_name,
            "StepDescription": step.description,
            "StartTime": self.started,
            "EndTime": self.ended,
            "StepStatus": self.status,
            "CacheHitResult": {"SourcePipelineExecutionArn": source} if source else None,
            "FailureReason": self.failure_reason,
            "Metadata": self.metadata,
            "AttemptCount": self.attempts,
        }


@dataclass
class Schedule:
    """The records of the steps that have started, and what follows from them.

    `properties` are those of the steps that succeeded; a condition's Outcome is among them. Not
    thread-safe: the execution guards it.
    """

    definition: Definition
    properties: Mapping[str, Mapping[str, Any]]
    records: dict[str, StepRecord] = field(default_factory=dict)
    _never: set[str] = field(default_factory=set)

    def begin(self, node: Node) -> StepRecord:
        record = self.records[node.step.name] = StepRecord(node)
        return record

    def forget_failures(self) -> None:
        """Only what succeeded stays; all else may run again."""
        self.records = {n: r for n, r in self.records.items() if r.status == "Succeeded"}
        self._never.clear()

    def ready(self, limit: int) -> list[Node]:
        """The steps to start now, when at most `limit` may run at once."""
        self._rule_out()
        ready = [
            node
            for node in self._waiting()
            if all(self._has_ended(needed.step) for needed in node.dependencies)
            and (node.branch is None or self._has_ended(node.branch[0]))
        ]
        return ready[: max(0, limit - len(self.running()))]

    def running(self) -> list[StepRecord]:
        return [record for record in self.records.values() if record.status not in ENDED]

    def ending(self) -> Ending:
        """How the execution ended, once nothing runs and nothing is ready."""
        failed = [r for r in self.records.values() if r.status != "Succeeded"]
        if not failed:
            return "Succeeded"
        return "CompletedWithFailures" if all(map(self._is_handled, failed)) else "Failed"

    def _is_handled(self, record: StepRecord) -> bool:
        """Whether a step ran because this one failed or was stopped."""
        return any(
            needed.step == record.node.step.name
            for name in self.records
            for needed in self.definition.nodes[name].dependencies
        )

    def _rule_out(self) -> None:
        """Marks the steps that can never run, until no more are found."""
        found = True
        while found:
            hopeless = {n.step.name for n in self._waiting() if self._is_impossible(n)}
            self._never |= hopeless
            found = bool(hopeless)

    def _is_impossible(self, node: Node) -> bool:
        if node.branch is not None:
            condition, wanted = node.branch
            outcome = self.properties.get(condition, {}).get("Outcome")
            if self._has_ended(condition) and outcome is not wanted:
                return True
        return any(
            self._has_ended(needed.step) and not self._fits(needed.step, needed.trigger)
            for needed in node.dependencies
        )

    def _waiting(self) -> list[Node]:
        return [
            node
            for name, node in self.definition.nodes.items()
            if name not in self.records and name not in self._never
        ]

    def _has_ended(self, step: str) -> bool:
        record = self.records.get(step)
        return step in self._never or (record is not None and record.status in ENDED)

    def _fits(self, step: str, trigger: str) -> bool:
        if step in self._never:
            return False
        status = self.records[step].status
        return trigger == "Any" or status == {"Completed": "Succeeded"}.get(trigger, trigger)
