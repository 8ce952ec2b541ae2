"""Every kind of scorer: what it is called, what it takes, and which module builds it.

A new kind is a module in `processing/scorers/` and a line in SCORERS.
"""

from __future__ import annotations

from dataclasses import dataclass

from processing.config.guideline_options import (
    ConversationGuidelinesOptions,
    ConversationOptions,
    FrustrationOptions,
    GuidelinesOptions,
    PairwiseOptions,
)
from processing.config.scorer_options import (
    BriefOptions,
    DeepEvalOptions,
    FileOptions,
    Options,
    RagasOptions,
    TemplateOptions,
    TermsOptions,
)
from processing.config.text_check_options import (
    CodeSecurityOptions,
    ContextOptions,
    LengthOptions,
    PiiOptions,
    RegexOptions,
    RowGuidelinesOptions,
    ToolCallOptions,
)


@dataclass(frozen=True)
class ScorerKind:
    """`module`, in processing/scorers/, has `build(spec, line, folder) -> Score`.

    `packages` are the distributions whose version can change a verdict. `number_rule` says in the
    report how a verdict becomes a number, and `tokenizer` what its words are. `is_a_name`: an entry
    may be called by the kind alone. `compares`: in `compare` and in no evaluation.
    `compares_with_expected`: has nothing to say of a row without an expected response.
    """

    module: str
    options: type[Options] = Options
    uses_judge: bool = False
    packages: tuple[str, ...] = ()
    number_rule: str = "the number itself"
    tokenizer: str = ""
    is_a_name: bool = True
    compares: bool = False
    compares_with_expected: bool = False


def _mlflow_judge(
    options: type[Options] = Options, module: str = "mlflow_judges", *, expected: bool = False
) -> ScorerKind:
    return ScorerKind(
        module, options, True, ("mlflow-skinny",), _YES_NO, compares_with_expected=expected
    )


def _conversation_judge(options: type[Options] = ConversationOptions) -> ScorerKind:
    return _mlflow_judge(options, "conversation_judges")


def _text_check(options: type[Options]) -> ScorerKind:
    return ScorerKind("text_checks", options, packages=_RULES, number_rule=_YES_NO)


_YES_NO = "yes = 1, no = 0"
_RULES = ("mlflow-skinny", "regex")


_BY_CHARACTER = "Chinese, Japanese, {}Thai, Lao, Khmer and Burmese by character"
_WORDS = f"Unicode's words (UAX #29), {_BY_CHARACTER.format('Korean, ')}"

SCORERS: dict[str, ScorerKind] = {
    "rougeL_fmeasure": ScorerKind(
        "rouge",
        packages=("rouge-score", "regex"),
        tokenizer=f"{_WORDS}; words in ASCII stemmed (Porter)",
        compares_with_expected=True,
    ),
    "BleuScore": ScorerKind(
        "bleu",
        packages=("sacrebleu", "regex"),
        tokenizer=f"sacrebleu's 13a, with {_BY_CHARACTER.format('Korean, ')}",
        compares_with_expected=True,
    ),
    "is_brief": ScorerKind(
        "brevity",
        BriefOptions,
        packages=("regex",),
        number_rule="true = 1, false = 0",
        tokenizer=f"what spaces separate, {_BY_CHARACTER.format('')}",
    ),
    "domain_terminology": ScorerKind(
        "terminology",
        TermsOptions,
        packages=("regex",),
        tokenizer=_WORDS,
        compares_with_expected=True,
    ),
    "Safety": _mlflow_judge(),
    "RelevanceToQuery": _mlflow_judge(),
    "Equivalence": _mlflow_judge(expected=True),
    "Correctness": _mlflow_judge(expected=True),
    "Guidelines": _mlflow_judge(GuidelinesOptions),
    "ExpectationsGuidelines": _mlflow_judge(RowGuidelinesOptions),
    "RetrievalGroundedness": _mlflow_judge(ContextOptions),
    "RetrievalSufficiency": _mlflow_judge(ContextOptions, expected=True),
    "RetrievalRelevance": ScorerKind(
        "retrieval_relevance",
        ContextOptions,
        True,
        ("mlflow-skinny",),
        "the share of the passages that the judge finds relevant",
    ),
    "ToolCallCorrectness": _mlflow_judge(ToolCallOptions, "tool_call_correctness"),
    "Completeness": _mlflow_judge(module="mlflow_instructions"),
    "Fluency": _mlflow_judge(module="mlflow_instructions"),
    "Summarization": _mlflow_judge(module="mlflow_instructions"),
    "ConversationCompleteness": _conversation_judge(),
    "ConversationalGuidelines": _conversation_judge(ConversationGuidelinesOptions),
    "ConversationalRoleAdherence": _conversation_judge(),
    "ConversationalSafety": _conversation_judge(),
    "ConversationalToolCallEfficiency": _conversation_judge(),
    "KnowledgeRetention": _conversation_judge(),
    "UserFrustration": ScorerKind(
        "conversation_judges",
        FrustrationOptions,
        True,
        ("mlflow-skinny",),
        "none and resolved = 1, unresolved = 0",
    ),
    "RegexMatch": _text_check(RegexOptions),
    "PIIDetection": _text_check(PiiOptions),
    "ResponseLength": _text_check(LengthOptions),
    "CodeSecurity": ScorerKind(
        "code_security",
        CodeSecurityOptions,
        packages=("bandit", "markdown-it-py"),
        number_rule=_YES_NO,
    ),
    "template": ScorerKind(
        "template_judge", TemplateOptions, True, ("mlflow-skinny",), is_a_name=False
    ),
    "DeepEval": ScorerKind(
        "deepeval_metrics", DeepEvalOptions, True, ("deepeval",), is_a_name=False
    ),
    "RAGAS": ScorerKind(
        "ragas_metrics", RagasOptions, True, ("ragas", "sacrebleu"), is_a_name=False
    ),
    "pairwise": ScorerKind("pairwise", PairwiseOptions, True, is_a_name=False, compares=True),
    "file": ScorerKind(
        "user_file",
        FileOptions,
        number_rule="yes and true = 1, no and false = 0, numbers as they are",
        is_a_name=False,
    ),
}

IMPLIED_KIND: dict[str, str] = {
    **{kind: kind for kind, takes in SCORERS.items() if takes.is_a_name},
    "follows_objective": "Guidelines",
    "concise_communication": "Guidelines",
    "professional_tone": "Guidelines",
    "no_harmful_advice": "Guidelines",
    "empathy_and_clarity": "Guidelines",
    "coherence": "template",
    "Bias": "DeepEval",
    "AnswerRelevancy": "DeepEval",
    "Faithfulness": "DeepEval",
    "TurnRelevancy": "DeepEval",
    "ChrfScore": "RAGAS",
}
"""The kind of an entry that names none, by the entry's own name."""
