"""Every option of every metric of DeepEval and RAGAS: made from its YAML, or refused by its key."""

from __future__ import annotations

import enum
import inspect
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from judge_models import EXAMPLE_JUDGE
from pydantic import BaseModel
from running_aws import ConfigWriter
from typed_command import typed

from processing.base.errors import ConfigError
from processing.config.judge import Judge
from processing.config.scorers import parse_scorer
from processing.scorers.build import build_scorers
from processing.scorers.metric_arguments import holds_yaml, metric_arguments

pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("ignore:.*same direction:DeprecationWarning"),
]

JUDGE = Judge(model=EXAMPLE_JUDGE)
NEEDED: dict[str, dict[str, Any]] = {
    "ConversationalGEval": {"criteria": "Is it kind?", "evaluation_params": ["content"]},
    "GEval": {"criteria": "Is it kind?", "evaluation_params": ["actual_output"]},
    "Misuse": {"domain": "finance"},
    "NonAdvice": {"advice_types": ["medical"]},
    "PatternMatch": {"pattern": "a+"},
    "PromptAlignment": {"prompt_instructions": ["Be kind."]},
    "RoleViolation": {"role": "nurse"},
}
SET_BY_US = {"self", "name", "model", "llm", "async_mode", "verbose_mode", "eval_mode"} | {
    "system_one_model"
}
SAMPLES: dict[Any, Any] = {str: "some words", int: 2, float: 0.5, bool: True}
MODELS = {"Rubric": {"score_range": [0, 4], "expected_outcome": "bad"}}


def metrics() -> Iterator[tuple[str, str, Any]]:
    """Kind, name and class of each metric that an entry can name."""
    import deepeval.metrics
    from ragas.metrics import collections

    from processing.scorers.deepeval_checks import METRICS

    for name in sorted(METRICS | {"ExactMatch", "PatternMatch"}):
        suffix = "" if name.endswith("GEval") else "Metric"
        yield "DeepEval", name, getattr(deepeval.metrics, name + suffix)
    for name in collections.__all__:
        metric_class = getattr(collections, name)
        try:
            built("RAGAS", name, {})
        except ConfigError:
            continue  # another test says which RAGAS metrics are none of ours
        yield "RAGAS", name, metric_class


def built(kind: str, name: str, options: dict[str, Any]) -> None:
    needed = NEEDED.get(name, {}) if kind == "DeepEval" else {}
    entry = {"mine": {"kind": kind, "metric": name, **needed, **options}}
    build_scorers([parse_scorer(entry)], JUDGE, Path())


def parameters(metric_class: Any) -> Iterator[tuple[str, Any]]:
    for name, parameter in inspect.signature(metric_class.__init__).parameters.items():
        if name not in SET_BY_US and parameter.kind is not parameter.VAR_KEYWORD:
            yield name, parameter.annotation


BY_NAME: dict[str, Any] = {
    "coeff": 0.5,
    "threshold": 0.5,
    "rubrics": {"score1_description": "bad", "score2_description": "good"},
    "evaluation_params": ["actual_output"],
    "kwargs": {"beta": 2},
}


def sample(name: str, annotation: Any) -> Any:
    """What a person would write in YAML for it."""
    inner = [each for each in typing.get_args(annotation) if each is not type(None)]
    origin = typing.get_origin(annotation)
    if name in BY_NAME:
        return BY_NAME[name]
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return next(iter(annotation)).value
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return MODELS[annotation.__name__]
    if origin is list:
        return [sample(name, inner[0])]
    return SAMPLES[annotation] if origin is None else sample_of(inner[0])


def sample_of(option: Any) -> Any:
    """Of a word of a Literal's, or of the first type of a union."""
    return option if isinstance(option, str) else sample("", option)


def test_every_option_is_made_from_its_yaml_or_refused_by_its_key() -> None:
    seen = 0
    for kind, metric, metric_class in metrics():
        for name, annotation in parameters(metric_class):
            seen += 1
            if holds_yaml(annotation) and not name.startswith("_"):
                given = NEEDED.get(metric, {}).get(name) or sample(name, annotation)
                built(kind, metric, {name: given})
            else:
                with pytest.raises(ConfigError, match=rf"scorers: mine: {name}: "):
                    built(kind, metric, {name: "x"})
    assert seen > 100


ODD = [{"a": {"b": 1}}, [[["x"]]], "no such word", -3, 1e9, True, {}, [{"score_range": [4]}], 2.5]


