"""The steps that an execution may come to, in the order in which a person reads them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class PlannedStep:
    """`level`: 0, or deeper for what a condition decides; `branch`: how it has to decide."""

    name: str
    kind: str
    level: int = 0
    branch: str = ""


def read_plan(client: Any, arn: str) -> list[PlannedStep]:
    """The steps of the definition that this execution runs, which may be an older one.

    Empty where the caller may not read it: the steps that have begun are shown all the same.
    """
    from botocore.exceptions import ClientError

    try:
        described = client.describe_pipeline_definition_for_execution(PipelineExecutionArn=arn)
    except ClientError as error:
        if "AccessDenied" in error.response["Error"]["Code"]:
            return []
        raise
    return list(planned(json.loads(described["PipelineDefinition"])["Steps"]))


def planned(
    steps: Sequence[Mapping[str, Any]], level: int = 0, branch: str = ""
) -> Iterator[PlannedStep]:
    for step in steps:
        yield PlannedStep(step["Name"], step["Type"], level, branch)
        if step["Type"] == "Condition":
            yield from planned(step["Arguments"]["IfSteps"], level + 1, "if true")
            yield from planned(step["Arguments"]["ElseSteps"], level + 1, "if false")
