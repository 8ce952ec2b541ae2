"""Which metrics of DeepEval and RAGAS need a context or a conversation, or are better when lower.

Read from deepeval 4.3.1 (`_required_params`) and ragas 0.4.3 (`ascore`'s parameters), so that
`check` needs neither library. A metric that is not listed is looked at when it is built.
"""

from __future__ import annotations

_DEEPEVAL_CONTEXT = frozenset(
    {
        "ContextualPrecision",
        "ContextualRecall",
        "ContextualRelevancy",
        "Faithfulness",
    }
)
DEEPEVAL_GOLD = frozenset({"Hallucination"})
"""Metrics whose `context` is the right one, whatever was retrieved."""
DEEPEVAL_OF_CONVERSATIONS = frozenset(
    {"ConversationCompleteness", "ConversationalGEval", "KnowledgeRetention", "TurnRelevancy"}
)
_RAGAS_CONTEXT = frozenset(
    {
        "ContextEntityRecall",
        "ContextPrecision",
        "ContextPrecisionWithReference",
        "ContextPrecisionWithoutReference",
        "ContextRecall",
        "ContextRelevance",
        "ContextUtilization",
        "Faithfulness",
        "NoiseSensitivity",
        "QuotedSpansAlignment",
        "ResponseGroundedness",
    }
)
RAGAS_GOLD = frozenset({"SummarizationScore", "SummaryScore"})
"""Metrics that ask for `reference_contexts`."""
DEEPEVAL_EXPECTATION = frozenset({"ContextualPrecision", "ContextualRecall", "ExactMatch"})
RAGAS_EXPECTATION = frozenset(
    {
        *("AnswerAccuracy", "AnswerCorrectness", "BleuScore", "CHRFScore", "ChrfScore"),
        *("ContextEntityRecall", "ContextPrecision", "ContextPrecisionWithReference"),
        *("ContextRecall", "DataCompyScore", "ExactMatch", "FactualCorrectness"),
        *("NoiseSensitivity", "NonLLMStringSimilarity", "RougeScore", "RubricsScoreWithReference"),
        *("SQLSemanticEquivalence", "SemanticSimilarity", "StringPresence"),
    }
)
"""Metrics that compare with an expected response (DeepEval's `expected_output`, RAGAS's
`reference`)."""

RAGAS_WITHOUT_JUDGE = frozenset(
    {
        "BleuScore",
        "CHRFScore",
        "ChrfScore",
        "DataCompyScore",
        "ExactMatch",
        "NonLLMStringSimilarity",
        "QuotedSpansAlignment",
        "RougeScore",
        "StringPresence",
    }
)

# DeepEval turned Bias, Hallucination, Misuse and Toxicity round in version 4: 1 is a pass now.
RAGAS_LOWER_IS_BETTER = frozenset({"NoiseSensitivity"})


def deepeval_needs_context(metric: str) -> bool:
    return metric in _DEEPEVAL_CONTEXT


def ragas_needs_context(metric: str) -> bool:
    return metric in _RAGAS_CONTEXT
