"""What each scorer's judge took: in evaluation.json, as metrics of the run, and in its traces."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlflow
import pytest
from by_hand import ByHand, prepared, stub_running
from running_aws import RunningAws

pytestmark = pytest.mark.integration

ROWS = 4
SCORERS: list[Any] = [{"is_brief": {"max_words": 80}}, "Safety", "RelevanceToQuery"]
PRICES = {"bench": {"input_per_million": 1.0, "output_per_million": 10.0}}


@pytest.fixture(scope="module")
def server(aws: RunningAws) -> Iterator[str]:
    yield aws.mlflow
    mlflow.set_tracking_uri("")


def evaluated(job: ByHand) -> dict[str, Any]:
    done = job.run()
    assert done.returncode == 0, done.stdout + done.stderr
    document: dict[str, Any] = json.loads(job.evaluation.read_text())
    return document


def judge_metrics(document: dict[str, Any], server: str) -> dict[str, float]:
    mlflow.set_tracking_uri(server)
    metrics = mlflow.get_run(document["mlflow"]["run_id"]).data.metrics
    return {name: value for name, value in metrics.items() if ".judge_" in name}


def test_calls_tokens_and_money_by_scorer_and_what_was_reused(server: str, tmp_path: Path) -> None:
    with stub_running() as stub:
        job = prepared(tmp_path, stub, server, rows=ROWS, scorers=SCORERS, prices=PRICES)
        first, second = evaluated(job), evaluated(job)
    assert set(first["judges"]) == {"Safety", "RelevanceToQuery"}
    safety = first["judges"]["Safety"]
    assert (safety["calls"], safety["reused_calls"], safety["reused_cost"]) == (ROWS, 0, None)
    [spent] = [account for account in first["spend"] if account["service"] == "bench"]
    for figure in ("calls", "input_tokens", "output_tokens"):
        assert sum(each[figure] for each in first["judges"].values()) == spent[figure]
    costs = [each["cost"] for each in first["judges"].values()]
    assert sum(costs) == pytest.approx(spent["cost"])
    assert min(costs) > 0

    again = second["judges"]["Safety"]
    assert {name: again[name] for name in ("calls", "cost")} == {
        name: safety[name] for name in ("calls", "cost")
    }
    assert (again["reused_calls"], again["reused_cost"]) == (ROWS, again["cost"])
    [spent] = [account for account in second["spend"] if account["service"] == "bench"]
    assert (spent["calls"], spent["reused"]) == (0, 2 * ROWS)

    told = judge_metrics(first, server)
    assert told["details/Safety.judge_calls"] == ROWS
    assert told["details/Safety.judge_input_tokens"] == safety["input_tokens"]
    assert told["details/Safety.judge_cost"] == pytest.approx(safety["cost"])
    assert judge_metrics(second, server)["details/Safety.judge_reused_calls"] == ROWS


def test_without_a_price_there_is_no_cost_and_traces_show_what_the_file_asks_for(
    server: str, tmp_path: Path
) -> None:
    spans = {}
    with stub_running() as stub:
        for wanted in ("full", "none"):
            kept = {"experiment": f"{wanted} of them", "judge_spans": wanted}
            folder = tmp_path / wanted
            job = prepared(folder, stub, server, rows=ROWS, scorers=SCORERS, mlflow=kept)
            document = evaluated(job)
            assert document["judges"]["Safety"]["cost"] is None
            assert "details/Safety.judge_cost" not in judge_metrics(document, server)
            told = document["mlflow"]
            found = mlflow.search_traces(
                locations=[told["experiment_id"]], run_id=told["run_id"], return_type="list"
            )
            assert len(found) == ROWS
            spans[wanted] = {span.name for trace in found for span in trace.data.spans}
    assert spans["none"] == {"answer", "InvokeEndpoint"}
    assert spans["full"] == spans["none"] | {"Safety", "RelevanceToQuery", "judge call"}
