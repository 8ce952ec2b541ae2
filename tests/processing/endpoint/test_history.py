"""What an endpoint is sent of a conversation."""

from __future__ import annotations

from typing import Any

import pytest

from processing.config.endpoint import Endpoint
from processing.dataset.rows import Talk, make_row
from processing.dataset.turns import Turn
from processing.endpoint.payload import request_body

BEFORE = (Turn("user", "Hello, I am Ann."), Turn("assistant", "Hello {question}."))
ROW = make_row("Who am I?", "Ann.", ["A passage."], talk=Talk(BEFORE))
SENT = [
    {"role": "user", "content": "Hello, I am Ann."},
    {"role": "assistant", "content": "Hello {question}."},
]


def endpoint(**given: Any) -> Endpoint:
    return Endpoint.model_validate({"name": "model", **given})


def test_the_history_goes_along_as_it_stands_and_the_prompt_makes_the_last_turn() -> None:
    asking = endpoint(system_prompt="Be brief.", prompt="{context} {question}")
    assert request_body(asking, ROW)["messages"] == [
        {"role": "system", "content": "Be brief."},
        *SENT,
        {"role": "user", "content": "A passage. Who am I?"},
    ]


@pytest.mark.parametrize("role", ["system", "developer"])
def test_a_conversations_own_instructions_stand_for_the_system_prompt(role: str) -> None:
    row = make_row("Who?", "Ann.", talk=Talk((Turn(role, "Be long."), *BEFORE)))
    sent = request_body(endpoint(system_prompt="Be brief."), row)["messages"]
    assert [message["role"] for message in sent] == [role, "user", "assistant", "user"]
    assert sent[0]["content"] == "Be long."


def test_a_template_has_the_messages_where_it_says() -> None:
    asking = endpoint(
        format="template",
        request={"input": {"chat": "{messages}"}, "q": "{question}"},
        response={"answer": "a"},
    )
    body = request_body(asking, ROW)
    assert body["input"]["chat"] == [*SENT, {"role": "user", "content": "Who am I?"}]
    assert body["q"] == "Who am I?"
