"""Every metric that asks a judge: its entry under `scorers:`, and a reply that it can use."""

from __future__ import annotations

import json
from typing import Any

from marker_judge import question
from pydantic import BaseModel
from stub_wire import well_behaved

_DEEPEVAL: dict[str, dict[str, Any]] = {
    "AnswerRelevancy": {},
    "Bias": {},
    "ContextualPrecision": {},
    "ContextualRecall": {},
    "ContextualRelevancy": {},
    "ConversationCompleteness": {},
    "ConversationalGEval": {"criteria": "Is the assistant kind?"},
    "Faithfulness": {},
    "GEval": {
        "criteria": "Is the answer kind?",
        "evaluation_params": ["input", "actual_output"],
    },
    "Hallucination": {},
    "KnowledgeRetention": {},
    "Misuse": {"domain": "health"},
    "NonAdvice": {"advice_types": ["medical"]},
    "PIILeakage": {},
    "PromptAlignment": {"prompt_instructions": ["Be brief."]},
    "RoleViolation": {"role": "nurse"},
    "Summarization": {},
    "Toxicity": {},
    "TurnRelevancy": {},
}
_RAGAS: dict[str, dict[str, Any]] = {
    "AnswerAccuracy": {},
    "ContextEntityRecall": {},
    "ContextPrecision": {},
    "ContextPrecisionWithReference": {},
    "ContextPrecisionWithoutReference": {},
    "ContextRecall": {},
    "ContextRelevance": {},
    "ContextUtilization": {},
    "DomainSpecificRubrics": {},
    "FactualCorrectness": {},
    "Faithfulness": {},
    "NoiseSensitivity": {},
    "ResponseGroundedness": {},
    "RubricsScoreWithReference": {},
    "RubricsScoreWithoutReference": {},
    "SQLSemanticEquivalence": {},
    "SummaryScore": {},
}
_TEMPLATE = "Is {{ outputs }} right?"

ENTRIES: list[Any] = [
    *("Safety", "RelevanceToQuery", "Equivalence", "Correctness"),
    "ExpectationsGuidelines",
    *("RetrievalGroundedness", "RetrievalSufficiency", "RetrievalRelevance"),
    *("Completeness", "Fluency", "Summarization"),
    *("ConversationCompleteness", "ConversationalRoleAdherence", "ConversationalSafety"),
    *("ConversationalToolCallEfficiency", "KnowledgeRetention", "UserFrustration"),
    {"ConversationalGuidelines": {"guidelines": ["Be kind."]}},
    {"polite": {"kind": "Guidelines", "guidelines": ["Be kind."]}},
    {"told": {"kind": "template", "template": _TEMPLATE, "levels": {"good": 1, "bad": 0}}},
    *(
        {f"{name}_": {"kind": "DeepEval", "metric": name, **options}}
        for name, options in _DEEPEVAL.items()
    ),
    *({f"{name}_": {"kind": "RAGAS", "metric": name, **o}} for name, o in _RAGAS.items()),
]


def name_of(entry: Any) -> str:
    return entry if isinstance(entry, str) else next(iter(entry))


ROW = question("GOODROW-1", context=("Pinch the nose.",))

_FITTING: dict[str, Any] = {"rating": 2, "equivalent": True}


def fitting(prompt: str, schema: type[BaseModel] | None) -> str:
    """A reply that is whole and on its scale, to any metric's prompt about ROW."""
    assert schema is not None
    told: dict[str, Any] = json.loads(well_behaved(prompt, schema))
    told |= {name: value for name, value in _FITTING.items() if name in told}
    if schema.__name__ == "Knowledge":
        told["data"] = {"name": "Ann"}
    if "answers" in told:
        told["answers"] = ["1" if schema.__name__ == "AnswersGenerated" else "yes"]
    if schema.__name__ == "RubricScoreOutput":
        told["score"] = 5
    for each in told.get("classifications", []):
        each["attributed"] = 1
    return json.dumps(told)
