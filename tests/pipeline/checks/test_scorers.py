"""`check` builds and tries scorers where only what goes along to the job lies beside them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from running_aws import ConfigWriter
from typed_command import Done, typed

from pipeline.definition.bundle import load_bundle
from processing.base.errors import ConfigError
from processing.config.file import config_digest, load_config

pytestmark = pytest.mark.integration  # check builds the pipeline and loads the libraries

HEAD = "import json, pathlib\nfrom mlflow.genai.scorers import scorer\n"
AT_IMPORT = (
    HEAD
    + """
TERMS = json.loads((pathlib.Path(__file__).parent / "terms.json").read_text())
@scorer
def mine(outputs):
    return len(TERMS) / 2
"""
)
AT_CALL = (
    HEAD
    + """
@scorer
def mine(outputs):
    return len(json.loads((pathlib.Path(__file__).parent / "terms.json").read_text())) / 2
"""
)
BY_WORKING_DIRECTORY = (
    HEAD
    + """
@scorer
def mine(outputs):
    return len(json.load(open("terms.json"))) / 2
"""
)
SIBLING = (
    HEAD
    + """
@scorer
def mine(outputs):
    import helpers
    from parts import words
    return helpers.half() * words.ONE
"""
)


@pytest.fixture
def beside(write_config: ConfigWriter, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Writes scorers.py with files beside it; `check` is typed where these lie."""

    def write(source: str, *, files: list[str] | None = None, **options: Any) -> Path:
        entry = {"file": "scorers.py", **({"files": files} if files else {}), **options}
        config = write_config(scorers=["is_brief", {"mine": entry}],
                              thresholds={"mine": {"min": 0.5}})  # fmt: skip
        folder = config.parent
        (folder / "scorers.py").write_text(source)
        (folder / "terms.json").write_text('["fever", "pain"]')
        (folder / "helpers.py").write_text("def half():\n    return 0.5\n")
        (folder / "parts").mkdir(exist_ok=True)
        (folder / "parts/__init__.py").write_text("")
        (folder / "parts/words.py").write_text("ONE = 1.0\n")
        monkeypatch.chdir(folder)
        return config

    return write


def checked(config: Path) -> Done:
    return typed("check", "--config", str(config))


@pytest.mark.parametrize(
    ("source", "name"),
    [(AT_IMPORT, "terms.json"), (AT_CALL, "terms.json"), (BY_WORKING_DIRECTORY, "terms.json")],
)
def test_a_file_that_does_not_go_along_is_named(beside: Any, source: str, name: str) -> None:
    config = beside(source)
    refused = checked(config)
    assert refused.returncode == 2
    [line] = refused.stderr.splitlines()
    number = next(i for i, t in enumerate(config.read_text().splitlines(), 1) if "mine" in t)
    assert line.startswith(f"error: {config}:{number}: scorers[1]: "), line
    assert f"{name} does not go along to the job: name it in the entry, files: [{name}]" in line
    assert "check-scorers-" not in line


def test_a_file_is_not_looked_for_in_the_working_directory(beside: Any) -> None:
    refused = checked(beside(BY_WORKING_DIRECTORY, files=["terms.json"]))
    assert "open it as Path(__file__).parent / 'terms.json'" in refused.stderr


def test_a_sibling_module_that_does_not_go_along_is_named(beside: Any) -> None:
    refused = checked(beside(SIBLING))
    assert "name it in the scorer's entry, files: [helpers.py]" in refused.stderr


@pytest.mark.parametrize("source", [AT_IMPORT, AT_CALL])
def test_a_file_that_goes_along_is_read_and_the_scorer_tried(beside: Any, source: str) -> None:
    good = checked(beside(source, files=["terms.json"]))
    assert good.returncode == 0, good.stderr
    assert "tried on the first row, with its expected answer as the answer: is_brief" in good.stdout
    assert "mine 1\n" in good.stdout


def test_modules_that_go_along_can_be_imported_by_name(beside: Any) -> None:
    files = ["helpers.py", "parts/__init__.py", "parts/words.py"]
    config = beside(SIBLING, files=files)
    good = checked(config)
    assert good.returncode == 0, good.stderr
    assert "mine 0.5" in good.stdout
    (config.parent / "helpers.py").write_text("def half():\n    return 0.25\n")
    assert "mine 0.25" in checked(config).stdout  # and not what was imported before


