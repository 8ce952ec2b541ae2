"""The gate's conditions against 11,000 random reports: they open to those alone that may pass.

What may pass is said here a second time, by hand: nothing of the gate's own code is used for it.
"""

from __future__ import annotations

import json
import math
import random
from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import TypeAdapter
from running_aws import REPOSITORY

from pipeline.local.sagemaker.conditions import Condition, ConditionError, all_hold
from pipeline.local.sagemaker.expressions import evaluate
from pipeline.local.server.json_path import ExpressionError

REPORTS = 11_000
OWN = "arn:aws:sagemaker:us-east-1:123456789012:pipeline/p/execution/own"
ANOTHER = OWN.replace("own", "another")
MISSING = object()
FLOORS = ("MinRougeLFmeasure", "MinChrfScore", "MinIsBrief", "MinSafety", "MinRelevanceToQuery",
          "MinCorrectness")  # fmt: skip
CEILINGS = ("MaxLatencyP95Ms",)


@dataclass(frozen=True)
class Case:
    """A report and the parameters of one execution; what they come to, by hand."""

    report: dict[str, Any]
    parameters: dict[str, float]

    def may_pass(self) -> bool:
        found = self.report
        return (
            found.get("evaluated_here") == 1
            and found.get("execution_arn") == OWN
            and found["gate"].get("passed") == 1
            and all(self._number(name) >= self.parameters[name] for name in FLOORS)
            and all(self._number(name) <= self.parameters[name] for name in CEILINGS)
        )

    def _number(self, name: str) -> float:
        value = self.report["thresholds"].get(name, {}).get("compared")
        return value if isinstance(value, float) and math.isfinite(value) else math.nan

    # what the conditions see
    def parameter(self, name: str) -> Any:
        return self.parameters[name]

    def execution_variable(self, name: str) -> str:
        assert name == "PipelineExecutionArn"
        return OWN

    def step_properties(self, step: str) -> dict[str, Any]:
        raise AssertionError(step)

    def property_file_uri(self, step: str, property_file: str) -> str:
        assert (step, property_file) == ("EvaluateModel", "EvaluationReport")
        return "s3://bucket/evaluation.json"

    def read(self, s3_uri: str) -> bytes:
        assert s3_uri.endswith("evaluation.json")
        return json.dumps(self.report).encode()


def draw(chance: random.Random) -> Case:
    def seldom(usual: Any, *others: Any) -> Any:
        return chance.choice(others) if chance.random() < 0.03 else usual

    def compared(bound: float, good: int) -> Any:
        near = bound + good * chance.choice((0.0, 1e-12, 0.01, 0.2))
        far = bound - good * chance.choice((1e-12, 0.01, 0.2))
        return seldom(near, far, far, far, None, math.nan, math.inf, -math.inf, "1", "", MISSING)

    parameters = {name: chance.choice((0.0, 0.3, 0.5, 0.9, 1.0)) for name in FLOORS}
    parameters |= {name: chance.choice((100.0, 4000.0)) for name in CEILINGS}
    signs = dict.fromkeys(FLOORS, 1) | dict.fromkeys(CEILINGS, -1)
    numbers = {name: compared(parameters[name], sign) for name, sign in signs.items()}
    report = {
        "evaluated_here": seldom(1, 0, None, "1", MISSING),
        "execution_arn": seldom(OWN, ANOTHER, "", None, MISSING),
        "gate": without_missing({"passed": seldom(1, 0, 0, 0, None, "1", MISSING)}),
        "thresholds": {
            name: without_missing({"compared": value}) for name, value in numbers.items()
        },
    }
    return Case(without_missing(report), parameters)


def without_missing(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not MISSING}


def opens(conditions: list[Condition], case: Case) -> bool | None:
    """None where a comparison has no answer: the execution fails."""
    try:
        return all_hold(conditions, lambda value: evaluate(value, case))
    except (ConditionError, ExpressionError):
        return None


@pytest.mark.integration
def test_the_gate_opens_to_none_but_what_may_pass() -> None:
    golden = json.loads((REPOSITORY / "tests" / "pipeline" / "definition.json").read_text())
    steps = [step for step in golden["Steps"] if step["Type"] == "Condition"]
    read = TypeAdapter(list[Condition]).validate_python
    gate, opposite = (read(step["Arguments"]["Conditions"]) for step in steps)
    chance, ended = random.Random(20261126), {True: 0, False: 0, None: 0}
    for _ in range(REPORTS):
        case = draw(chance)
        opened = opens(gate, case)
        assert bool(opened) is case.may_pass(), case
        if opened is not None and case.report["evaluated_here"] == 1:
            assert opens(opposite, case) is not opened, case
        elif opened is None:
            assert opens(opposite, case) is None, case  # the execution fails either way
        ended[opened] += 1
    assert min(ended.values()) > 500, ended
