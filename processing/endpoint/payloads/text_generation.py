"""TGI's and LMI's own schema, with `inputs` and `generated_text`.

Source: djl-serving, lmi_input_output_schema.md.
"""

from __future__ import annotations

from typing import Any

from processing.config.endpoint import Endpoint
from processing.dataset.rows import Row
from processing.endpoint.prompt import fill
from processing.endpoint.reply import Reply, UnusableReply, excerpt, refuse_error, token_count


def request(endpoint: Endpoint, row: Row) -> dict[str, Any]:
    asked = fill(endpoint.prompt, row, endpoint)
    text = f"{endpoint.system_prompt}\n\n{asked}" if endpoint.system_prompt else asked
    return {"inputs": text, "parameters": dict(endpoint.parameters)}


def prompt(body: dict[str, Any]) -> str:
    return str(body["inputs"])


def reply(_endpoint: Endpoint, document: Any) -> Reply:
    first = document[0] if isinstance(document, list) and document else document
    refuse_error(first)
    if not isinstance(first, dict) or not isinstance(first.get("generated_text"), str):
        raise UnusableReply(f"no generated_text in {excerpt(document)}; is endpoint.format right?")
    details = first.get("details") or {}
    # LMI answers 200 with finish_reason "error" when generation fails half-way.
    if details.get("finish_reason") == "error":
        raise UnusableReply("details.finish_reason is 'error'")
    return Reply(
        first["generated_text"], output_tokens=token_count(details.get("generated_tokens"))
    )
