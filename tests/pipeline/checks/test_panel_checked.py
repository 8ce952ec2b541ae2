"""Each judge of a panel is tried by `check --online`, planned for, and allowed to the job."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from configuration_file import read_document

from pipeline.checks.judges import judge_looks
from pipeline.checks.plan.cost import costs
from pipeline.checks.plan.rows import PlannedRows
from pipeline.permissions.judges import judge_models
from processing.config.model import EvaluationConfig

PANEL = [
    "bedrock:/us.amazon.nova-pro-v1:0",
    "bedrock:/arn:aws:bedrock:us-east-1:1:x/y",
    "openai:/z",
]
NAMES = ["us.amazon.nova-pro-v1:0", "arn:aws:bedrock:us-east-1:1:x/y", "z"]


def config_of(**sections: Any) -> EvaluationConfig:
    document = read_document()
    for key in ("labels", "judges", "slices", "champion"):
        document.pop(key, None)
    document |= {
        "judge": {"panel": PANEL, "swapped_answers": 0, "repeats": 2},
        "scorers": [
            "Correctness",
            {"Safety": {"judge": {"model": PANEL[0], "swapped_answers": 0}}},
        ],
        "thresholds": {"Correctness": {"min": 0.5}},
        **sections,
    }
    return EvaluationConfig.model_validate(document)


def test_each_judge_is_tried_once() -> None:
    bundle: Any = SimpleNamespace(config=config_of())
    session: Any = None
    assert [name for name, _ in judge_looks(session, bundle)] == [f"judge {n}" for n in NAMES]


def test_the_job_may_call_every_model_on_bedrock() -> None:
    assert judge_models(config_of()) == NAMES[:2]


def test_each_judge_is_planned_for_with_its_own_price() -> None:
    price = {"input_per_million": 1.0, "output_per_million": 1.0}
    config = config_of(prices={name: dict(price) for name in NAMES[:2]})
    found = costs(config, PlannedRows(100, (), None), None)
    calls = {each.service: each.calls for each in found.services}
    assert [calls[name] for name in NAMES] == [300, 200, 200]
    assert found.unpriced == ["endpoint", "z"]
