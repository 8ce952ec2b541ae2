"""Secrets by ARN: what the file may name, what the job reads, and one line for each that fails."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from errors.aws_double import Refusal, aws_double
from hypothesis import given
from hypothesis import strategies as st
from local_runs import ENVIRONMENT, local_client
from loopback_server import serving
from running_aws import REPOSITORY, ConfigWriter

from pipeline.local.aws import LocalAws, serve
from processing.base.errors import ConfigError, SecretError
from processing.base.secrets import DECLARED, masked
from processing.base.stored_secrets import export_secrets, parse_secret, read_secrets
from processing.config.file import load_config

HERE = "arn:aws:secretsmanager:us-east-1:123456789012:secret:"
PARAMETERS = "arn:aws:ssm:us-east-1:123456789012:parameter"
KEY = "0123456789abcdef-planted"


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    state = tmp_path_factory.mktemp("aws")
    server = serve(0, state_dir=state, job_environment={}, echo=lambda _: None)
    yield server
    server.stop()


@pytest.fixture
def aws(local: LocalAws, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    """aws(service) is a client; this process's environment leads to the local AWS."""
    for name, value in {**ENVIRONMENT, "AWS_ENDPOINT_URL": local.url, DECLARED: ""}.items():
        monkeypatch.setenv(name, value)
    return lambda service: local_client(local.url, service)


def stored(aws: Callable[[str], Any], value: str) -> str:
    return str(aws("secretsmanager").create_secret(
        Name=f"judges/key-{os.urandom(8).hex()}", SecretString=value)["ARN"])  # fmt: skip


def read(arn: str, variable: str = "OPENAI_API_KEY") -> str:
    return read_secrets({variable: parse_secret(arn)})[variable]


def refused(arn: str, variable: str = "OPENAI_API_KEY") -> str:
    with pytest.raises(SecretError) as error:
        read(arn, variable)
    [line] = str(error.value).splitlines()
    assert line.startswith(f"secrets.{variable}: {arn.partition(':KEY')[0][:40]}")
    return line


def test_a_secret_is_read_without_the_line_break_of_its_file(aws: Callable[[str], Any]) -> None:
    assert read(stored(aws, f"{KEY}\n")) == KEY


def test_one_key_of_a_json_secret_is_read(aws: Callable[[str], Any]) -> None:
    arn = stored(aws, json.dumps({"openai": KEY, "other": "x" * 9}))
    assert read(f"{arn}:openai::") == KEY
    assert read(f"{arn}:openai:AWSCURRENT:") == KEY
    assert json.loads(read(arn, "VERTEXAI_CREDENTIALS"))["openai"] == KEY


def test_a_version_is_read(aws: Callable[[str], Any]) -> None:
    arn = stored(aws, "the-first-value")
    first = aws("secretsmanager").get_secret_value(SecretId=arn)["VersionId"]
    aws("secretsmanager").put_secret_value(SecretId=arn, SecretString=KEY)
    assert read(arn) == KEY
    assert read(f"{arn}::AWSPREVIOUS:") == "the-first-value"
    assert read(f"{arn}:::{first}") == "the-first-value"


@pytest.mark.parametrize("kind", ["SecureString", "String"])
@pytest.mark.parametrize("name", ["/judges/openai", "judge-key"])
def test_a_parameter_is_read(aws: Callable[[str], Any], name: str, kind: str) -> None:
    aws("ssm").put_parameter(Name=name, Value=KEY, Type=kind, Overwrite=True)
    assert read(f"{PARAMETERS}/{name.removeprefix('/')}") == KEY


def test_a_rotated_secret_is_read_anew(aws: Callable[[str], Any]) -> None:
    arn = stored(aws, "the-first-value")
    assert read(arn) == "the-first-value"
    aws("secretsmanager").put_secret_value(SecretId=arn, SecretString=KEY)
    assert read(arn) == KEY


