"""What a row is asked: the placeholders of `endpoint.prompt` and `endpoint.request` filled."""

from __future__ import annotations

import re

from processing.config.endpoint import Endpoint
from processing.dataset.rows import Row


def fill(template: str, row: Row, endpoint: Endpoint) -> str:
    """Replace the placeholders in one pass, so that a row's own braces stay as they are."""
    values = {
        "{question}": row.question,
        "{context}": "\n\n".join(row.context or ()),
        "{system_prompt}": endpoint.system_prompt or "",
    }
    return re.sub(r"\{(question|context|system_prompt)\}", lambda m: values[m[0]], template)
