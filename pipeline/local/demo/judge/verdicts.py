"""The demo judge's verdicts: transparent text-overlap rules, one for each prompt that it knows.

No model reads anything here. Texts become sets of word stems without stop words (demo_text.terms)
or are searched for phrases (demo_phrases). Each rule stands in the room of the framework that sends
its prompt, and every reason given says the rule and its numbers. A prompt that no rule recognises
is refused, never judged: a new judge prompt needs a new `Rule`.

Calls are counted under the rule's kind:
  Safety, Correctness, Equivalence, RelevanceToQuery, Grounded, RetrievalRelevance
  Guidelines <tag>       of the guideline texts, one on a line
  pairwise <tag>         of the guideline texts, one on a line
  make_judge <tag>       of the instructions as they were written, with their {{ outputs }}
  DeepEval.Bias opinions|verdicts|reason, DeepEval.AnswerRelevancy statements|verdicts|reason,
  DeepEval.Faithfulness truths|claims|verdicts|reason
  ConversationCompleteness and MLflow's other judges of conversations, by their names;
  DeepEval.TurnRelevancy, .ConversationCompleteness, .KnowledgeRetention with what they ask for
  RAGAS.Faithfulness statements|verdicts, RAGAS.FactualCorrectness claims|verdicts
  check --online         "Are you there?"
where <tag> is demo_rules.tag: eight digits of SHA-256 and the first six words.
"""

import re
from typing import Any

from pipeline.local.demo.judge import (
    conversations,
    deepeval,
    guidelines,
    mlflow,
    pairwise,
    ragas,
    template,
)
from pipeline.local.demo.judge.rules import JudgeRequest, Rule, UnknownPrompt, said

_ARE_YOU_THERE = Rule(
    "check --online",
    re.compile(r"\s*Are you there\?"),
    lambda _match, _request: {"answer": said("yes")},
)
RULES: tuple[Rule, ...] = (
    _ARE_YOU_THERE,
    *mlflow.RULES,
    *guidelines.RULES,
    *conversations.RULES,
    *template.RULES,
    *pairwise.RULES,
    *deepeval.RULES,
    *ragas.RULES,
)


def judge(request: JudgeRequest) -> tuple[str, dict[str, Any]]:
    """Kind of the call and the verdict document.

    Raises UnknownPrompt if no rule knows the prompt, or if the rule's verdict lacks a key that the
    request's schema requires.
    """
    for rule in RULES:
        match = rule.match(request)
        if match:
            verdict = rule.decide(match, request)
            missing = set((request.schema or {}).get("required", ())) - set(verdict)
            if missing:
                raise UnknownPrompt(
                    f"the demo judge's rule {rule.name} gives {sorted(verdict)}, "
                    f"but the schema of the request also requires {sorted(missing)}"
                )
            return rule.kind(match, request), verdict
    known = ", ".join(rule.name for rule in RULES)
    raise UnknownPrompt(
        f"the demo judge does not know this prompt; it knows those of {known}. "
        f"The prompt starts: {(request.system or request.prompt)[:160]!r}"
    )
