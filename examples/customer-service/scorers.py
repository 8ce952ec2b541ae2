"""A scorer of our own for customer service: does the customer learn what happens next?"""

from __future__ import annotations

import re

from mlflow.entities import Feedback
from mlflow.genai.scorers import scorer

_CUSTOMER_DOES = (
    r"(?:ask|call|cancel|change|check|choose|click|confirm|contact|enter|find|follow|go to|look|"
    r"open|order|place|print|reply|return|select|send|show|sign|take|tick|try|use|visit|write)"
)
_SHOP_DOES = (
    r"(?:call|check|forward|investigate|pass|refund|repair|replace|reply|send|start|transfer)"
)
_NEXT_STEP = re.compile(
    rf"^{_CUSTOMER_DOES}\b"
    rf"|\b(?:please|you can|you could|then)(?: also| now)? {_CUSTOMER_DOES}\b"
    rf"|\b(?:we|I)(?: will|['\u2019]ll)(?: now| then)? {_SHOP_DOES}\b",
    re.I,
)
"""The verb follows at once, so that "please do not call" and "we will not refund" are no steps."""


@scorer
def names_next_step(outputs: str) -> Feedback:
    """yes if one sentence asks the customer to do something, or says what the shop will do."""
    for sentence in re.split(r"(?<=[.!?])\s+", outputs.strip()):
        if _NEXT_STEP.search(sentence):
            return Feedback(value="yes", rationale=f"names a next step: {sentence!r}")
    return Feedback(
        value="no",
        rationale="no sentence asks the customer to do something or says what the shop will do",
    )
