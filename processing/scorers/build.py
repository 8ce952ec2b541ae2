"""Builds the scorers that a configuration names, each by the module of its kind.

Importing this module is cheap: a scorer's own libraries are imported when it is built.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.metadata
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from processing.base.clean_text import comparable, has_text, storable
from processing.base.errors import ConfigError
from processing.config.judge import Judge
from processing.config.scorer_kinds import SCORERS
from processing.config.scorer_options import FileOptions
from processing.config.scorers import ScorerSpec
from processing.dataset.expectations import NONE
from processing.dataset.turns import messages_of
from processing.judges.verdict import JudgeError, Question, Score

if TYPE_CHECKING:
    from mlflow.entities import Feedback

    from processing.calls.spend import Spend
    from processing.judges.service import JudgeLine, RepliesOf


@dataclass(frozen=True)
class BuiltScorer:
    """A scorer that is ready to be asked, from many threads at once.

    definition: canonical JSON of everything that decides a verdict: kind, options, the judge with
    its parameters, versions. The same definition gives the same verdict on the same row.
    panel: with several judges, the scorer with each of them. `judge` is then all of them, and
    `score` raises JudgeError: their verdicts are put together by `processing.scorers.panel`.
    """

    spec: ScorerSpec
    judge: Judge | None
    definition: str
    score: Score
    panel: tuple[BuiltScorer, ...] = ()

    @property
    def repeats(self) -> int:
        """How often its judge is asked for each verdict. A pairwise one asks in both orders."""
        if self.judge is None or self.panel or self.spec.compares:
            return 1
        return self.judge.repeats

    @property
    def asked(self) -> tuple[BuiltScorer, ...]:
        """The same scorer with each of its judges: the panel, or itself alone."""
        return self.panel or (self,)


def build_scorers(
    specs: Sequence[ScorerSpec],
    judge: Judge | None,
    folder: Path = Path(),
    *,
    spend: Spend | None = None,
    instances: int = 1,
    replies_of: RepliesOf | None = None,
) -> list[BuiltScorer]:
    """The scorers in the same order. `folder` is where evaluation.yaml and the users' files lie.

    `spend` is told of every call to a judge; `instances` of a job share the judges' quotas;
    `replies_of` a judge says where its replies are kept, by default in memory.
    Raises ConfigError for what only shows when the libraries are at hand: a metric that does not
    exist, an option that it does not take, a user's file without the function.
    """
    judges = [_judge_of(spec, judge) for spec in specs]
    asked = [each for judge in judges if judge is not None for each in judge.judges]
    lines = iter(_judge_lines(asked, spend, instances, replies_of)) if asked else iter(())
    return [
        _with_panel(spec, judge, [_build(spec, next(lines), folder) for _ in judge.panel])
        if judge is not None and judge.panel
        else _build(spec, next(lines) if judge is not None else None, folder)
        for spec, judge in zip(specs, judges, strict=True)
    ]


def _judge_of(spec: ScorerSpec, default: Judge | None) -> Judge | None:
    judge = spec.judge_or(default)
    if judge is None and spec.uses_judge:
        raise ConfigError(f"scorers: {spec.name} needs a judge: add judge: model: bedrock:/...")
    return judge


def _judge_lines(
    judges: list[Judge], spend: Spend | None, instances: int, replies_of: RepliesOf | None
) -> list[JudgeLine]:
    # imported here, since `check` reads this module and asks nobody
    from processing.judges.kept_replies import KeptReplies
    from processing.judges.service import judge_lines

    return judge_lines(judges, spend, instances, replies_of or (lambda _: KeptReplies()))


def _with_panel(spec: ScorerSpec, judge: Judge, members: Sequence[BuiltScorer]) -> BuiltScorer:
    def score(_: Question) -> Feedback:
        raise JudgeError("a panel gives no verdict of its own: each judge on it is asked", False)

    asked = {member.judge.model: member for member in members if member.judge}
    decides = json.loads(members[0].definition)
    decides["judge"] = {
        model: {**json.loads(asked[model].definition)["judge"], "repeats": asked[model].repeats}
        for model in sorted(asked)
    }
    return BuiltScorer(
        spec, judge, json.dumps(decides, sort_keys=True, ensure_ascii=False), score, tuple(members)
    )


def _build(spec: ScorerSpec, line: JudgeLine | None, folder: Path) -> BuiltScorer:
    judge = line.judge if line else None
    module = importlib.import_module(f"processing.scorers.{SCORERS[spec.kind].module}")
    score: Score = module.build(spec, line, folder)
    if (spec.kind, getattr(spec.options, "metric", "")) in _OVERLAPS:
        score = _best_of_references(score)
    if SCORERS[spec.kind].module in _ASK_OF_ONE_TEXT and not spec.options.needs_conversation():
        score = _of_transcript(score)
    if spec.kind not in _NO_TEXT_IS_ZERO:
        score = _of_text(score)
    prompt = module.PROMPT if spec.compares else ""
    return BuiltScorer(spec, judge, _definition(spec, judge, folder, prompt), _on_clean_text(score))


_NO_TEXT_IS_ZERO = frozenset(
    {"rougeL_fmeasure", "BleuScore", "domain_terminology", "ToolCallCorrectness", "file"}
)
"""An answer without text has nothing of the expected one; a user's function looks for itself.