def test_what_is_read_is_in_the_environment_and_masked_in_every_form(
    aws: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    value = 'line "one" of it\nline/two & of it'
    monkeypatch.setenv("GATEWAY", "set before")
    export_secrets({"GATEWAY": parse_secret(stored(aws, value))})
    assert os.environ["GATEWAY"] == value
    address = "http://h/?q=line%20%22one%22%20of%20it%0Aline%2Ftwo%20%26%20of%20it"
    for text in (value, json.dumps({"x": value}), repr(value), "a line/two & of it", address):
        assert "of it" not in masked(text)
        assert "of%20it" not in masked(text)


@pytest.mark.parametrize(
    ("value", "suffix", "why"),
    [
        (json.dumps({"a": KEY}), "", "a JSON object with the keys a: take one of them"),
        (json.dumps({"a": KEY}), ":b::", "no key 'b'; its keys are a"),
        (json.dumps({"a": {"b": KEY}}), ":a::", "no text"),
        (json.dumps({"a": " "}), ":a::", "empty"),
        (KEY, ":a::", "no JSON object"),
        ("  \n", "", "empty"),
        ("abc", "", "fewer than 4 characters"),
        (f"{KEY}\0", "", "NUL"),
    ],
)
def test_a_secret_of_no_use_is_one_line_without_its_value(
    aws: Callable[[str], Any], value: str, suffix: str, why: str
) -> None:
    line = refused(stored(aws, value) + suffix)
    assert why in line
    assert KEY not in line


def test_what_is_missing_or_binary_is_one_line_each(aws: Callable[[str], Any]) -> None:
    binary = aws("secretsmanager").create_secret(Name="binary", SecretBinary=b"\0\1")["ARN"]
    assert "binary" in refused(binary)
    empty = aws("secretsmanager").create_secret(Name="nothing-in-it")["ARN"]
    assert "put the secret there" in refused(empty)
    named = {
        "A": parse_secret(f"{HERE}absent-AbCdEf"),
        "B": parse_secret(f"{PARAMETERS}/absent"),
    }
    with pytest.raises(SecretError) as error:
        read_secrets(named)
    lines = str(error.value).splitlines()
    assert [line.split(":")[0] for line in lines] == ["secrets.A", "secrets.B"]
    assert all("put the secret there, or correct its ARN" in line for line in lines)


@pytest.mark.parametrize(
    ("arn", "operation", "message"),
    [
        (f"{HERE}key-AbCdEf", "GetSecretValue",
         "User: x is not authorized to perform: secretsmanager:GetSecretValue on resource: y"),
        (f"{HERE}key-AbCdEf", "GetSecretValue", "Access to KMS is not allowed"),
        (f"{PARAMETERS}/key", "GetParameter",
         "User: x is not authorized to perform: ssm:GetParameter on resource: y"),
    ],
)  # fmt: skip
def test_a_denied_secret_says_who_has_to_allow_it(
    arn: str, operation: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    denied = Refusal(400, "AccessDeniedException", message)
    with aws_double({operation: denied}) as double:
        for name, value in {**ENVIRONMENT, "AWS_ENDPOINT_URL": double.url}.items():
            monkeypatch.setenv(name, value)
        line = refused(arn)
    assert message in line
    assert "permissions create" in line


@pytest.mark.parametrize(
    "given",
    [
        *("sk-a-key-0123456789abcdef", KEY, "judges/openai", f"{HERE}openai"),
        *(f"{HERE}key-AbCdEf:a:b:c:d", PARAMETERS, "arn:aws:s3:::bucket/key", "", 7, None),
    ],
)
def test_what_is_no_arn_is_refused_and_never_shown(given: Any, write_config: ConfigWriter) -> None:
    with pytest.raises(ConfigError) as error:
        load_config(write_config(secrets={"OPENAI_API_KEY": given}))
    [line] = str(error.value).splitlines()
    assert "secrets.OPENAI_API_KEY: must be the ARN of a secret" in line
    assert KEY not in line
    assert "0123456789abcdef" not in line


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"secrets": {"2KEY": f"{PARAMETERS}/k"}}, "secrets: '2KEY' is no name of a variable"),
        ({"secrets": {"AWS_SECRET_ACCESS_KEY": f"{PARAMETERS}/k"}}, "act as somebody else"),
        ({"secrets": {"CODE_DIGEST": f"{PARAMETERS}/k"}}, "set by the pipeline itself"),
        ({"infrastructure": {"environment": {"LLM_EVALUATION_X": "1"}}}, "by the pipeline itself"),
        ({"infrastructure": {"environment": {"A": "x" * 257}}}, "256"),
        ({"infrastructure": {"environment": {"HF_TOKEN": KEY}}}, "is a secret by its name"),
        ({"infrastructure": {"environment": {"HTTPS_PROXY": f"http://u:{KEY}@p:1"}}},
         "looks like a password"),
        ({"infrastructure": {"environment": {"HF_TOKEN": f"{PARAMETERS}/k"}}},
         "move it to secrets: HF_TOKEN"),
        ({"secrets": {"A": f"{PARAMETERS}/k"}, "infrastructure": {"environment": {"A": "x"}}},
         "secrets.A: is also in infrastructure.environment"),
    ],
)  # fmt: skip
def test_variables_that_no_job_can_have_are_refused(
    changes: dict[str, Any], why: str, write_config: ConfigWriter
) -> None:
    with pytest.raises(ConfigError) as error:
        load_config(write_config(**changes))
    assert why in str(error.value)
    assert KEY not in str(error.value)


NAMES = st.from_regex(r"[\w/+=.@-]{1,40}", fullmatch=True).filter(str.isascii)


@pytest.mark.slow
@given(name=NAMES, key=st.from_regex(r"[^:\n]{0,20}", fullmatch=True))
def test_every_arn_of_ecs_is_read_as_ecs_reads_it(name: str, key: str) -> None:
    found = parse_secret(f"{HERE}{name}-AbCdEf:{key}::")
    assert (found.arn, found.json_key) == (f"{HERE}{name}-AbCdEf", key)
    assert (found.version_stage, found.version_id) == ("", "")


@pytest.mark.slow
def test_a_private_hub_is_asked_with_the_token_that_the_file_names(
    local: LocalAws, aws: Callable[[str], Any], tmp_path: Path, write_config: ConfigWriter
) -> None:
    asked: list[str] = []

    class PrivateHub(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.headers.get("Authorization", ""))
            self.send_response(404)
            self.end_headers()

        do_HEAD = do_GET

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    config = write_config(
        dataset={"source": "hf://owner/private"}, secrets={"HF_TOKEN": stored(aws, KEY)}
    )
    with serving(ThreadingHTTPServer(("127.0.0.1", 0), PrivateHub)) as hub:
        done = subprocess.run(
            [*(sys.executable, "-m", "processing.prepare_dataset"),
             *("--config", str(config), "--output", str(tmp_path / "prepared"))],
            cwd=REPOSITORY, capture_output=True, text=True, check=False,
            env={**os.environ, **ENVIRONMENT, "AWS_ENDPOINT_URL": local.url, "HF_ENDPOINT": hub,
                 "HF_HOME": str(tmp_path)},
        )  # fmt: skip
    assert done.returncode == 1
    assert "hf://owner/private cannot be read" in done.stderr
    assert asked
    assert set(asked) == {f"Bearer {KEY}"}
    assert KEY not in done.stdout + done.stderr