def test_files_go_along_to_the_job_and_are_part_of_its_definition(beside: Any) -> None:
    config = beside(AT_IMPORT, files=["terms.json", "parts/words.py"])
    bundle = load_bundle(config)
    keys = {upload.uri.removeprefix(f"{bundle.config_uri}/") for upload in bundle.uploads}
    assert {"evaluation.yaml", "scorers.py", "terms.json", "parts/words.py"} <= keys
    before = config_digest(config, load_config(config))
    (config.parent / "terms.json").write_text("[]")
    assert config_digest(config, load_config(config)) != before


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("../secret.json", "no file beside the configuration"),
        ("/etc/passwd", "no file beside the configuration"),
        ("a/../b", "no file beside the configuration"),
        ("evaluation.yaml", "no file beside the configuration"),
        ("json.py", "json is a module that Python or the job has; rename it"),
        ("absent.json", "absent.json: No such file"),
    ],
)
def test_a_name_that_cannot_go_along_is_refused(beside: Any, name: str, said: str) -> None:
    config = beside(AT_CALL, files=[name])
    with pytest.raises(ConfigError) as refused:
        load_bundle(config)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("body", "options", "said"),
    [
        ("return 1 / 0", {}, "ZeroDivisionError: division by zero (scorers.py:5 in mine)"),
        ("return 'maybe'", {}, "the verdict 'maybe' lies outside its scale"),
        ("return 3", {"range": [0, 1]}, "the verdict 3 lies outside its scale: 0 to 1"),
        ("return inputs['topic']", {}, "KeyError: 'topic'"),
    ],
)
def test_a_scorer_that_fails_on_every_row_is_told_before_a_job_does(
    beside: Any, body: str, options: dict[str, Any], said: str
) -> None:
    source = f"{HEAD}@scorer\ndef mine(inputs, outputs):\n    {body}\n"
    refused = checked(beside(source, **options))
    assert refused.returncode == 2
    [line] = refused.stderr.splitlines()
    assert "scorers[1]: gives no verdict on the first 5 rows, with the expected answer: " in line
    assert said in line


def test_a_scorer_that_fails_on_some_rows_is_good(beside: Any) -> None:
    body = "calls.append(1)\n    assert len(calls) > 2\n    return 0.75"
    source = f"{HEAD}calls = []\n@scorer\ndef mine(outputs):\n    {body}\n"
    good = checked(beside(source))
    assert good.returncode == 0, good.stderr
    assert "mine 0.75" in good.stdout


def test_what_is_not_raised_but_has_nothing_to_say_is_a_note(write_config: ConfigWriter) -> None:
    scorers = ["is_brief", {"QuotedSpansAlignment": {"kind": "RAGAS"}}]
    config = write_config(scorers=scorers, thresholds={"is_brief": {"min": 0.5}})
    good = checked(config)
    assert good.returncode == 0, good.stderr
    assert "note: QuotedSpansAlignment gives no verdict on the first 5 rows" in good.stdout


def test_a_library_s_option_that_only_a_row_shows_wrong_is_refused(
    write_config: ConfigWriter,
) -> None:
    entry = {"bleu": {"kind": "RAGAS", "metric": "BleuScore", "kwargs": {"smoothing": "exp"}}}
    config = write_config(scorers=["is_brief", entry], thresholds={"is_brief": {"min": 0.5}})
    refused = checked(config)
    assert refused.returncode == 2
    assert "scorers[1]: gives no verdict" in refused.stderr
    assert "unexpected keyword argument 'smoothing'" in refused.stderr


def test_a_scorer_that_only_a_variant_has_otherwise_is_tried_too(
    write_config: ConfigWriter, tmp_path: Path
) -> None:
    (tmp_path / "scorers.py").write_text(f"{HEAD}@scorer\ndef mine(outputs):\n    return 5\n")
    entries = {top: {"mine": {"file": "scorers.py", "range": [0, top]}} for top in (10, 1)}
    config = write_config(
        scorers=[entries[10]],
        thresholds={"mine": {"min": 0.5}},
        variants={"base": {}, "own": {"scorers": [entries[1]]}},
    )
    done = typed("check", "--config", str(config))
    assert done.returncode == 2, done.stdout
    assert "of variant own: gives no verdict on the first 5 rows" in done.stderr
