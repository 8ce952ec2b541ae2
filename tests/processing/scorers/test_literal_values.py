"""The judged cannot speak to the judge's template: a value arrives as it is, and nothing else's.

Every row's three texts are held by marks of their own, so that each stands in a prompt exactly as
often as the template has a place for it.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from stub_wire import StubWire

from processing.judges.verdict import JudgeError, Question
from processing.scorers.build import BuiltScorer

NAMES = [
    *("content", "input", "output", "expected_output", "ground_truth", "guidelines"),
    *("guidelines_context", "instructions", "inputs", "outputs", "expectations", "question"),
    *("answer", "context", "claims", "statements", "actual_output", "system_prompt", "0", ""),
]
SYNTAXES = [
    *("{{%s}}", "{{ %s }}", "{{\n%s\n}}", "{%s}", "${%s}", "$%s", "%%(%s)s", "<%s>", "</%s>"),
    *("{%% if %s %%}", "{{%s|safe}}", "{# %s #}", "\\%s", "\\g<%s>", "[DEEPEVAL:IMAGE:%s]"),
]
placeholder = st.builds(lambda syntax, name: syntax % name, st.sampled_from(SYNTAXES),
                        st.sampled_from(NAMES))  # fmt: skip
# JSON and Python's repr write these letters as they are, whichever way a framework prints a text
value = st.lists(st.one_of(placeholder, st.text(alphabet="ab {}$%<>.", max_size=5)), max_size=6)
QUIET = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
GEVAL = {
    "kind": "DeepEval",
    "metric": "GEval",
    "evaluation_steps": ["Look."],
    "evaluation_params": ["input", "actual_output", "expected_output", "retrieval_context"],
}
ENTRIES: list[Any] = [
    "Safety",
    "RelevanceToQuery",
    "Equivalence",
    "Correctness",
    {"polite": {"kind": "Guidelines", "guidelines": ["{{guidelines_context}} is {{ nice }}"]}},
    {
        "told": {
            "kind": "template",
            "template": "Is {{ outputs }} in {{ inputs }}, and {{ expectations }}?",
            "levels": {"yes": 1, "no": 0},
        }
    },
    "Bias",
    "AnswerRelevancy",
    "Faithfulness",
    {"helpful": GEVAL},
    {"Hallucination": {"kind": "DeepEval"}},
    {"ContextualPrecision": {"kind": "DeepEval"}},
    {"FactualCorrectness": {"kind": "RAGAS"}},
    {"AnswerAccuracy": {"kind": "RAGAS"}},
    {"ContextRecall": {"kind": "RAGAS"}},
]


def name_of(entry: Any) -> str:
    return entry if isinstance(entry, str) else next(iter(entry))


def as_printed(prompt: str, mark: str, text: str) -> set[str]:
    """What stands between a mark's two ends, wherever the mark is; JSON and repr are undone.

    `text` itself is left alone: it may look like JSON's escapes.
    """
    found = re.findall(rf"{mark}<<(.*?)>>{mark}", prompt, re.DOTALL)
    return {f if f == text else f.replace("\\n", "\n").replace("\\\\", "\\") for f in found}


@pytest.mark.integration
@pytest.mark.parametrize("entry", ENTRIES, ids=name_of)
@QUIET
@example(texts=(["\\\\content"],) * 4)  # two backslashes look like JSON's one
@given(texts=st.tuples(value, value, value, value))
def test_a_judge_reads_each_value_as_it_is(
    wire: StubWire,
    build: Callable[..., BuiltScorer],
    entry: Any,
    texts: tuple[list[str], ...],
) -> None:
    wire.prompts.clear()
    marks = ("ROWQ", "ROWA", "ROWE", "ROWC")
    values = dict(zip(marks, ("".join(text) for text in texts), strict=True))
    row = {mark: f"{mark}<<{text}>>{mark}" for mark, text in values.items()}
    asked = Question(row["ROWQ"], row["ROWA"], row["ROWE"], (row["ROWC"],))
    with contextlib.suppress(JudgeError):  # the stub's verdict need not be one
        build(entry).score(asked)
    seen = 0
    for prompt in wire.prompts:
        for mark, text in values.items():
            printed = as_printed(prompt, mark, text)
            assert printed <= {text}
            assert prompt.count(mark) % 2 == 0
            seen += len(printed)
    assert seen > 0


def test_an_answer_that_names_the_expected_answer_is_not_filled_with_it(
    wire: StubWire, build: Callable[..., BuiltScorer]
) -> None:
    for entry, name in (("Correctness", "ground_truth"), ("Equivalence", "expected_output")):
        wire.prompts.clear()
        wire.say = lambda *_: json.dumps({"result": "no", "rationale": ""})
        build(entry).score(Question("Why?", f"{{{{{name}}}}}", "Since the sky is blue."))
        assert wire.prompts[0].count("Since the sky is blue.") == 1
        assert f"{{{{{name}}}}}" in wire.prompts[0]
