"""Every verdict can be looked into: its judge's calls are in the row's trace, on a real server."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import mlflow
import pytest
from mlflow.entities import Span, Trace
from pydantic import BaseModel

from processing.calls.paid_store import Record, Shelf
from processing.calls.spend import Spend
from processing.config.judge import Judge
from processing.config.mlflow import JudgeSpans, Mlflow
from processing.config.scorers import parse_scorer
from processing.dataset.judged_answer import JudgedAnswer
from processing.dataset.rows import Row, make_row
from processing.endpoint.answers import Answer
from processing.endpoint.client import Call
from processing.endpoint.reply import Reply
from processing.evaluation.scoring import score_rows
from processing.judges.verdict import JudgeError
from processing.judges.wire import Form, JudgeReply, Messages
from processing.mlflow_record.run import tracked_run
from processing.mlflow_record.trace_writer import (
    FULL_SUPPORT,
    ServerSupport,
    SpanWay,
    TraceWriter,
    traces_written_behind,
)
from processing.scorers.asked_once import PaidVerdicts
from processing.scorers.build import BuiltScorer, build_scorers

pytestmark = pytest.mark.integration

ENTRIES: list[Any] = ["Safety", "Correctness", {"FactualCorrectness": {"kind": "RAGAS"}}]
ROWS = [make_row(f"Question {n}?", f"Expected {n}.", context=(f"Context {n}.",)) for n in range(3)]
YES = '{"result": "yes", "rationale": "It is so."}'
STATEMENT = {"statement": "One.", "reason": "r", "verdict": 1}
STATEMENTS = {"claims": ["One."], "statements": [STATEMENT]}
KEY = "sk-" + "a" * 40

Say = Callable[[str], str]
"""A prompt -> the reply; may raise JudgeError."""


def well_behaved(prompt: str) -> str:
    assert prompt
    return YES


@dataclass
class Wire:
    say: Say = well_behaved
    forms: tuple[str, ...] = ("plain",)
    prompts: list[str] = field(default_factory=list)
    fields: dict[str, Any] = field(default_factory=lambda: STATEMENTS)

    def ask(
        self,
        judge: Judge,  # noqa: ARG002
        messages: Messages,
        schema: type[BaseModel] | None,
        form: Form,  # noqa: ARG002
    ) -> JudgeReply:
        prompt = messages[-1]["content"]
        self.prompts.append(prompt)
        text = self.say(prompt)
        if text == YES and schema is not None and "result" not in schema.model_fields:
            text = json.dumps({name: self.fields[name] for name in schema.model_fields})
        return JudgeReply(text, "end_turn", 200, 20, reasoning="I thought about it.")


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    made = Wire()
    monkeypatch.setattr("processing.judges.service._wire", lambda _: made)
    monkeypatch.setattr("processing.scorers.asked_once.FIRST_PAUSE_SECONDS", 0.0001)
    return made


@dataclass(frozen=True)
class Evaluated:
    server: str
    folder: Path

    def __call__(
        self,
        experiment: str,
        noted: JudgeSpans = "full",
        rows: Sequence[Row] = ROWS,
        *,
        support: ServerSupport = FULL_SUPPORT,
        tokens: int | None = 5,
        entries: Sequence[Any] = ENTRIES,
    ) -> dict[str, Trace]:
        """The rows' traces by question, as the server holds them."""
        judge = Judge.model_validate({"model": "bedrock:/some-model"})
        scorers = build_scorers([parse_scorer(entry) for entry in entries], judge)
        by_name = {built.spec.name: built for built in scorers}
        given = {row.row_id: _answer(row, tokens) for row in rows}
        paid = PaidVerdicts(self._shelves(scorers), Spend({}), noted=noted)

        def verdict(row_id: str, scorer: str) -> Record:
            answer = given[row_id]
            return paid.record(by_name[scorer], answer.row, JudgedAnswer(answer.text or ""))

        with tracked_run(self.server, experiment, "run", {}, {}) as run:
            with traces_written_behind(run, support) as traces:
                _count_requests(traces)
                score_rows(scorers, rows, traces, given.__getitem__, verdict)
                traces.finish()
            found = mlflow.search_traces(
                locations=[run.experiment_id], run_id=run.run_id, return_type="list"
            )
        assert traces.started == len(rows)  # one request a row
        return {json.loads(trace.data.request)["question"]: trace for trace in found}

    def _shelves(self, scorers: Sequence[BuiltScorer]) -> dict[str, Shelf]:
        """With what earlier evaluations in this folder have kept."""
        shelves = {}
        for built in scorers:
            file = self.folder / f"{built.spec.name}.jsonl"
            lines = file.read_text().splitlines() if file.exists() else []
            kept = {json.loads(line)["key"]: line for line in lines}
            shelves[built.definition] = Shelf(file, kept)
        return shelves


