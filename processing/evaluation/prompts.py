"""Every prompt of an evaluation, word for word: what the model and the judges are told.

What DeepEval and RAGAS tell a judge is theirs and changes with their version; of these, only what
the configuration gives them is here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from processing.config.endpoint import Endpoint
from processing.config.scorer_kinds import SCORERS
from processing.config.scorer_options import MetricOptions, TemplateOptions
from processing.config.scorers import ScorerSpec
from processing.dataset.expectations import FurtherExpectations
from processing.dataset.rows import Row
from processing.endpoint.payload import prompt_in, request_body
from processing.judges.verdict import Question
from processing.mlflow_record.internals import JUDGE_PROMPTS, judge_prompt
from processing.mlflow_record.prompt_registry import ENDPOINT, Prompt


def prompts_of(
    endpoint: Endpoint, scorers: Sequence[ScorerSpec], *, asked: bool = True
) -> list[Prompt]:
    """The endpoint's prompt if it is `asked`, then those of the scorers that ask a judge."""
    own = [_endpoint_prompt(endpoint)] if asked else []
    return [*own, *_judge_prompts(scorers)]


def _endpoint_prompt(endpoint: Endpoint) -> Prompt:
    row = Row(row_id="", question="{{question}}", expected_response="", context=("{{context}}",))
    template = prompt_in(endpoint, request_body(endpoint, row))
    return Prompt(ENDPOINT, template, "What the endpoint is asked")


def _judge_prompts(scorers: Sequence[ScorerSpec]) -> Iterator[Prompt]:
    from processing.scorers.conversation_judges import instructions_of
    from processing.scorers.mlflow_judges import JUDGES, prompt_of

    row = Question(
        question="{{question}}",
        answer="{{answer}}",
        expected_response="{{expected_response}}",
        context=("{{context}}",),
        further=FurtherExpectations(guidelines=("{{guidelines}}",)),
    )
    for spec in scorers:
        text, options = "", spec.options
        if isinstance(options, TemplateOptions):
            text = f"{options.template}\n\nVerdict: {', '.join(sorted(options.levels))}"
        elif isinstance(options, MetricOptions) and spec.uses_judge and options.arguments:
            given = {"metric": options.metric, **options.arguments}
            text = json.dumps(given, indent=2, ensure_ascii=False, default=str)
        elif spec.kind in JUDGES:
            text = prompt_of(spec)(row)
        elif SCORERS[spec.kind].module == "conversation_judges":
            text = instructions_of(spec)
        elif spec.kind in JUDGE_PROMPTS:
            text = judge_prompt(spec.kind)
        if text:
            yield Prompt(f"judge.{spec.name}", text, f"What the judge of {spec.name} is told")
