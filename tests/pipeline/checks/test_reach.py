"""What not even a perfect model could pass on so many rows is refused before a job is paid for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from running_aws import ConfigWriter

from pipeline.checks.reach import check_reach
from pipeline.definition.bundle import load_bundle
from processing.base.errors import ConfigError


def refusal(config: Path) -> str:
    try:
        check_reach(load_bundle(config), "evaluation.yaml")
    except ConfigError as error:
        return str(error)
    return ""


def with_rows(write_config: ConfigWriter, folder: Path, rows: int, **changes: Any) -> Path:
    lines = [json.dumps({"question": f"q{n}", "answer": "a"}) for n in range(rows)]
    (folder / "rows.jsonl").write_text("\n".join(lines))
    columns = {"question": "question", "expected_response": "answer"}
    dataset = {"source": str(folder / "rows.jsonl"), "columns": columns, "sample_size": 0}
    return write_config(scorers=["Safety"], dataset=dataset, **changes)


def interval(bound: float, rule: str = "min") -> dict[str, Any]:
    return {"Safety": {rule: bound, "on": "interval"}}


@pytest.mark.parametrize(("rows", "reached"), [(40, 0.91), (200, 0.98)])
def test_an_interval_s_end_that_so_few_rows_cannot_reach(
    write_config: ConfigWriter, tmp_path: Path, rows: int, reached: float
) -> None:
    assert not refusal(with_rows(write_config, tmp_path, rows, thresholds=interval(reached)))
    said = refusal(with_rows(write_config, tmp_path, rows, thresholds=interval(0.99)))
    assert said.startswith("evaluation.yaml: thresholds.Safety.min: 0.99 with on: interval is out")
    assert f"were of {rows} rows all 1, the interval would end at 0.9" in said


def test_the_bad_end_of_a_maximum_and_a_slice_s_threshold(
    write_config: ConfigWriter, tmp_path: Path
) -> None:
    said = refusal(with_rows(write_config, tmp_path, 40, thresholds=interval(0.01, "max")))
    assert "thresholds.Safety.max: 0.01 with on: interval is out of reach" in said
    slices = {"topic": {"thresholds": interval(0.99)}}
    mean = {"Safety": {"min": 0.99}}
    said = refusal(with_rows(write_config, tmp_path, 40, thresholds=mean, slices=slices))
    assert "slices.topic.thresholds.Safety.min: 0.99" in said
    assert not refusal(with_rows(write_config, tmp_path, 40, thresholds=mean))


def test_the_end_of_the_scale_is_out_of_reach_whatever_the_rows(write_config: ConfigWriter) -> None:
    dataset = {"source": "s3://bucket/rows.jsonl", "sample_size": 0}
    for bound, refused in ((1, True), (0.9999, False)):
        config = write_config(scorers=["Safety"], dataset=dataset, thresholds=interval(bound))
        assert bool(refusal(config)) == refused


def test_more_rows_are_asked_for_than_there_are(write_config: ConfigWriter, tmp_path: Path) -> None:
    mean = {"Safety": {"min": 0.9}}
    said = refusal(with_rows(write_config, tmp_path, 12, thresholds=mean))
    assert "budgets.min_rows: 30 is more than the 12 rows that are evaluated" in said
    assert not refusal(
        with_rows(write_config, tmp_path, 12, thresholds=mean, budgets={"min_rows": 10})
    )


@pytest.mark.parametrize(("rows", "margin"), [(40, 0.09), (200, 0.02)])
def test_a_margin_that_equal_models_could_not_show(
    write_config: ConfigWriter, tmp_path: Path, rows: int, margin: float
) -> None:
    def said(margin: float) -> str:
        champion = {"metrics": {"Safety": {"margin": margin}}}
        mean = {"Safety": {"min": 0.5}}
        return refusal(with_rows(write_config, tmp_path, rows, thresholds=mean, champion=champion))

    assert not said(margin)
    assert f"champion.metrics.Safety.margin: {margin / 2:g} is out of reach" in said(margin / 2)
