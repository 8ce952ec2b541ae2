"""Secrets are refused where they are given, with what to do instead, and masked where shown."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from running_aws import ConfigWriter

from pipeline.checks.parameters import check_parameters
from processing.base import secrets
from processing.base.errors import ConfigError, LaunchError
from processing.base.secrets import is_secret_name, is_secret_text, masked
from processing.config.file import load_config

SECRET = "Tr0ub4dor-planted"
SHAPED = {
    "OpenAI": "sk-proj-0123456789abcdefABCDEF",
    "AWS": "AKIAIOSFODNN7EXAMPLE",
    "JWT": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P",
    "GitHub": "ghp_0123456789abcdefghijABCDEFGHIJ012345",
    "Hugging Face": "hf_abcdefghijKLMNOPQRSTuvwx",
}
IN_TEXT = [
    f"https://user:{SECRET}@mlflow.example",
    f"https://{SECRET}@mlflow.example/x",
    f"https://mlflow.example/?a=1&token={SECRET}&b=2",
    f"https://b.s3.amazonaws.com/k?X-Amz-Signature={SECRET}",
    f"Authorization: Bearer {SECRET}",
    f"{{'api_key': '{SECRET}', 'model': 'x'}}",
    json.dumps({"password": SECRET}),
    f"x-api-key={SECRET}",
    *(f"before {value}, after" for value in SHAPED.values()),
]


@pytest.mark.parametrize("text", IN_TEXT)
def test_it_is_masked_in_any_text(text: str) -> None:
    assert is_secret_text(text)
    shown = masked(f"said: {text}")
    assert not [value for value in (SECRET, *SHAPED.values()) if value in shown]
    assert "***" in shown
    assert masked(shown) == shown


def test_the_environment_s_own_secrets_are_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", SECRET)
    monkeypatch.setenv("SHORT_PASSWORD", "a")
    assert masked(f"a wrong password: {SECRET}") == "a wrong password: ***"


@pytest.mark.parametrize(
    "text",
    [
        "Incorrect token: max_tokens is 1024, token_limit 7, stop_token_ids=[1, 2]",
        "arn:aws:sagemaker:us-east-1:123456789012:mlflow-app/x",
        "s3://bucket/secrets/key.json at http://127.0.0.1:4569/#/experiments/1",
        "the password is told in the question: what is a password?",
        "tokens 950 in 12.3k out  cost 0.1",
    ],
)
def test_ordinary_words_stay(text: str) -> None:
    assert masked(text) == text


@pytest.mark.parametrize(
    "name",
    ["api_key", "apiKey", "x-api-key", "Authorization", "password", "HF_TOKEN", "aws_session_token",
     "aws_secret_access_key", "client_secret", "secretKey", "token", "credentials"],
)  # fmt: skip
def test_names_of_secrets(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    ["max_tokens", "maxTokens", "token_limit", "stop_token_ids", "eos_token", "tokens_per_minute",
     "volume_kms_key", "key", "temperature", "input_tokens", "primary_key", "max_new_tokens"],
)  # fmt: skip
def test_names_of_no_secrets(name: str) -> None:
    assert not is_secret_name(name)


@pytest.mark.parametrize(
    ("changes", "key", "helps"),
    [
        ({"mlflow": {"tracking_uri": f"http://u:{SECRET}@127.0.0.1:1"}}, "mlflow.tracking_uri",
         "MLFLOW_TRACKING_PASSWORD"),
        ({"mlflow": {"tracking_uri": f"http://h/?token={SECRET}"}}, "mlflow.tracking_uri",
         "MLFLOW_TRACKING_TOKEN"),
        ({"judge": {"parameters": {"api_key": SECRET}}}, "judge.parameters.api_key",
         "secrets:"),
        ({"judge": {"parameters": {"extra_headers": {"Authorization": SECRET}}}},
         "judge.parameters.extra_headers.Authorization", "secrets:"),
        ({"judge": {"base_url": f"http://u:{SECRET}@h/v1"}}, "judge.base_url",
         "secrets:"),
        ({"endpoint": {"parameters": {"hf_token": SECRET}}}, "endpoint.parameters.hf_token",
         "secrets:"),
        ({"endpoint": {"custom_attributes": f"x-api-key={SECRET}"}}, "endpoint.custom_attributes",
         "secrets:"),
        ({"endpoint": {"parameters": {"stop": [SHAPED["OpenAI"]]}}}, "endpoint.parameters.stop[0]",
         "secrets:"),
        ({"dataset": {"source": f"https://u:{SECRET}@h/rows.jsonl"}}, "dataset.source",
         "secrets:"),
    ],
)  # fmt: skip
def test_the_file_is_refused_with_line_key_and_mend(
    changes: dict[str, object], key: str, helps: str, write_config: ConfigWriter
) -> None:
    path = write_config(**changes)
    with pytest.raises(ConfigError) as refused:
        load_config(path)
    [line] = [line for line in str(refused.value).splitlines() if f": {key}: " in line]
    number = int(line.removeprefix(f"{path}:").partition(":")[0])
    assert key.rpartition(".")[2].partition("[")[0] in path.read_text().splitlines()[number - 1]
    assert helps in line
    assert SECRET not in str(refused.value)
    assert SHAPED["OpenAI"] not in str(refused.value)


def test_a_file_without_secrets_is_taken(write_config: ConfigWriter) -> None:
    parameters = {"max_tokens": 9, "stop_token_ids": [2], "eos_token": "</s>"}
    assert load_config(write_config(endpoint={"parameters": parameters})).endpoint.parameters


@pytest.mark.parametrize(
    "value", [f"https://u:{SECRET}@mlflow.example", f"https://mlflow.example/?token={SECRET}"]
)
def test_start_refuses_a_parameter_with_one(value: str) -> None:
    with pytest.raises(LaunchError) as refused:
        check_parameters({"MlflowTrackingUri": value})
    assert "-p MlflowTrackingUri: holds what looks like a password" in str(refused.value)
    assert "-p MlflowTrackingUri=" not in str(refused.value)
    assert SECRET not in str(refused.value)


@given(st.text())
def test_masking_ends_and_is_stable(text: str) -> None:
    once = masked(text)
    assert is_secret_text(text) or once == text
    assert masked(once) == once


PIECES = [
    "password", "PASSWD", "api_key", "apiKey", "api-", "access-key", "token", "max_tokens",
    "eos_token", "\u017fecret", "\u017fIGNATURE", "to\u212aen", "s\u0131gnature", "AP\u0130key",
    "Authorization", "=", "\"", "'", ":", " ", "\n", "\u00a0", "Bearer", "Basic", "://", "@", "/",
    "x", "-", "_", ".", "&", "\u00e9", "sk-", "AKIA", "eyJ", "ghp_", "hf_", "glpat-",
    "0123456789abcdefABCDEF",
]  # fmt: skip


@pytest.mark.slow
@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=12).map("".join))
@settings(max_examples=1000)
def test_looking_for_a_secret_s_letters_first_finds_the_same(text: str) -> None:
    slow = secrets._IN_ADDRESS.sub("***@", text)
    slow = secrets._ASSIGNED.sub(r"\1***", slow)
    slow = secrets._SHAPES.sub("***", secrets._BEARER.sub(r"\1***", slow))
    assert secrets._without_shapes(text) == slow


def test_every_name_of_a_secret_is_looked_for() -> None:
    """Whichever way sre reads a letter: it takes U+017F for an s where case is ignored."""
    names = ["password", "passwd", "secret", "signature", "apikey", "api_key", "access-key",
             "token", "authorization"]  # fmt: skip
    for name in names:
        for letters in (name, name.upper(), *(name.replace(a, b) for a, b in ALIKE)):
            for assigned in (f"{letters}={SECRET}", f'"{letters}": "{SECRET}"'):
                assert masked(f"x {assigned} y").count("***") == 1, assigned


ALIKE = [("i", "\u0130"), ("i", "\u0131"), ("s", "\u017f"), ("k", "\u212a")]


@pytest.mark.parametrize("unit", ["://", "a", "token", "eyJ", "?token=", "'token':'", "sk-", "-_."])
def test_no_text_makes_masking_slow(unit: str) -> None:
    began = time.process_time()
    masked(unit * (200_000 // len(unit)))
    assert time.process_time() - began < 5
