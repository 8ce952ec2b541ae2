"""TGI's and LMI's own schema, with `inputs` and `generated_text`.

Source: djl-serving, lmi_input_output_schema.md.
"""

from __future__ import annotations

from typing import Any

from processing.config.endpoint import Endpoint
from processing.dataset.rows import Row
from processing.endpoint.body import reply_in
from processing.endpoint.prompt import fill
from processing.endpoint.reply import Reply


def request(endpoint: Endpoint, row: Row) -> dict[str, Any]:
    asked = fill(endpoint.prompt, row, endpoint)
    text = f"{endpoint.system_prompt}\n\n{asked}" if endpoint.system_prompt else asked
    streamed = {"stream": True} if endpoint.stream else {}
    return {"inputs": text, "parameters": dict(endpoint.parameters), **streamed}


def prompt(body: dict[str, Any]) -> str:
    return str(body["inputs"])


def reply(_endpoint: Endpoint, document: Any) -> Reply:
    return reply_in(document)
