"""How many calls of its judge a scorer's verdict takes."""

from __future__ import annotations

from processing.config.scorer_options import MetricOptions
from processing.config.scorers import ScorerSpec

DEEPEVAL = {
    "AnswerRelevancy": 3,  # statements, verdicts, reason
    "Bias": 3,  # opinions, verdicts, reason
    "ContextualPrecision": 2,  # verdicts, reason
    "ContextualRecall": 2,
    "ContextualRelevancy": 2,  # verdicts of each passage, reason: `_PASSAGES`
    "Faithfulness": 4,  # truths, claims, verdicts, reason
    "GEval": 2,  # steps, unless evaluation_steps gives them, and the verdict
    "Hallucination": 2,
    "Misuse": 3,
    "NonAdvice": 3,
    "PIILeakage": 3,
    "PromptAlignment": 2,
    "RoleViolation": 3,
    "Summarization": 7,  # truths, claims, questions, answers of both, verdicts, reason
    "Toxicity": 3,
}
"""Read from deepeval 4.3.1, deepeval/metrics/*/: the generate calls of `measure`, with a reason."""

RAGAS = {
    "AnswerAccuracy": 2,  # both ways round
    "AnswerCorrectness": 3,  # statements of answer and reference, classification
    "ContextEntityRecall": 2,
    "ContextRecall": 1,
    "ContextRelevance": 2,
    "DomainSpecificRubrics": 1,
    "FactualCorrectness": 4,  # claims of answer and reference, each held against the other
    "Faithfulness": 2,  # statements, verdicts
    "InstanceSpecificRubrics": 1,
    "ResponseGroundedness": 2,
    "RubricsScoreWithReference": 1,
    "RubricsScoreWithoutReference": 1,
    "SQLSemanticEquivalence": 1,
    "SummarizationScore": 3,  # keyphrases, questions, answers
    "SummaryScore": 3,
}
"""Read from ragas 0.4.3, ragas/metrics/collections/*/metric.py: the `agenerate` calls of `ascore`.
"""

UNKNOWN = 3
"""A metric that is in neither table; most of a framework's take two to four."""

_PASSAGES = {
    ("RetrievalRelevance", ""): (0, 1),
    ("DeepEval", "ContextualRelevancy"): (1, 1),
    ("RAGAS", "ContextPrecision"): (0, 1),
    ("RAGAS", "ContextPrecisionWithReference"): (0, 1),
    ("RAGAS", "ContextPrecisionWithoutReference"): (0, 1),
    ("RAGAS", "ContextUtilization"): (0, 1),
    ("RAGAS", "NoiseSensitivity"): (3, 2),
}
"""Calls a row, and for each of its passages."""


_TURNS = {
    "ConversationCompleteness": (2, 1),  # what the user wants, each of it, reason
    "ConversationalGEval": (2, 0),
    "KnowledgeRetention": (1, 2),  # facts of each user's turn, verdict on each answer, reason
    "TurnRelevancy": (1, 1),
}
"""Calls a row, and for each turn of the user's; DeepEval's metrics of conversations."""


ASSUMED_PASSAGES = 5
"""Retrieved for an answer, where only the endpoint knows: what most retrievers are set to."""


def calls_a_row(spec: ScorerSpec, passages: float | None, turns: float = 1) -> tuple[float, str]:
    """The calls, and where the figure is from.

    `passages`, and `turns` of the user's: how many a row has, on average. None: the endpoint
    retrieves them.
    """
    options = spec.options
    metric = options.metric if isinstance(options, MetricOptions) else ""
    if found := _PASSAGES.get((spec.kind, metric)):
        if passages is None:
            assumed = f"{ASSUMED_PASSAGES} retrieved passages a row, assumed"
            return float(found[0] + found[1] * ASSUMED_PASSAGES), assumed
        return found[0] + found[1] * passages, f"{passages:.3g} passages a row"
    if not isinstance(options, MetricOptions):
        return 1.0, "one call"
    if spec.kind == "DeepEval" and metric in _TURNS:
        once, a_turn = _TURNS[metric]
        calls = once + a_turn * turns - (options.arguments.get("include_reason") is False)
        calls -= metric == "ConversationalGEval" and bool(options.arguments.get("evaluation_steps"))
        return calls, f"{turns:.3g} turns of the user's a row"
    known = (DEEPEVAL if spec.kind == "DeepEval" else RAGAS).get(metric)
    if known is None:
        return float(UNKNOWN), f"a guess: {spec.kind}'s {metric} is in no table of ours"
    if spec.kind == "DeepEval":
        known -= options.arguments.get("include_reason") is False
        known -= metric == "GEval" and bool(options.arguments.get("evaluation_steps"))
    return float(known), f"{spec.kind}'s source"
