"""What `endpoint.response` finds in a response body, by its JMESPath expressions."""

from __future__ import annotations

from typing import Any

from processing.config.endpoint import Endpoint
from processing.dataset.retrieved import Retrieved, retrieved_in
from processing.endpoint.reply import UnusableReply, excerpt


def found_at(key: str, path: str | None, document: Any) -> Any:
    """Raises UnusableReply where the expression cannot be computed, as `join` of a null."""
    import jmespath

    if path is None:
        return None
    try:
        return jmespath.search(path, document)
    except Exception as error:  # functions raise what Python does, beside JMESPathError
        said = " ".join(str(error).split())[:160]
        shown = f"{excerpt(document)}: {said}"
        raise UnusableReply(f"endpoint.response.{key} cannot be computed of {shown}") from error


def passages_in(endpoint: Endpoint, document: Any) -> Retrieved | None:
    """What was retrieved; None where the endpoint is not said to return it.

    An answer without passages, or with what is none, is an answer nonetheless.
    """
    path = endpoint.context_path
    if path is None:
        return None
    try:
        found = found_at("context", path, document)
    except UnusableReply as error:
        return Retrieved(problem=str(error))
    return retrieved_in(found, f"endpoint.response.context ({path})")
