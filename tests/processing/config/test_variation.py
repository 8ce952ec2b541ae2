"""`--set`: which values come of it, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from running_aws import ConfigWriter
from typed_command import the_line, typed

from processing.base.errors import ConfigError
from processing.config.file import load_config
from processing.config.variation import parse_settings, read_variation, write_varied


def test_values_are_yaml_and_what_is_none_is_a_text(tmp_path: Path) -> None:
    prompt = tmp_path / "prompt.txt"
    prompt.write_text("Be kind: always.\n")
    given = ["a.b=0.7", "c=true", "d=[1, x]", "e={f: 2}", "g=]oops", "h=a=b", f"i=@{prompt}", "j="]
    assert parse_settings(given) == {
        "a.b": 0.7,
        "c": True,
        "d": [1, "x"],
        "e": {"f": 2},
        "g": "]oops",
        "h": "a=b",
        "i": "Be kind: always.\n",
        "j": None,
    }


@pytest.mark.parametrize("text", ["endpoint.name", "=3", "", " =x"])
def test_what_is_no_setting_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="KEY=VALUE"):
        parse_settings([text])


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(ConfigError, match=r"--set a: no-such\.txt cannot be read: No such file"):
        parse_settings(["a=@no-such.txt"])


def test_the_varied_file_is_the_file_with_other_values(
    write_config: ConfigWriter, tmp_path: Path
) -> None:
    path = write_config()
    vary = {"endpoint.parameters.temperature": 0.7, "judge.parameters.max_tokens": 99}
    varied = write_varied(path, vary, tmp_path / "varied")
    before, after = load_config(path), load_config(varied)
    assert after.endpoint.parameters == {**before.endpoint.parameters, "temperature": 0.7}
    assert after.judge is not None
    assert after.judge.parameters == {"max_tokens": 99}
    unchanged = {"endpoint", "judge"}
    assert after.model_dump(exclude=unchanged) == before.model_dump(exclude=unchanged)
    assert read_variation(varied) == {
        "endpoint.parameters.temperature": "0.7",
        "judge.parameters.max_tokens": "99",
    }
    assert read_variation(path) == {}


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("endpoint.temprature=1", "endpoint.temprature set:"),
        ("endpoint.temprature=1", "endpoint.temprature: unknown key"),
        ("scorers.x=1", "--set scorers.x: scorers is a list and has no keys: set it whole"),
        ("endpoint.name.x=1", "--set endpoint.name.x: endpoint.name is a value and has no keys"),
        ("endpoint.concurrency=many", "endpoint.concurrency: must be a whole number, not 'many'"),
    ],
)
def test_a_mistake_is_told_with_its_key(setting: str, said: str) -> None:
    assert said in the_line(typed("try", "--set", setting))
