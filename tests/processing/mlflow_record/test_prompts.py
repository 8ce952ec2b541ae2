"""The prompts of an evaluation, in the registry of a real MLflow server."""

from __future__ import annotations

import json
from typing import Any

import mlflow
import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from processing.config.endpoint import Endpoint
from processing.config.scorers import parse_scorer
from processing.evaluation.prompts import prompts_of
from processing.mlflow_record.prompt_registry import Prompt, prompts_linked
from processing.mlflow_record.run import tracked_run

SCORERS: list[Any] = [
    "rougeL_fmeasure",
    "Correctness",
    {"tone": {"kind": "Guidelines", "guidelines": ["Be calm."]}},
    {"coherence": {"template": "Rate {{ outputs }}.", "levels": {"good": 1, "bad": 0}}},
    {"GEval": {"kind": "DeepEval", "criteria": "Is it kind?"}},
    "Bias",
    "ChrfScore",
]


def prompts(system_prompt: str = "Be brief.", **endpoint: Any) -> list[Prompt]:
    asked = Endpoint(name="endpoint", system_prompt=system_prompt, **endpoint)
    return prompts_of(asked, [parse_scorer(entry) for entry in SCORERS])


def test_a_chat_and_every_text_that_a_judge_is_told() -> None:
    found = {prompt.name: prompt.template for prompt in prompts(prompt="{context} Q: {question}")}
    assert list(found) == [
        *("endpoint", "judge.Correctness", "judge.tone", "judge.coherence", "judge.GEval"),
    ]
    assert found["endpoint"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "{{context}} Q: {{question}}"},
    ]
    assert "<guideline>Be calm.</guideline>" in found["judge.tone"]
    assert "{{answer}}" in found["judge.tone"]
    assert "{{expected_response}}" in found["judge.Correctness"]
    assert found["judge.coherence"] == "Rate {{ outputs }}.\n\nVerdict: bad, good"
    assert json.loads(str(found["judge.GEval"])) == {"metric": "GEval", "criteria": "Is it kind?"}


@pytest.mark.parametrize(
    ("endpoint", "template"),
    [
        ({"format": "text_generation"}, "Be brief.\n\n{{question}}"),
        (
            {
                "format": "template",
                "request": {"q": "{system_prompt} {question}"},
                "response": {"answer": "a"},
            },
            '{\n  "q": "Be brief. {{question}}"\n}',
        ),
    ],
)
def test_other_formats_are_shown_as_they_are_sent(endpoint: dict[str, Any], template: str) -> None:
    assert prompts(**endpoint)[0].template == template


def linked(server: str, experiment: str, given: list[Prompt]) -> dict[str, str]:
    """Version by name, as the run in MLflow has them."""
    with (
        tracked_run(server, experiment, "run", {}, {}) as run,
        prompts_linked(run, "family", given) as tags,
    ):
        on_traces = tags()
    tag = mlflow.get_run(run.run_id).data.tags["mlflow.linkedPrompts"]
    versions = {entry["name"]: entry["version"] for entry in json.loads(tag)}
    assert json.loads(on_traces["mlflow.linkedPrompts"]) == [
        {"name": "family.endpoint", "version": versions["family.endpoint"]}
    ]
    return versions


@pytest.mark.integration
def test_a_text_is_registered_once_and_a_changed_one_is_another_version(server: str) -> None:
    first = linked(server, "one", prompts())
    assert set(first.values()) == {"1"}
    assert len(first) == 5
    assert linked(server, "one", prompts()) == first
    changed = linked(server, "one", prompts("Be very brief."))
    assert changed == {**first, "family.endpoint": "2"}
    assert linked(server, "one", prompts()) == first  # back to the earlier text
    client = MlflowClient()
    assert len(client.search_prompt_versions("family.endpoint")) == 2
    held = client.get_prompt_version("family.endpoint", 2)
    assert held is not None
    assert held.template == prompts("Be very brief.")[0].template


@pytest.mark.integration
def test_another_experiment_shows_the_same_prompts(server: str) -> None:
    linked(server, "two", prompts())
    linked(server, "three", prompts())
    experiment = mlflow.get_experiment_by_name("three")
    assert experiment is not None
    wanted = f"experiment_id = '{experiment.experiment_id}'"
    assert eventually(lambda: len(MlflowClient().search_prompts(wanted)), 5) == 5


@pytest.mark.integration
def test_a_registry_that_refuses_costs_one_line(
    server: str, capsys: pytest.CaptureFixture[str]
) -> None:
    MlflowClient(server, server).create_registered_model("taken.endpoint")
    with (
        tracked_run(server, "refused", "run", {}, {}) as run,
        prompts_linked(run, "taken", prompts()) as tags,
    ):
        assert tags() == {}
    assert mlflow.get_run(run.run_id).info.status == "FINISHED"
    [line] = [line for line in capsys.readouterr().out.splitlines() if "prompt registry" in line]
    assert "Model 'taken.endpoint' exists with the same name" in line


@pytest.mark.integration
def test_nothing_is_registered_where_the_file_says_so(server: str) -> None:
    with (
        tracked_run(server, "unwanted", "run", {}, {}) as run,
        prompts_linked(run, "unwanted", prompts(), wanted=False) as tags,
    ):
        assert tags() == {}
    with pytest.raises(MlflowException):
        MlflowClient().search_prompt_versions("unwanted.endpoint")


def eventually(look: Any, wanted: int) -> int:
    """MLflow links a prompt to an experiment in a thread of its own."""
    import time

    for _ in range(50):
        if look() == wanted:
            break
        time.sleep(0.1)
    return int(look())
