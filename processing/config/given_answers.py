"""What the file says where answers are given or nobody says what is right, section by section."""

from __future__ import annotations

from collections.abc import Iterator

from processing.config.guideline_options import PairwiseOptions
from processing.config.model import MEASUREMENTS, EvaluationConfig
from processing.config.scorer_frameworks import DEEPEVAL_EXPECTATION, RAGAS_EXPECTATION
from processing.config.scorer_kinds import SCORERS
from processing.config.scorer_options import DeepEvalOptions, RagasOptions, TemplateOptions
from processing.config.scorers import ScorerSpec
from processing.config.threshold_scales import Location

_GIVEN = "with dataset.answers: given the endpoint is not asked"


def given_answer_problems(config: EvaluationConfig) -> Iterator[tuple[Location, str]]:
    """The key of each mistake, and why."""
    if config.dataset.answers_given:
        yield from _without_endpoint(config)
    elif config.registration.model is not None:
        yield (
            ("registration", "model"),
            "is for dataset.answers: given alone: of an endpoint that is asked the evaluation "
            "looks up itself which model answers",
        )
    if config.dataset.columns.expected_response is None:
        yield from _without_expectations(config)


def _without_endpoint(config: EvaluationConfig) -> Iterator[tuple[Location, str]]:
    for metric in config.thresholds:
        if metric in MEASUREMENTS and metric not in config.metrics:
            column = next(c for c in ("latency", "input_tokens", "output_tokens") if c in metric)
            key = "latency_ms" if column == "latency" else column
            yield (
                ("thresholds", metric),
                f"{_GIVEN}, so that nothing is measured: take the threshold out, or name the "
                f"column that has it in dataset.columns.{key}",
            )
    if config.candidate is not None:
        yield ("candidate",), f"{_GIVEN}, and nothing is deployed: take the section out"
    if config.trigger and config.trigger.candidates_group:
        yield (
            ("trigger", "candidates_group"),
            f"{_GIVEN}: a new model package would change nothing; take schedule:",
        )
    if config.registration.stamp_candidate:
        yield ("registration", "stamp_candidate"), f"{_GIVEN}, and there is no candidate"


def _without_expectations(config: EvaluationConfig) -> Iterator[tuple[Location, str]]:
    facts = config.dataset.columns.expected_facts is not None
    for index, scorer in enumerate(config.listed_scorers):
        if needs_expectation(scorer) and not (facts and scorer.kind in _BY_FACTS):
            yield (
                ("scorers", index),
                f"{scorer.name} compares with an expected response, and the rows have none: take "
                "it out, or name the column in dataset.columns.expected_response",
            )


def needs_expectation(scorer: ScorerSpec) -> bool:
    """Whether it compares the answer, or the context, with an expected response.

    Of a function of the user's own only its code knows.
    """
    options = scorer.options
    if isinstance(options, TemplateOptions):
        return "expectations" in options.variables()
    if isinstance(options, PairwiseOptions):
        return options.with_expected_response
    if isinstance(options, DeepEvalOptions):
        put = options.arguments.get("evaluation_params") or ()  # GEval's
        return options.metric in DEEPEVAL_EXPECTATION or "expected_output" in put
    if isinstance(options, RagasOptions):
        return options.metric in RAGAS_EXPECTATION
    return SCORERS[scorer.kind].compares_with_expected


_BY_FACTS = frozenset({"Correctness", "RetrievalSufficiency"})
