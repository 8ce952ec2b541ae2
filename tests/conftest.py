"""Fixtures for more than one room: a configuration to vary, and the local AWS to run it on."""

from __future__ import annotations

import os
import queue
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from running_aws import REPOSITORY, ConfigWriter, RunningAws


@pytest.fixture
def write_config(tmp_path: Path) -> ConfigWriter:
    """Writes the example configuration with some sections changed; returns the new file.

    Keys are merged into the example's section; thresholds, slices and lists replace the example's.
    """

    def write(**changes: Any) -> Path:
        document = YAML(typ="safe").load((REPOSITORY / "evaluation.yaml").read_text())
        questions = REPOSITORY / "examples" / "health" / "questions.jsonl"
        document["dataset"]["source"] = str(questions)
        for section, change in changes.items():
            if isinstance(change, dict) and section not in ("thresholds", "slices"):
                document[section] = document.get(section, {}) | change
            else:
                document[section] = change
        if "scorers" in changes:  # the example's slices name the example's scorers
            for section in {"slices", "champion"} - changes.keys():
                document.pop(section, None)
        path = tmp_path / f"{document['pipeline']['name']}.yaml"
        with path.open("w") as file:
            YAML(typ="safe").dump(document, file)
        return path

    return write


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAws]:
    """The local AWS with everything that stands around it, as a user starts it."""
    from pipeline.local.services import four_free_ports

    state = tmp_path_factory.mktemp("local-aws")
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    first_port = 14566 + 500 * worker  # two workers looking at once would find the same ports
    command = [
        *(sys.executable, "pipeline_definition.py", "local"),
        *("--port", str(four_free_ports(first_port)), "--state", str(state)),
    ]
    process = subprocess.Popen(
        command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    running = RunningAws({}, "")
    printed: queue.Queue[str | None] = queue.Queue()

    def read() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            running.lines.append(line)
            printed.put(line)
        printed.put(None)

    threading.Thread(target=read, daemon=True).start()
    while not running.mlflow:
        line = printed.get(timeout=90)
        assert line is not None, "the local AWS did not start:\n" + "".join(running.lines)
        if variable := re.fullmatch(r"export (\w+)=(\S+)\n", line):
            running.environment[variable[1]] = variable[2]
        if address := re.match(r"# MLflow: (\S+)", line):
            running.mlflow = address[1]
    yield running
    process.terminate()
    assert process.wait(timeout=30) == 0
