"""Entries under `scorers:`: what each may say, and what is said of a mistake."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from judge_models import EXAMPLE_JUDGE
from running_aws import REPOSITORY, ConfigWriter

from processing.base.errors import ConfigError
from processing.config.file import load_config
from processing.config.judge import Judge
from processing.config.scorer_numbers import number_of, number_range, number_rule
from processing.config.scorers import ScorerSpec, parse_scorer
from processing.scorers.build import build_scorers

JUDGE = Judge(model=EXAMPLE_JUDGE)
LEVELS = {"coherent": 1, "somewhat coherent": 0.5, "incoherent": 0}
TEMPLATE = {"template": "Is {{ outputs }} coherent?", "levels": LEVELS}


@pytest.mark.parametrize(
    ("entry", "kind", "judged", "context"),
    [
        ("Safety", "Safety", True, False),
        ({"gentle": {"kind": "Safety"}}, "Safety", True, False),
        ({"empathy_and_clarity": {"guidelines": "Be kind."}}, "Guidelines", True, False),
        (
            {"my_tone": {"kind": "Guidelines", "guidelines": ["Be kind."]}},
            "Guidelines",
            True,
            False,
        ),
        ({"coherence": TEMPLATE}, "template", True, False),
        ("Bias", "DeepEval", True, False),
        ("Faithfulness", "DeepEval", True, True),
        ({"Faithfulness": {"kind": "RAGAS"}}, "RAGAS", True, True),
        ({"ExactMatch": {"kind": "DeepEval"}}, "DeepEval", False, False),
        ({"FactualCorrectness": {"kind": "RAGAS"}}, "RAGAS", True, False),
        ("ChrfScore", "RAGAS", False, False),
        ({"RougeScore": {"kind": "RAGAS"}}, "RAGAS", False, False),
        ({"statute_reference": {"file": "scorers.py"}}, "file", False, False),
    ],
)
def test_an_entry_s_kind_is_named_or_known(
    entry: Any, kind: str, judged: bool, context: bool
) -> None:
    spec = parse_scorer(entry)
    assert (spec.kind, spec.uses_judge, spec.needs_context) == (kind, judged, context)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("Saftey", "no scorer is called 'Saftey', did you mean 'Safety'?"),
        ({"x": {"kind": "DeepEvil"}}, "x: no kind is called 'DeepEvil', did you mean 'DeepEval'?"),
        ("professional_tone", "professional_tone: guidelines is missing"),
        ("coherence", "coherence: template is missing"),
        (
            {"is_brief": {"words": 3}},
            "is_brief: unknown option 'words'; the options are: max_words",
        ),
        ({"is_brief": {"max_words": 0}}, "is_brief: max_words: input should be greater than"),
        ({"is_brief": 3}, "is_brief: options are keys and values, not 3"),
        ({"domain_terminology": {"terms": []}}, "domain_terminology: terms: list should have"),
        ({"coherence": TEMPLATE | {"levels": {"a": 1}}}, "coherence: levels: dictionary should"),
        ({"coherence": TEMPLATE | {"levels": {"a": 1, "A ": 0}}}, "two levels are the same word"),
        (
            {"coherence": TEMPLATE | {"levels": {"a": float("nan"), "b": 0}}},
            "each level is a finite number",
        ),
        ({"coherence": TEMPLATE | {"template": "{{ output }}?"}}, "{{ output }} is not known"),
        ({"coherence": TEMPLATE | {"template": "Is it?"}}, "every row would look the same"),
        ({"Safety": {"judge": {"model": "x"}}}, "Safety: judge.model: string should match"),
        (
            {"Safety": {"judge": {"model": "bedrock:/x", "temperature": 0}}},
            "Safety: unknown option 'judge.temperature'; the options are: model, base_url",
        ),
        (
            {"Safety": {"judge": {"model": "bedrock:/x", "parameters": {"stop": ["}"]}}}},
            "could cut a judge's JSON verdict short",
        ),
        ({"is_brief": {"judge": {"model": "bedrock:/x"}}}, "is_brief: asks no judge"),
        ({"x": {"file": "../scorers.py"}}, "x: file: string should match"),
        ({"latency p95": {"kind": "Safety"}}, "a scorer's name is letters"),
        (["Safety", "Bias"], "each scorer is a name or a name with options"),
    ],
)
def test_a_mistake_is_named_with_its_mend(entry: Any, said: str) -> None:
    with pytest.raises(ValueError, match=r"\w") as caught:
        parse_scorer(entry)
    assert said in str(caught.value)


@pytest.mark.integration
@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"Nonesuch": {"kind": "DeepEval"}}, "DeepEval has no metric 'Nonesuch'"),
        ({"ToolCorrectness": {"kind": "DeepEval"}}, "needs tools_called"),
        (
            {
                "g": {
                    "kind": "DeepEval",
                    "metric": "GEval",
                    "evaluation_params": ["answer"],
                    "criteria": "c",
                }
            },
            "evaluation_params: [0]: input should be 'input', 'actual_output', 'expected_output'",
        ),
        ({"Safety": {"judge": {"model": "bedrok:/x"}}}, "no provider is called 'bedrok'"),
        ({"RoleAdherence": {"kind": "DeepEval"}}, "needs a conversation or a trace"),
        ({"Bias": {"thresholds": 1}}, "unknown option, did you mean 'threshold'?"),
        ({"Bias": {"async_mode": True}}, "async_mode: is set by the evaluation itself"),
        ({"Nonesuch": {"kind": "RAGAS"}}, "RAGAS has no metric 'Nonesuch'"),
        ({"AnswerRelevancy": {"kind": "RAGAS"}}, "needs a model of embeddings"),
        ({"MultiModalRelevance": {"kind": "RAGAS"}}, "no metric 'MultiModalRelevance' of texts"),
        ({"ImageCoherence": {"kind": "DeepEval"}}, "no metric 'ImageCoherence' of texts"),
        ({"Misuse": {"kind": "DeepEval"}}, "domain: is missing"),
        ({"ChrfScore": {"beta": 2}}, "beta: unknown option"),
        ({"tools": {"kind": "RAGAS", "metric": "ToolCallF1"}}, "needs reference_tool_calls"),
        ({"ToolCallF1": {"kind": "RAGAS"}}, "needs reference_tool_calls"),
        ({"mine": {"file": "absent.py"}}, "there is no file"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*same direction:DeprecationWarning")
def test_what_only_the_library_knows_is_said_when_it_is_built(
    entry: Any, said: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError) as caught:
        build_scorers([parse_scorer(entry)], JUDGE, tmp_path)
    assert said in str(caught.value)


def test_check_says_that_a_scorer_needs_a_context(write_config: ConfigWriter) -> None:
    entries = ["is_brief", {"grounded": {"kind": "RAGAS", "metric": "Faithfulness"}}]
    with pytest.raises(ConfigError, match=r"grounded judges against a context.*columns\.context"):
        load_config(
            write_config(
                scorers=entries,
                thresholds={"is_brief": {"min": 0.9}},
                dataset={"columns": {"expected_response": "answer"}},
            )
        )


def test_a_judge_of_its_own_is_judge_enough(write_config: ConfigWriter) -> None:
    thresholds = {"Safety": {"min": 0.9}}
    own = {"Safety": {"judge": {"model": "bedrock:/us.amazon.nova-lite-v1:0"}}}
    path = write_config(scorers=[own], thresholds=thresholds, judge=None)
    assert load_config(path).judged_scorers()
    with pytest.raises(ConfigError, match="Safety need a judge"):
        load_config(write_config(scorers=["Safety"], thresholds=thresholds, judge=None))


def test_a_scorer_is_not_named_like_a_measurement(write_config: ConfigWriter) -> None:
    entries = [{"latency_p95_ms": {"kind": "is_brief"}}]
    with pytest.raises(ConfigError, match="a metric that every evaluation makes"):
        load_config(write_config(scorers=entries))


def spec(entry: Any) -> ScorerSpec:
    return parse_scorer(entry)


@pytest.mark.parametrize(
    ("entry", "value", "number"),
    [
        ("Safety", "yes", 1.0),
        ("Safety", "No ", 0.0),
        ("Safety", "unknown", None),
        ("is_brief", True, 1.0),
        ("is_brief", False, 0.0),
        ("Bias", 0.25, 0.25),
        ("Bias", float("nan"), None),
        ("Bias", float("inf"), None),
        ("Bias", "0.25", None),
        ("Bias", None, None),
        ({"coherence": TEMPLATE}, "Somewhat coherent", 0.5),
        ({"coherence": TEMPLATE}, "yes", None),
        ({"x": {"file": "x.py", "levels": {"gut": 1, "schlecht": 0}}}, "gut", 1.0),
        ({"x": {"file": "x.py"}}, ["yes"], None),
    ],
)
def test_verdicts_become_numbers(entry: Any, value: object, number: float | None) -> None:
    assert number_of(spec(entry), value) == number


@pytest.mark.parametrize(
    ("entry", "bounds"),
    [
        ("Safety", (0, 1)),
        ("Bias", (0, 1)),
        ({"coherence": TEMPLATE | {"levels": {"good": 5, "bad": 2}}}, (2, 5)),
        ({"x": {"file": "x.py"}}, (-math.inf, math.inf)),
        ({"RubricsScoreWithReference": {"kind": "RAGAS"}}, (1, 5)),
    ],
)
def test_range_of_a_scorer_s_numbers(entry: Any, bounds: tuple[float, float]) -> None:
    assert number_range(spec(entry)) == bounds


def test_the_rule_is_told() -> None:
    assert number_rule(spec("Safety")) == "yes = 1, no = 0"
    told = number_rule(spec({"coherence": TEMPLATE}))
    assert told == "coherent = 1, somewhat coherent = 0.5, incoherent = 0"


@pytest.mark.parametrize(
    ("entry", "higher"),
    [
        ("Bias", True),  # deepeval 4 gives 1 for an answer without bias
        ({"Bias": {"higher_is_better": False}}, False),
        ({"NoiseSensitivity": {"kind": "RAGAS"}}, False),
    ],
)
def test_direction_is_known_or_told(entry: Any, higher: bool) -> None:
    assert spec(entry).higher_is_better is higher


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"guidelines": ["Be kind."]}, {"guidelines": ["Be kind."]}, True),
        ({"guidelines": ["Be kind."]}, {"guidelines": ["Be calm."]}, False),
        (
            {"guidelines": ["Be kind."]},
            {"guidelines": ["Be kind."], "higher_is_better": False},
            True,
        ),
        (
            {"guidelines": ["Be kind."]},
            {"guidelines": ["Be kind."], "judge": {"model": "bedrock:/other"}},
            False,
        ),
    ],
)
def test_definition_holds_what_decides_a_verdict(one: Any, other: Any, same: bool) -> None:
    first, second = build_scorers(
        [parse_scorer({"tone": {"kind": "Guidelines"} | options}) for options in (one, other)],
        JUDGE,
    )
    assert (first.definition == second.definition) is same
    assert json.loads(first.definition)["versions"]["mlflow-skinny"]


def test_definition_follows_the_judge_s_parameters_and_not_its_speed() -> None:
    def definition(**judge: Any) -> str:
        told = Judge.model_validate({"model": JUDGE.model} | judge)
        return build_scorers([parse_scorer("Safety")], told)[0].definition

    assert definition(concurrency=2, timeout_seconds=5) == definition()
    assert definition(parameters={"temperature": 1.0}) != definition()


def test_definition_has_what_is_sent_whether_the_file_says_it_or_not() -> None:
    def sent(**judge: Any) -> Any:
        told = Judge.model_validate({"model": JUDGE.model} | judge)
        built = build_scorers([parse_scorer("Safety")], told)[0]
        return json.loads(built.definition)["judge"]["parameters"]

    assert sent() == {"max_tokens": 8192}
    assert sent(parameters={"top_p": 0.5}) == {"top_p": 0.5, "max_tokens": 8192}
    for limit in ({"max_tokens": 9}, {"maxTokens": 9}, {"max_completion_tokens": 9}):
        assert sent(parameters=limit) == limit
    before = {"temperature": 0.0, "max_tokens": 1024}  # what 0.1.0 sent; its verdicts are kept
    assert sent(parameters=before) == before


def test_reading_a_configuration_imports_no_scorer_s_library() -> None:
    """`--help` and `check` answer at once."""
    code = (
        "import sys; from pathlib import Path; from processing.config.file import load_config; "
        "load_config(Path('evaluation.yaml')); "
        "print([m for m in ('mlflow', 'deepeval', 'ragas', 'litellm') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.integration
def test_deepeval_leaves_nothing_behind(tmp_path: Path) -> None:
    code = (
        "from processing.config.judge import Judge, silence_libraries; silence_libraries(); "
        "from processing.scorers.build import build_scorers; "
        "from processing.config.scorers import parse_scorer; "
        "build_scorers([parse_scorer('Bias')], Judge(model='bedrock:/x'))"
    )
    (tmp_path / ".env").write_text("OPENAI_API_KEY=not-for-deepeval\n")
    subprocess.run(
        [sys.executable, "-c", code + "; import os; assert 'OPENAI_API_KEY' not in os.environ"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(REPOSITORY), "PATH": "/usr/bin", "HOME": str(tmp_path)},
        check=True,
    )
    assert [path.name for path in tmp_path.iterdir()] == [".env"]


@pytest.mark.parametrize(
    "options",
    [
        {"kind": "DeepEval", "metric": "PromptAlignment", "prompt_instructions": []},
        {"kind": "DeepEval", "metric": "PromptAlignment", "prompt_instructions": ["Be kind.", ""]},
        {"kind": "DeepEval", "metric": "NonAdvice", "advice_types": ["\u200b"]},
        {"kind": "DeepEval", "metric": "RoleViolation", "role": " "},
        {"kind": "DeepEval", "metric": "GEval", "evaluation_steps": [""]},
        {"kind": "DeepEval", "metric": "PatternMatch", "pattern": ""},
        {"kind": "RAGAS", "metric": "DomainSpecificRubrics",
         "rubrics": {"score1_description": "bad", "score2_description": ""}},
        {"kind": "RAGAS", "metric": "QuotedSpansAlignment", "min_span_words": 0},
        {"kind": "Guidelines", "guidelines": ["\u200b"]},
        {"kind": "domain_terminology", "terms": ["\u200b"]},
        {"kind": "template", "template": "Is {{ outputs }} right?", "levels": {"": 1, "bad": 0}},
    ],
)  # fmt: skip
def test_a_scorer_that_has_nothing_to_look_for_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"has no (text|letter)|no words"):
        parse_scorer({"mine": options})
