"""Tokens are counted on this machine: nobody is asked, and nothing is downloaded."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from pipeline.checks.plan import tokens


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    tokens.counter.cache_clear()
    yield
    tokens.counter.cache_clear()


def test_openai_s_tokenizer_is_read_from_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_network(*_: object) -> None:
        raise AssertionError("a token count went to the network")

    monkeypatch.setattr(socket, "getaddrinfo", no_network)
    count, how = tokens.counter()
    assert how == "tiktoken o200k_base"
    assert count("Hello world") == 2
    assert count("<|endoftext|>") > 1  # a row's own text, and no command to the tokenizer
    assert count("") == 0


def test_where_it_is_not_here_characters_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "_litellm_encodings", lambda: None)
    count, how = tokens.counter()
    assert how == "4 characters a token"
    assert (count("12345678"), count("123456789"), count("")) == (2, 3, 0)
