"""`check` tells of rows whose own system message is sent in the place of the file's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from running_aws import ConfigWriter
from typed_command import typed

pytestmark = pytest.mark.slow

NOTE = (
    "note: 10 of 40 rows have a system message of their own, which is sent in the place of "
    "endpoint.system_prompt"
)
OUR_PROMPT = {"system_prompt": "Answer briefly."}
TEMPLATE = {
    "format": "template",
    "parameters": {},
    "request": {"inputs": "{messages}"},
    "response": {"answer": "text"},
}


def conversations(folder: Path) -> Path:
    rows = []
    for number in range(40):
        said = [{"role": "user", "content": f"What helps against fever number {number}?"}]
        own = [{"role": "system", "content": "You are a nurse."}] if number % 4 == 0 else []
        rows.append({"messages": own + said, "answer": "Rest."})
    file = folder / "conversations.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


@pytest.mark.parametrize(
    ("endpoint", "told"),
    [
        (OUR_PROMPT, True),
        (TEMPLATE | OUR_PROMPT, True),
        ({"system_prompt": None}, False),
    ],
    ids=["chat", "template", "no prompt of the file's"],
)
def test_rows_that_instruct_the_model_themselves_are_counted(
    write_config: ConfigWriter, tmp_path: Path, endpoint: dict[str, Any], told: bool
) -> None:
    config = write_config(
        dataset={
            "source": str(conversations(tmp_path)),
            "columns": {"messages": "messages", "expected_response": "answer"},
            "sample_size": 0,
        },
        endpoint=endpoint,
        scorers=["rougeL_fmeasure"],
        thresholds={"rougeL_fmeasure": {"min": 0.3}},
    )
    done = typed("check", "--config", str(config))
    assert done.returncode == 0, done.stderr
    assert (NOTE in " ".join(done.stdout.split())) is told, done.stdout