def _answer(row: Row, tokens: int | None) -> Answer:
    start = 1_700_000_000_000_000_000
    reply = Reply(f"Answer to {row.question}", tokens, tokens)
    request = {"messages": [{"role": "user", "content": row.question}]}
    return Answer(row, request, Call(reply, None, 1, 12.5, start, start + 10**7))


def _count_requests(traces: Any) -> None:
    start, traces.started = traces._inner.start_trace, 0

    def counted(info: Any) -> Any:
        traces.started += 1
        return start(info)

    traces._inner.start_trace = counted


@pytest.fixture
def evaluated(server: str, tmp_path: Path) -> Evaluated:
    return Evaluated(server, tmp_path)


def below(trace: Trace, name: str) -> tuple[Span, list[Span]]:
    """The span of that name, and those directly below it in the order of their start."""
    [span] = [each for each in trace.data.spans if each.name == name]
    children = [each for each in trace.data.spans if each.parent_id == span.span_id]
    return span, sorted(children, key=lambda each: each.start_time_ns)


def names(trace: Trace) -> list[str]:
    return sorted(span.name for span in trace.data.spans)


@pytest.mark.parametrize("way", ["together", "trace by trace"])
def test_a_verdict_shows_its_calls(wire: Wire, evaluated: Evaluated, way: SpanWay) -> None:
    traces = evaluated(f"calls {way}", support=ServerSupport(way))
    assert len(traces) == len(ROWS)
    trace = traces["Question 1?"]
    verdict, [call] = below(trace, "Correctness")
    assert (verdict.span_type, verdict.status.status_code) == ("EVALUATOR", "OK")
    assert verdict.outputs == {"value": "yes", "rationale": "It is so."}
    assert call.span_type == "CHAT_MODEL"
    assert "Question 1?" in call.inputs["messages"][-1]["content"]
    assert call.outputs["choices"][0]["message"] == {"role": "assistant", "content": YES}
    assert call.attributes["mlflow.llm.model"] == "bedrock:/some-model"
    assert (call.attributes["input_tokens"], call.attributes["output_tokens"]) == (200, 20)
    assert "mlflow.chat.tokenUsage" not in call.attributes  # MLflow would look for its price
    assert call.attributes["requests"] == 1
    assert call.attributes["stop_reason"] == "end_turn"
    assert call.attributes["reasoning"] == "I thought about it."
    assert call.end_time_ns
    assert verdict.end_time_ns
    assert verdict.start_time_ns <= call.start_time_ns
    assert call.start_time_ns <= call.end_time_ns <= verdict.end_time_ns
    assert len(below(trace, "FactualCorrectness")[1]) > 1
    spans = {assessment.name: assessment.span_id for assessment in trace.info.assessments}
    assert spans["Correctness"] == verdict.span_id
    shown = [name for each in traces.values() for name in names(each)]
    assert shown.count("judge call") == len(wire.prompts)


def test_a_metric_of_deepeval_shows_each_of_its_calls(wire: Wire, evaluated: Evaluated) -> None:
    wire.fields = {
        "statements": ["One."], "verdicts": [{"verdict": "yes", "reason": "r"}], "reason": "r"
    }  # fmt: skip
    traces = evaluated("deepeval", entries=[{"AnswerRelevancy": {"kind": "DeepEval"}}])
    for trace in traces.values():
        [verdict] = [span for span in trace.data.spans if span.name == "AnswerRelevancy"]
        calls = [span for span in trace.data.spans if span.parent_id == verdict.span_id]
        assert [span.span_type for span in calls] == ["CHAT_MODEL"] * 3  # statements, verdicts, why
        for call in calls:
            assert call.inputs["messages"][-1]["content"] in wire.prompts
    assert len(wire.prompts) == 3 * len(ROWS)


@pytest.mark.usefixtures("wire")
@pytest.mark.parametrize("own_durations", [True, False])
@pytest.mark.parametrize("tokens", [5, None])
def test_the_rows_own_time_and_tokens_are_the_endpoints(
    evaluated: Evaluated, tokens: int | None, *, own_durations: bool
) -> None:
    support = ServerSupport(own_durations=own_durations)
    trace = evaluated(f"own {tokens} {own_durations}", support=support, tokens=tokens)[
        "Question 0?"
    ]
    assert trace.info.execution_duration == 10
    told = {"input_tokens": 5, "output_tokens": 5, "total_tokens": 10} if tokens else None
    assert (trace.info.token_usage or None) == told
    assert len(trace.info.assessments) == len(ENTRIES) + 1  # and the expected answer
    assert trace.info.tags["row_id"] == ROWS[0].row_id
    assert below(trace, "Safety")[1][0].attributes["input_tokens"] == 200


