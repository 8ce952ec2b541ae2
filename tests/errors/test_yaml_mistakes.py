"""Every mistake in the file names the file, its line, the key, and how to fix it."""

from __future__ import annotations

from pathlib import Path

import pytest
from running_aws import REPOSITORY
from typed_command import the_line, typed

from processing.base.errors import ConfigError
from processing.config.file import load_config

EXAMPLE = (REPOSITORY / "evaluation.yaml").read_text()


def line_of(text: str, document: str) -> int:
    return document[: document.index(text)].count("\n") + 1


@pytest.mark.parametrize(
    ("old", "new", "at", "helps"),
    [
        ("  seed: 7", "\tseed: 7", "\tseed", "a tab stands where only spaces may"),
        ("  seed: 7", "  seed: 7\n  seed: 8", "  seed: 8", "'seed' stands here a second time"),
        ("budgets:", "mlflow: {}\nbudgets:", "mlflow:\n", "'mlflow' stands here a second time"),
        ("  seed: 7", "   seed: 7", "   seed", "its indentation fits none of the lines above"),
        ("  seed: 7", "  seed:7", "  max_unusable", "a key needs a colon and a space"),
        ("  seed: 7", '  seed: "7', '  seed: "7', "a quote is not closed"),
        ("rougeL_fmeasure: {min: 0.35}", "rougeL_fmeasure: {min: 0.35", "rougeL_fmeasure: {",
         "a bracket is not closed"),
        ("  seed: 7", "  seed: *x", "  seed", "begins with * needs quotes"),
        ("  seed: 7", "  seed: @x", "  seed", "begins with this character needs quotes"),
        ("Evaluates the", "Evaluates: the", "Evaluates:", "a text with ': ' in it needs quotes"),
        ("  seed: 7", "  seed: 7\x07", "  seed", "U+0007 cannot be seen"),
        ("trigger:", "---\ntrigger:", "---", "one document"),
        ("  seed: 7", "  sed: 7", "  sed", "dataset.sed: unknown key, did you mean 'seed'?"),
        ("  seed: 7", "  seed: many", "  seed", "dataset.seed: must be a whole number, not 'many'"),
        ("mlflow:", "mlflow: x\nprices:", "mlflow: x", "mlflow: must be a section with keys"),
        ("mlflow:", "mlflow:\nprices:", "mlflow:", "mlflow: is empty: its keys have to be"),
        ("role/llm-evaluation-job", "llm-job", "job_role", "must be the ARN of a role"),
        ("http://127.0.0.1:4569", "arn:aws:sagemaker:us-east-1:1:x", "  tracking_uri",
         "mlflow.tracking_uri: must be an http(s) address, or the ARN of a MLflow App"),
        ("model: bedrock:/", "model: ", "  model: global.", "such as bedrock:/"),
        ("bucket: llm", "bucket: s3://llm", "  bucket", "the name of a bucket alone"),
        ("ml.g5.2xlarge", "g5.2xlarge", "instance_type", "such as ml.m5.large"),
        ("{min: 0.35}", "{min: 0,35}", "  rougeL_fmeasure: {", "0.35 was meant: a decimal number"),
        ("{min: 0.35}", "{min: '0,35'}", "  rougeL_fmeasure: {", "a number with a point, 0.35"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_line(
    old: str, new: str, at: str, helps: str, tmp_path: Path
) -> None:
    assert old in EXAMPLE
    document = EXAMPLE.replace(old, new, 1)
    path = tmp_path / "evaluation.yaml"
    path.write_text(document)
    with pytest.raises(ConfigError) as refused:
        load_config(path)
    lines = [line for line in str(refused.value).splitlines() if helps in line]
    assert len(lines) == 1, refused.value
    assert lines[0].startswith(f"{path}:{line_of(at, document)}: "), lines[0]


@pytest.mark.parametrize(
    ("old", "new", "at", "helps"),
    [
        ("rougeL_fmeasure: {min: 0.35}", "rougeL_fmeasure: {min: 0.35, on: interval}",
         "rougeL_fmeasure: {min", "thresholds.rougeL_fmeasure.on: is interval, which needs all"),
        ("trigger:", "judges: {min_kappa: 0.6}\ntrigger:", "judges: {min_kappa: 0.6}\ntrigger:",
         "judges: needs all labelled answers, and stop_early passes on fewer"),
        ("{mode: confident, for: both}", "{mode: certain, for: both}", "stop_early: {",
         "for is of mode: confident, and mode is certain"),
        ("{mode: confident, for: both}", "{mode: confident, for: passes}", "stop_early: {",
         "stop_early.for: input should be 'refusals' or 'both'"),
    ],
)  # fmt: skip
def test_what_an_early_pass_goes_together_with(
    old: str, new: str, at: str, helps: str, tmp_path: Path
) -> None:
    early = EXAMPLE.replace("stop_early: none", "stop_early: {mode: confident, for: both}", 1)
    path = tmp_path / "evaluation.yaml"
    assert old in early
    document = early.replace(old, new, 1)
    path.write_text(document)
    with pytest.raises(ConfigError) as refused:
        load_config(path)
    [line] = [line for line in str(refused.value).splitlines() if helps in line]
    assert line.startswith(f"{path}:{line_of(at, document)}: "), line


def test_a_file_that_is_not_there() -> None:
    line = the_line(typed("check", "--config", "nowhere.yaml"))
    assert "nowhere.yaml: cannot be read: No such file or directory: name the file" in line


def test_a_folder(tmp_path: Path) -> None:
    line = the_line(typed("check", "--config", str(tmp_path)))
    assert f"{tmp_path}: cannot be read: Is a directory: name the file in it" in line


def test_a_file_that_is_not_utf8(tmp_path: Path) -> None:
    path = tmp_path / "latin.yaml"
    document = EXAMPLE.replace("Evaluates the", "Caf\u00e9:", 1)
    path.write_bytes(document.encode("latin-1"))
    line = the_line(typed("check", "--config", str(path)))
    assert (
        f"{path}:{line_of('Caf', document)}: is not UTF-8 text (byte 0xe9): save the file as UTF-8"
        in line
    )


@pytest.mark.parametrize(("share", "refused"), [("0.4", True), ("0", False)])
def test_a_share_of_swapped_answers_that_nobody_is_given(
    tmp_path: Path, share: str, refused: bool
) -> None:
    budgets = f"  min_swapped_rejected_share: {share}\n  min_rows: 30"
    document = EXAMPLE.replace("\nscorers:", "\n  swapped_answers: 0\nscorers:", 1)
    # behind the judge's own lines, all other keys of which are comments
    document = document.replace("  min_rows: 30", budgets, 1)
    path = tmp_path / "evaluation.yaml"
    path.write_text(document)
    if not refused:
        assert load_config(path).judge is not None
        return
    with pytest.raises(ConfigError, match=r"judge\.swapped_answers is 0") as told:
        load_config(path)
    assert f"{path}:{line_of('  min_swapped', document)}: budgets." in str(told.value)