def test_no_value_of_any_option_is_more_than_a_refusal_that_names_it() -> None:
    """Whatever is written there; nothing but ConfigError, and ValueError when the file is read."""
    for kind, metric, metric_class in metrics():
        for name, annotation in parameters(metric_class):
            for value in ODD:
                if not holds_yaml(annotation):
                    continue
                try:
                    built(kind, metric, {name: value})
                except (ConfigError, ValueError) as error:
                    assert "mine" in str(error), error  # noqa: PT017
                    assert name in str(error) or metric.endswith("GEval"), error  # noqa: PT017


@pytest.mark.parametrize("option", sorted(SET_BY_US - {"self"}))
def test_what_the_evaluation_sets_itself_is_refused(option: str) -> None:
    for kind, metric, metric_class in metrics():
        if option in inspect.signature(metric_class.__init__).parameters:
            with pytest.raises(ConfigError, match=rf"mine: {option}: is set by the evaluation"):
                built(kind, metric, {option: "x"})


def test_a_rubric_s_mappings_become_deepeval_s_rubrics() -> None:
    from deepeval.metrics import GEval
    from deepeval.metrics.g_eval import Rubric
    from deepeval.test_case import SingleTurnParams

    rubric = [
        {"score_range": [0, 4], "expected_outcome": "bad"},
        {"score_range": [5, 10], "expected_outcome": "good"},
    ]
    given = {"rubric": rubric, "evaluation_params": ["actual_output"], "criteria": "c"}
    made = metric_arguments("mine", GEval, given, ["name"])
    assert made["rubric"] == [Rubric(**each) for each in rubric]
    assert made["evaluation_params"] == [SingleTurnParams.ACTUAL_OUTPUT]
    built("DeepEval", "GEval", {"rubric": rubric, "evaluation_steps": ["Look."]})


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"rubric": [{"score_range": [0, 11], "expected_outcome": "x"}]},
         "rubric: [0].score_range: both Rubric's 'score_range' values must be between 0 and 10"),
        ({"rubric": [{"score_range": [3, 3], "expected_outcome": "x"}]},
         "rubric: has one score alone"),
        ({"rubric": [{"score_range": [0, 4]}]}, "rubric: [0].expected_outcome: field required"),
        ({"rubric": {"score_range": [0, 4]}}, "rubric: input should be a valid"),
        ({"evaluation_steps": [1]}, "evaluation_steps: [0]: input should be a valid string, not 1"),
        ({"evaluation_steps": "Look."}, "evaluation_steps: input should be a valid"),
        ({"threshold": "high"}, "threshold: input should be a valid number, not 'high'"),
        ({"threshold": 70}, "threshold: 70 is more than 1"),
        ({"threshold": float("nan")}, "threshold: nan is no finite number"),
        ({"strict_mode": "yes"}, "strict_mode: input should be a valid boolean, not 'yes'"),
        ({"evaluation_template": "x"}, "evaluation_template: takes a Python object"),
        ({"_include_g_eval_suffix": False}, "_include_g_eval_suffix: unknown option"),
        ({"criterias": "x"}, "criterias: unknown option, did you mean 'criteria'?"),
    ],
)  # fmt: skip
def test_check_names_the_line_and_the_key_of_an_option(
    write_config: ConfigWriter, options: dict[str, Any], said: str
) -> None:
    entry = {"kind": "DeepEval", "metric": "GEval", **NEEDED["GEval"], **options}
    config = write_config(scorers=["is_brief", {"kind": entry}], thresholds={"kind": {"min": 0.5}})
    refused = typed("check", "--config", str(config))
    assert refused.returncode == 2, refused.stdout
    [line] = refused.stderr.splitlines()
    place, _, rest = line.removeprefix(f"error: {config}:").partition(": ")
    option = next(iter(options))
    assert f"{option}:" in config.read_text().splitlines()[int(place) - 1]
    assert rest.startswith(f"scorers[1].kind.{said}"), rest


def test_check_tells_every_scorer_s_mistake_at_once(write_config: ConfigWriter) -> None:
    scorers = [
        {"one": {"kind": "DeepEval", "metric": "GEval", "criteria": "c"}},
        {"two": {"kind": "RAGAS", "metric": "FactualCorrectness", "mode": "f2"}},
        {"three": {"kind": "DeepEval", "metric": "PatternMatch", "pattern": "("}},
    ]
    config = write_config(scorers=scorers, thresholds={"one": {"min": 0.5}})
    refused = typed("check", "--config", str(config))
    lines = refused.stderr.splitlines()
    assert "scorers[0].one.evaluation_params: is missing: a list out of input" in lines[0]
    assert "scorers[1].two.mode: input should be 'precision', 'recall' or 'f1'" in lines[1]
    assert "scorers[2]: " in lines[2]
    assert "(" in lines[2]