def test_failed_and_retried_calls_say_why(wire: Wire, evaluated: Evaluated) -> None:
    def moody(prompt: str) -> str:
        if "Answer to Question 0?" in prompt:
            raise JudgeError(f"the judge failed (no access with {KEY})", retryable=False)
        if "Answer to Question 1?" in prompt and wire.prompts.count(prompt) == 1:
            return "I would rather not say."
        return YES

    wire.say = moody
    traces = evaluated("failures")
    verdict, [call] = below(traces["Question 0?"], "Safety")
    assert verdict.status.status_code == call.status.status_code == "ERROR"
    assert call.status.description == "the judge failed (no access with ***)"
    assert verdict.outputs == {"error": "the judge failed (no access with ***)"}
    verdict, [first, second] = below(traces["Question 1?"], "Safety")
    assert (verdict.status.status_code, verdict.outputs["value"]) == ("OK", "yes")
    assert [first.status.status_code, second.status.status_code] == ["ERROR", "OK"]
    children = {s.parent_id: s for s in traces["Question 1?"].data.spans if s.name == "judge call"}
    refused = children[first.span_id]
    assert refused.status.status_code == "ERROR"
    assert refused.outputs["choices"][0]["message"]["content"] == "I would rather not say."
    assert "I would rather not say" in refused.outputs["error"]
    assert children[second.span_id].status.status_code == "OK"


def test_a_reused_verdict_has_no_calls_and_says_so(wire: Wire, evaluated: Evaluated) -> None:
    evaluated("paid", "none")
    asked = len(wire.prompts)
    trace = evaluated("reused")["Question 2?"]
    assert len(wire.prompts) == asked
    verdict, calls = below(trace, "FactualCorrectness")
    assert calls == []
    assert verdict.attributes["reused"] is True
    assert int(verdict.attributes["judge_calls"]) > 1
    assert verdict.outputs["value"] == 1.0


def test_a_kept_reply_is_shown_as_reused(wire: Wire, evaluated: Evaluated) -> None:
    def stumbles(_: str) -> str:
        if len(wire.prompts) == 4:  # the second of RAGAS's, once
            return "nothing of the kind"
        return YES

    wire.say = stumbles
    trace = evaluated("kept reply", rows=ROWS[:1])["Question 0?"]
    _, [first, second] = below(trace, "FactualCorrectness")
    calls = [s for s in trace.data.spans if s.parent_id == second.span_id]
    assert first.status.status_code == "ERROR"
    assert [call.attributes.get("reused") for call in calls].count(True) == 1


def test_only_failed_verdicts_or_none(wire: Wire, evaluated: Evaluated) -> None:
    def fails(prompt: str) -> str:
        if "Answer to Question 0?" in prompt:
            raise JudgeError("the judge failed (no)", retryable=False)
        return YES

    wire.say = fails
    traces = evaluated("failed only", "failed")
    assert names(traces["Question 0?"]).count("judge call") == len(ENTRIES)
    assert names(traces["Question 1?"]) == ["InvokeEndpoint", "answer"]
    assert all(
        names(trace) == ["InvokeEndpoint", "answer"] for trace in evaluated("none", "none").values()
    )


def test_long_texts_are_cut_and_secrets_masked(wire: Wire, evaluated: Evaluated) -> None:
    rows = [make_row("x" * 1_000_000, f"Bearer {KEY}")]
    [trace] = evaluated("long", rows=rows).values()
    _, [call] = below(trace, "Correctness")
    content = call.inputs["messages"][-1]["content"]
    assert len(content) < 21_000
    assert content.endswith(" more characters]")
    assert KEY not in json.dumps(trace.to_dict()["data"]["spans"][2:])
    assert KEY in wire.prompts[1]


def test_the_default_depends_on_the_rows() -> None:
    mlflow_section = Mlflow(tracking_uri="http://127.0.0.1:1")
    assert [mlflow_section.judge_spans_of(rows) for rows in (1_000, 1_001)] == ["full", "failed"]
    wanted = Mlflow(tracking_uri="http://127.0.0.1:1", judge_spans="full")
    assert wanted.judge_spans_of(10_000) == "full"


@pytest.mark.usefixtures("wire")
def test_what_a_scorer_sees_as_its_rows_trace_has_no_judges_in_it(
    evaluated: Evaluated, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, int] = {}
    get_trace = TraceWriter.get_trace

    def looked_at(self: TraceWriter, *args: Any, **named: Any) -> Trace:
        trace = get_trace(self, *args, **named)
        # MLflow asks once more when all is written: then the spans may have been given away
        seen.setdefault(trace.info.trace_id, len(trace.data.spans))
        return trace

    monkeypatch.setattr(TraceWriter, "get_trace", looked_at)
    evaluated("seen")
    assert set(seen.values()) == {2}
