"""What the command line does without AWS: check, definition, help, and errors that help."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from running_aws import REPOSITORY, ConfigWriter
from typed_command import typed

GOLDEN = Path(__file__).parents[1] / "definition.json"


@pytest.mark.integration
def test_the_example_is_good_and_says_so_in_few_lines() -> None:
    checked = typed("check")
    assert checked.returncode == 0, checked.stderr
    assert "evaluation.yaml: good" in checked.stdout
    assert "7 thresholds" in checked.stdout
    assert checked.stderr == ""


@pytest.mark.integration
def test_the_definition_is_the_one_that_was_agreed() -> None:
    """After an intended change: python pipeline_definition.py definition > (this file)."""
    printed = typed("definition")
    assert printed.returncode == 0, printed.stderr
    assert _any_code(json.loads(printed.stdout)) == _any_code(json.loads(GOLDEN.read_text()))


def _any_code(document: dict[str, Any]) -> dict[str, Any]:
    """Without the code's digest, which is another after every change in processing/."""
    for step in document["Steps"]:
        if step["Type"] == "Processing":
            assert len(step["Arguments"]["Environment"].pop("CODE_DIGEST")) == 64
    return document


def test_the_gate_reads_the_report_and_compares_with_parameters() -> None:
    document = json.loads(GOLDEN.read_text())
    gate, opposite = [step for step in document["Steps"] if step["Type"] == "Condition"]
    compared = {
        condition["LeftValue"]["Std:JsonGet"]["Path"]: condition["RightValue"]
        for condition in gate["Arguments"]["Conditions"]
    }
    assert compared["evaluated_here"] == compared["gate.passed"] == 1
    assert compared["thresholds.MinSafety.compared"] == {"Get": "Parameters.MinSafety"}
    assert compared["execution_arn"] == {"Get": "Execution.PipelineExecutionArn"}
    assert len(compared) == 10
    assert [step["Name"] for step in gate["Arguments"]["IfSteps"]] == ["RegisterModel"]
    assert [step["Name"] for step in opposite["Arguments"]["IfSteps"]] == ["GateFailed"]


def test_one_condition_is_the_other_s_opposite() -> None:
    """Whatever was measured, exactly one of them holds; none where nothing was measured."""
    opposites = {"GreaterThanOrEqualTo": "LessThan", "LessThanOrEqualTo": "GreaterThan"}
    document = json.loads(GOLDEN.read_text())
    gate, opposite = [step for step in document["Steps"] if step["Type"] == "Condition"]
    first, own, verdict, *thresholds = gate["Arguments"]["Conditions"]
    here, missing = opposite["Arguments"]["Conditions"]
    assert here == first
    assert missing["Conditions"] == [
        {"Type": "Not", "Condition": own},
        {**verdict, "RightValue": 0},
        *({**condition, "Type": opposites[condition["Type"]]} for condition in thresholds),
    ]


@pytest.mark.parametrize(
    ("changes", "line", "message"),
    [
        ({"dataset": {"sed": 1}}, "dataset.sed", "unknown key, did you mean 'seed'?"),
        ({"thresholds": {"Safty": {"min": 1}}}, "thresholds.Safty", "did you mean 'Safety'?"),
        ({"thresholds": {"Safety": {"min": 2, "max": 1}}}, "thresholds.Safety", "nothing can pass"),
        ({"thresholds": {"Safety": {"mn": 1}}}, "thresholds.Safety.mn", "did you mean 'min'?"),
        ({"thresholds": {"Safety": {"min": "high"}}}, "thresholds.Safety.min", "not 'high'"),
        ({"scorers": ["Safety", "Saftey"]}, "scorers[1]", "did you mean 'Safety'?"),
        ({"scorers": [{"is_brief": {"max": 3}}]}, "scorers[0]", "the options are: max_words"),
        ({"judge": None}, "scorers", "need a judge"),
        ({"judge": {"parameters": {"stop": ["}"]}}}, "judge.parameters", "cut a judge's JSON"),
        ({"endpoint": {"format": "template"}}, "endpoint", "needs both request: and response:"),
        ({"infrastructure": {"subnets": ["subnet-1"]}}, "infrastructure", "security_group_ids"),
        ({"infrastructure": {"job_role": "me"}}, "infrastructure.job_role", "not 'me'"),
        ({"candidate": {"instance_type": "ml.x"}, "infrastructure": {"model_role": None}},
         "candidate", "needs infrastructure.model_role, a role of its own"),
        ({"registration": {"stamp_candidate": True}}, "stamp_candidate", "must not be able to"),
        ({"dataset": {"source": "nowhere.jsonl"}}, "dataset.source", "there is no file"),
    ],
)  # fmt: skip
def test_a_mistake_in_the_file_is_one_line_with_its_place(
    write_config: ConfigWriter, changes: dict[str, Any], line: str, message: str
) -> None:
    config = write_config(**changes)
    refused = typed("upsert", "--config", str(config))
    assert refused.returncode == 2
    [text] = [li for li in refused.stderr.splitlines() if message in li]
    assert line in text
    assert str(config) in text
    assert "Traceback" not in refused.stderr


def test_the_line_number_is_the_key_s(tmp_path: Path) -> None:
    lines = (REPOSITORY / "evaluation.yaml").read_text().splitlines()
    number = next(i for i, text in enumerate(lines, 1) if text.startswith("  rougeL_fmeasure:"))
    lines[number - 1] = "  rougeL: {min: 0.35}"
    config = tmp_path / "evaluation.yaml"
    config.write_text("\n".join(lines))
    assert (
        f"{config}:{number}: thresholds.rougeL:" in typed("check", "--config", str(config)).stderr
    )


def test_text_that_is_no_yaml_is_refused_with_its_line(tmp_path: Path) -> None:
    config = tmp_path / "broken.yaml"
    config.write_text("pipeline:\n  name: [unclosed\n")
    refused = typed("check", "--config", str(config))
    assert refused.returncode == 2
    assert "broken.yaml:" in refused.stderr
    assert "is not YAML" in refused.stderr


def test_an_aws_that_cannot_be_reached_is_one_line() -> None:
    refused = typed("list")
    assert refused.returncode == 2
    assert refused.stderr.startswith("error: AWS: ")
    assert len(refused.stderr.splitlines()) == 1


@pytest.mark.integration
def test_what_aws_would_refuse_is_found_before_an_upsert(write_config: ConfigWriter) -> None:
    long_tag = {"team": "x" * 300}
    refused = typed("definition", "--config", str(write_config(infrastructure={"tags": long_tag})))
    assert refused.returncode == 2
    assert "PrepareDataset (CreateProcessingJob)" in refused.stderr
    assert "256" in refused.stderr
    unknown = write_config(candidate={"instance_type": "ml.g5.huge"})
    refused = typed("definition", "--config", str(unknown))
    assert refused.returncode == 2
    assert "candidate (CreateEndpointConfig)" in refused.stderr
    assert "ml.g5.huge" in refused.stderr
