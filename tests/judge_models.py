"""The judge that the examples name, and models whose replies MLflow asks for in different ways."""

from __future__ import annotations

import pytest
from configuration_file import read_document

EXAMPLE_JUDGE: str = read_document()["judge"]["model"]
"""`bedrock:/...`. evaluation.yaml is the one place that names it; a test holds the others to it."""

EXAMPLE_ID = EXAMPLE_JUDGE.removeprefix("bedrock:/")

CLAUDE_ID, NOVA_ID = "us.anthropic.claude-sonnet-4-20250514-v1:0", "us.amazon.nova-pro-v1:0"
BY_SCHEMA_ID = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
# litellm 1.83 forces a tool on the first, asks the second by JSON schema, offers the third a tool;
# it goes by these ids, which no judge has to have any more
MODELS = pytest.mark.parametrize(
    "model_id", [CLAUDE_ID, BY_SCHEMA_ID, NOVA_ID], ids=["tool", "schema", "offered-tool"]
)
