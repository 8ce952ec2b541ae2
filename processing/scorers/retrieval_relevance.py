"""MLflow's RetrievalRelevance: the share of the row's passages that the question is about.

The prompt is MLflow's (mlflow/genai/judges/prompts/retrieval_relevance.py); each passage is put to
the judge alone, and MLflow's `retrieval_relevance/precision` is the score.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from processing.base.template import fill_double_curly
from processing.judges.conversation import Conversation, judge_source
from processing.judges.verdict import Question, Score, require_context
from processing.mlflow_record.internals import judge_prompt
from processing.scorers.mlflow_judges import YesNo, yes_or_no

if TYPE_CHECKING:
    from mlflow.entities import Feedback

    from processing.config.scorers import ScorerSpec
    from processing.judges.service import JudgeLine


def build(spec: ScorerSpec, line: JudgeLine | None, folder: Path) -> Score:  # noqa: ARG001
    from mlflow.entities import Feedback

    assert line is not None, "the configuration has checked that there is a judge"
    prompt = judge_prompt(spec.kind)

    def verdict(question: Question) -> Feedback:
        passages = require_context(question, spec.name)
        conversation = Conversation(line, question)
        relevant, told = 0, []
        for number, passage in enumerate(passages, 1):
            asked = fill_double_curly(prompt, {"input": question.question, "doc": passage})
            said = conversation.ask_for([{"role": "user", "content": asked}], YesNo)
            word = yes_or_no(said)
            relevant += word == "yes"
            told.append(f"passage {number}: {word}, {said.rationale}")
        return Feedback(
            name=spec.name,
            value=relevant / len(passages),
            rationale=f"{relevant} of {len(passages)} passages are relevant; " + "; ".join(told),
            source=judge_source(line.judge),
            metadata=conversation.metadata(),
        )

    return verdict