Of tool calls the text says nothing.
"""


def _of_text(score: Score) -> Score:
    """Raises JudgeError for an answer without text, which would be brief, and free of any bias."""

    def scored(question: Question) -> Feedback:
        if not has_text(question.answer):
            raise JudgeError("the answer has no text, so that there is nothing to judge", False)
        return score(question)

    return scored


_ASK_OF_ONE_TEXT = frozenset(
    {
        *("mlflow_judges", "retrieval_relevance", "deepeval_metrics", "ragas_metrics", "pairwise"),
        "tool_call_correctness",
    }
)
"""Modules whose prompts have a place for one question, and none for what was said before it."""


def _of_transcript(score: Score) -> Score:
    """With a history, the question is the whole conversation up to it.

    As JSON, which is what MLflow makes of a request with several messages (`parse_inputs_to_str`):
    no turn can then pass for two.
    """

    def scored(question: Question) -> Feedback:
        if not question.history:
            return score(question)
        asked = json.dumps(messages_of(question.turns), ensure_ascii=False)
        return score(replace(question, question=asked))

    return scored


_OVERLAPS = frozenset({("rougeL_fmeasure", ""), ("BleuScore", ""), ("RAGAS", "ChrfScore")})
"""Kind and metric: they count the words or signs that an answer shares with the expected one."""


def _best_of_references(score: Score) -> Score:
    """The best score over all answers that the row expects, where it has several."""

    def scored(question: Question) -> Feedback:
        references = (question.expected_response, *question.further.references)
        if len(references) == 1:
            return score(question)
        found = [score(replace(question, expected_response=text)) for text in references]
        return max(found, key=lambda feedback: float(str(feedback.value)))

    return scored


def _on_clean_text(score: Score) -> Score:
    """Every scorer sees comparable text, however its row is stored, and says what can be stored."""

    def scored(question: Question) -> Feedback:
        feedback = score(
            Question(
                comparable(question.question),
                comparable(question.answer),
                comparable(question.expected_response),
                question.context and tuple(map(comparable, question.context)),
                question.other_answer and comparable(question.other_answer),
                question.further.mapped(comparable) if question.further.given() else NONE,
                question.repeat,
                tuple(turn.mapped(comparable) for turn in question.history),
                question.retrieved and question.retrieved.mapped(comparable),
                question.tool_calls,
                question.tools,
            )
        )
        feedback.value = storable(feedback.value)
        feedback.rationale = _shortened(storable(feedback.rationale))
        feedback.metadata = storable(feedback.metadata)
        return feedback

    return scored


LONGEST_RATIONALE = 20_000
"""Characters. A server's database may hold 64 KB, and refuse the row's whole trace for more."""


def _shortened(rationale: str | None) -> str | None:
    if rationale is None or len(rationale) <= LONGEST_RATIONALE:
        return rationale
    left = len(rationale) - LONGEST_RATIONALE
    return f"{rationale[:LONGEST_RATIONALE]} [... {left:,} more characters]"


def _definition(spec: ScorerSpec, judge: Judge | None, folder: Path, prompt: str) -> str:
    """`prompt`: where it is our own, and no version of a package tells that it has changed."""
    kind, options = SCORERS[spec.kind], spec.options.model_dump(mode="json")
    if "levels" in options:  # the words are put to the judge; what each counts is not
        options["levels"] = sorted(options["levels"])
    decides: dict[str, Any] = {"kind": spec.kind, "options": options}
    if isinstance(spec.options, FileOptions):
        decides["function"] = spec.name
        digest = hashlib.sha256((folder / spec.options.file).read_bytes())
        for name in spec.options.files:
            digest.update(name.encode() + (folder / name).read_bytes())
        decides["sha256"] = digest.hexdigest()
    if judge is not None:
        decides["judge"] = {
            "model": judge.model,
            "base_url": judge.base_url,
            "parameters": judge.sent_parameters,
        }
    if kind.tokenizer:
        decides["tokenizer"] = kind.tokenizer
    if prompt:
        decides["prompt"] = prompt
    decides["versions"] = {
        package: importlib.metadata.version(package) for package in kind.packages
    }
    return json.dumps(decides, sort_keys=True, ensure_ascii=False)
