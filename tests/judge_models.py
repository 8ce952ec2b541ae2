"""Models whose structured replies MLflow asks for in different ways."""

from __future__ import annotations

import pytest

CLAUDE_ID, NOVA_ID = "us.anthropic.claude-sonnet-4-20250514-v1:0", "us.amazon.nova-pro-v1:0"
BY_SCHEMA_ID = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
# litellm 1.83 forces a tool on the first, asks the second by JSON schema, offers the third a tool
MODELS = pytest.mark.parametrize(
    "model_id", [CLAUDE_ID, BY_SCHEMA_ID, NOVA_ID], ids=["tool", "schema", "offered-tool"]
)
