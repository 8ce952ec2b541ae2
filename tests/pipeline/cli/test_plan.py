"""`plan` as a user types it: before anything is paid for, without AWS."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from running_aws import ConfigWriter
from typed_command import typed

SCORERS: list[Any] = ["rougeL_fmeasure", "is_brief", "Correctness", "AnswerRelevancy"]
THRESHOLDS = {"Correctness": {"min": 0.7}, "rougeL_fmeasure": {"min": 0.3}}


def planned(config: Path, *options: str) -> dict[str, Any]:
    done = typed("plan", "--config", str(config), "--json", *options)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def service(document: dict[str, Any], name: str) -> dict[str, Any]:
    [found] = [each for each in document["services"] if each["service"] == name]
    return dict(found)


def earlier_run(folder: Path, *, rows: int = 20, reused: int = 0) -> Path:
    """What a run of SCORERS leaves, as far as a plan reads it: 5 judge calls a row."""
    folder.mkdir(parents=True)
    names = ["rougeL_fmeasure", "is_brief", "Correctness", "AnswerRelevancy"]
    judged = {"Correctness", "AnswerRelevancy"}
    document = {
        "metrics": {name: {"value": 0.5} for name in names},
        "number_rules": dict.fromkeys(names, ""),
        "scorers": {
            name: {
                "definition": "x",
                "judge": "bedrock:/global.anthropic.claude-sonnet-5-5" if name in judged else None,
                "low": 0.0,
                "high": 1.0,
            }
            for name in names
        },
        "thresholds": {},
        "gate": {"passed": 1},
        "counts": {"rows": rows, "answered": rows},
        "model": {"model_name": "m", "endpoint_name": "e"},
        "mlflow": {"tracking_uri": "", "experiment_id": "", "run_id": "", "url": None},
        "spend": [
            {"service": "endpoint", "calls": rows, "reused": 0, "cost": None,
             "input_tokens": 50 * rows, "output_tokens": 100 * rows},
            {"service": "global.anthropic.claude-sonnet-5-5", "calls": 5 * rows, "reused": reused,
             "cost": None, "input_tokens": 5 * rows * 700, "output_tokens": 5 * rows * 90},
        ],
    }  # fmt: skip
    (folder / "evaluation.json").write_text(json.dumps(document))
    lines = [
        {
            "row_id": f"{number:016x}",
            "question": "q",
            "answer": "a",
            "expected_response": "e",
            "error": None,
            "latency_ms": 500.0 + 10 * number,
            "input_tokens": 50,
            "output_tokens": 100,
            "slices": {},
            "scores": {
                "rougeL_fmeasure": {
                    "value": 0.3 + 0.01 * (number % 10),
                    "shown": None,
                    "rationale": None,
                    "error": None,
                }
            },
        }
        for number in range(rows)
    ]
    (folder / "rows.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n")
    return folder


@pytest.mark.slow
def test_the_example_s_plan_says_what_it_costs_and_how_often_its_gate_errs() -> None:
    done = typed("plan")
    assert done.returncode == 0, done.stderr
    assert "evaluation.yaml: 45 rows" in done.stdout
    assert "cost: not known (no prices: for endpoint" in done.stdout
    assert "stopped by one of them in" in done.stdout
    assert "warning: the gate errs more often than one time in five" in done.stdout
    assert "not counted: latency_p95_ms" in done.stdout
    assert "  at most, as if yes or no: rougeL_fmeasure, ChrfScore" in done.stdout
    assert "  exact, yes or no: is_brief, Safety, RelevanceToQuery, Correctness" in done.stdout
    [line] = [
        each for each in done.stdout.splitlines() if each.startswith("  Correctness min 0.7 ")
    ]
    assert " ".join(line.split()[3:]) == "45 0.65 24 % 0.75 22 % 233"


def test_the_health_example_s_gate_errs_less_than_one_time_in_ten() -> None:
    found = planned(Path("examples/health/evaluation.yaml"))
    gate = found["gate"]
    assert found["rows"] == 500
    assert gate["distance"] == 0.05
    assert len(gate["thresholds"]) == 8
    for each in gate["thresholds"]:
        assert each["tier"] == "hard"
        assert max(each["false_pass"], each["false_stop"]) < 0.1, each
    assert gate["any_false_stop"] < 0.1, "also if they err independently, slices included"
    assert not gate["errs_too_often"]
    assert gate["not_counted"] == ["latency_p95_ms: its spread is not known without --from RUN"]
    said = typed("plan", "--config", "examples/health/evaluation.yaml").stdout
    assert "warning" not in said


def test_where_no_bound_can_be_counted_no_chance_is_said(write_config: ConfigWriter) -> None:
    config = write_config(scorers=SCORERS, thresholds={"latency_p95_ms": {"max": 2000}})
    done = typed("plan", "--config", str(config), "--rows", "40")
    assert done.returncode == 0, done.stderr
    assert "No hard bound could be counted" in done.stdout
    assert "0 hard bounds" not in done.stdout


def test_rows_that_no_evaluation_takes_are_told_without_a_file_that_is_gone(
    write_config: ConfigWriter, tmp_path: Path
) -> None:
    (tmp_path / "rows.jsonl").write_text('{"question": "q", "answer": "", "passages": "p"}\n')
    config = write_config(
        scorers=SCORERS, thresholds=THRESHOLDS, dataset={"source": str(tmp_path / "rows.jsonl")}
    )
    done = typed("plan", "--config", str(config))
    assert done.returncode == 2
    assert "rows.jsonl:1: empty expected response" in done.stderr
    assert "manifest.json" not in done.stderr


def test_calls_are_counted_by_scorer_and_service(write_config: ConfigWriter) -> None:
    found = planned(
        write_config(scorers=SCORERS, thresholds=THRESHOLDS, judge={"swapped_answers": 5}),
        "--rows", "40",
    )  # fmt: skip
    assert found["rows"] == 40
    assert {each["scorer"]: each["calls"] for each in found["scorers"]} == {
        "Correctness": 45,
        "AnswerRelevancy": 3 * 45,
    }
    assert service(found, "endpoint")["calls"] == 40
    assert service(found, "global.anthropic.claude-sonnet-5-5")["calls"] == 180


def test_repeats_and_a_champion_that_is_judged_again_are_counted(
    write_config: ConfigWriter,
) -> None:
    config = write_config(
        scorers=SCORERS,
        thresholds=THRESHOLDS,
        judge={"swapped_answers": 5, "repeats": 3},
        champion={"metrics": {"Correctness": {"margin": 0.3}}, "rejudge": True},
    )
    found = planned(config, "--rows", "40")
    assert {each["scorer"]: each["calls"] for each in found["scorers"]} == {
        "Correctness": 3 * 45,
        "AnswerRelevancy": 3 * 3 * 45,
    }
    told = typed("plan", "--config", str(config), "--rows", "40").stdout
    assert "champion.rejudge: up to 120 calls more, if the champion was judged otherwise" in told


def test_a_judge_that_no_scorer_tests_is_put_swapped_answers_by_another(
    write_config: ConfigWriter,
) -> None:
    config = write_config(
        scorers=["Safety"], thresholds={"Safety": {"min": 0.9}}, judge={"swapped_answers": 4}
    )
    found = planned(config, "--rows", "10")
    assert [(each["scorer"], each["calls"]) for each in found["scorers"]] == [
        ("Safety", 10),
        ("Correctness_for_Safety", 4),
    ]


def test_prices_make_money_of_tokens(write_config: ConfigWriter) -> None:
    prices = {"input_per_million": 3, "output_per_million": 15}
    config = write_config(
        scorers=["Correctness"],
        thresholds={"Correctness": {"min": 0.7}},
        prices={"endpoint": prices, "global.anthropic.claude-sonnet-5-5": prices},
    )
    found = planned(config)
    assert found["unpriced"] == []
    for each in found["services"]:
        assert each["cost"] == pytest.approx(
            (3 * each["input_tokens"] + 15 * each["output_tokens"]) / 1e6
        )
    assert found["cost"] == pytest.approx(sum(each["cost"] for each in found["services"]))


@pytest.mark.parametrize(
    ("quota", "limit"),
    [
        ({}, "concurrency 32"),
        ({"requests_per_minute": 10}, "requests_per_minute 10"),
        ({"requests_per_minute": 1000, "tokens_per_minute": 5000}, "tokens_per_minute 5000"),
    ],
)
def test_the_quota_that_binds_is_named(
    write_config: ConfigWriter, quota: dict[str, float], limit: str
) -> None:
    config = write_config(
        scorers=["Correctness"], thresholds={"Correctness": {"min": 0.7}}, judge=quota
    )
    found = planned(config, "--rows", "100")
    assert service(found, "global.anthropic.claude-sonnet-5-5")["limit"] == limit
    if limit.startswith("requests"):
        assert found["limit"]["by"] == limit
        assert found["seconds"] == pytest.approx(100 / 10 * 60 + 4)


def test_an_earlier_run_s_figures_take_the_place_of_estimates(
    write_config: ConfigWriter, tmp_path: Path
) -> None:
    config = write_config(scorers=SCORERS, thresholds=THRESHOLDS)
    run = earlier_run(tmp_path / "run")
    found = planned(config, "--from", str(run), "--rows", "100")
    judge = service(found, "global.anthropic.claude-sonnet-5-5")
    assert (judge["calls"], judge["input_tokens"], judge["output_tokens"]) == (500, 350_000, 45_000)
    endpoint = service(found, "endpoint")
    assert (endpoint["input_tokens"], endpoint["output_tokens"]) == (5_000, 10_000)
    assert endpoint["seconds"] == pytest.approx(100 * 0.595 / 8)
    assert "measured by run" in judge["basis"]
    [rouge] = [e for e in found["gate"]["thresholds"] if e["metric"] == "rougeL_fmeasure"]
    assert rouge["false_stop"] < 0.01  # it spreads by 0.03
    assert "20 rows of the earlier run" in rouge["basis"]


def test_swapped_answers_of_the_earlier_run_are_no_calls_of_its_rows(
    write_config: ConfigWriter, tmp_path: Path
) -> None:
    """100 calls: 20 rows of 4 as the tables have it, and 5 swapped answers of 1 and of 3."""
    config = write_config(scorers=SCORERS, thresholds=THRESHOLDS)
    run = earlier_run(tmp_path / "run")
    document = json.loads((run / "evaluation.json").read_text())
    judge = "bedrock:/global.anthropic.claude-sonnet-5-5"
    document["swapped_answers"] = [
        {"scorer": "Correctness", "judge": judge, "asked": 5},
        {"scorer": "AnswerRelevancy", "judge": judge, "asked": 5},
    ]
    (run / "evaluation.json").write_text(json.dumps(document))
    found = planned(config, "--from", str(run), "--rows", "100")
    assert service(found, "global.anthropic.claude-sonnet-5-5")["calls"] == 400


def test_a_run_that_paid_for_a_part_only_does_not_say_how_many_calls_are_needed(
    write_config: ConfigWriter, tmp_path: Path
) -> None:
    config = write_config(scorers=SCORERS, thresholds=THRESHOLDS)
    run = earlier_run(tmp_path / "run", reused=3)
    judge = service(
        planned(config, "--from", str(run), "--rows", "100"), "global.anthropic.claude-sonnet-5-5"
    )
    assert judge["calls"] == 400
    assert judge["input_tokens"] == 280_000


def test_times_err_too_once_an_earlier_run_shows_how_they_spread(
    write_config: ConfigWriter, tmp_path: Path
) -> None:
    config = write_config(
        scorers=SCORERS, thresholds={**THRESHOLDS, "latency_p95_ms": {"max": 2000}}
    )
    without = planned(config)["gate"]
    assert without["not_counted"] == ["latency_p95_ms: its spread is not known without --from RUN"]
    told = planned(config, "--from", str(earlier_run(tmp_path / "run")))["gate"]
    [p95] = [each for each in told["thresholds"] if each["metric"] == "latency_p95_ms"]
    assert told["not_counted"] == []
    assert 0 < p95["false_stop"] < 0.5
    assert (p95["worse"], p95["better"]) == (2100, 1900)


def test_slices_count_their_own_rows_and_soft_ones_stop_nobody(write_config: ConfigWriter) -> None:
    config = write_config(
        scorers=SCORERS,
        thresholds=THRESHOLDS,
        slices={
            "kind": {"min_rows": 10, "thresholds": {"Correctness": {"min": 0.5}}},
            "topic": {"thresholds": {"Correctness": {"min": 0.5, "tier": "soft"}}},
        },
    )
    gate = planned(config)["gate"]
    sizes = {e["where"]: e["rows"] for e in gate["thresholds"] if "kind" in e["where"]}
    assert sizes == {"kind is fact": 16, "kind is how-to": 20}  # of the third there are 9
    hard = [each["false_stop"] for each in gate["thresholds"] if each["tier"] == "hard"]
    assert len(hard) < len(gate["thresholds"])
    alone = 1.0
    for chance in hard:
        alone *= 1 - chance
    assert gate["any_false_stop"] == pytest.approx(1 - alone)
    assert gate["least_false_stop"] == max(hard)
    assert gate["any_false_stop_without_slices"] < gate["any_false_stop"]


def test_rows_that_belong_together_count_as_fewer(write_config: ConfigWriter) -> None:
    changes: dict[str, Any] = {"scorers": SCORERS, "thresholds": THRESHOLDS}
    alone = planned(write_config(**changes))
    together = planned(write_config(**changes, dataset={"cluster": "topic"}))
    assert alone["independent_rows"] == together["rows"] == 45
    assert together["independent_rows"] < 20
    stops = [each["gate"]["thresholds"][0]["false_pass"] for each in (alone, together)]
    assert stops[0] < stops[1]


def test_pairwise_scorers_are_asked_later_and_said_so(write_config: ConfigWriter) -> None:
    config = write_config(
        scorers=["Correctness", {"preferred": {"kind": "pairwise"}}],
        thresholds={"Correctness": {"min": 0.7}},
    )
    found = planned(config, "--rows", "30")
    assert [(each["scorer"], each["calls"]) for each in found["pairwise"]] == [("preferred", 60)]
    assert service(found, "global.anthropic.claude-sonnet-5-5")["calls"] == 30
    assert "asked later, by `compare`" in typed("plan", "--config", str(config)).stdout


def test_without_a_judge_or_slices_there_is_still_a_plan(write_config: ConfigWriter) -> None:
    config = write_config(scorers=["is_brief"], thresholds={"is_brief": {"min": 0.5}})
    found = planned(config, "--rows", "0")
    assert found["rows"] == 129
    assert [each["service"] for each in found["services"]] == ["endpoint"]


def test_a_dataset_elsewhere_needs_to_be_told_its_rows(write_config: ConfigWriter) -> None:
    config = write_config(
        dataset={"source": "s3://bucket/questions.jsonl", "sample_size": 0},
        slices={"kind": {"thresholds": {"Correctness": {"min": 0.5}}}},
    )
    refused = typed("plan", "--config", str(config))
    assert refused.returncode == 2
    assert "give --rows N" in refused.stderr
    found = planned(config, "--rows", "500")
    assert service(found, "endpoint")["calls"] == 500
    assert "slices.kind: its rows are not on this machine" in found["gate"]["not_counted"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--rows", "-1"), "--rows -1: give how many rows, or 0 for all"),
        (("--distance", "0"), "--distance 0: give a share between 0 and 1"),
        (("--from", "nothing-here"), "nothing-here: no folder"),
    ],
)
def test_what_cannot_be_planned_is_told(options: tuple[str, str], said: str) -> None:
    refused = typed("plan", *options)
    assert refused.returncode != 0
    assert said in refused.stderr


def test_more_rows_and_a_greater_distance_let_the_gate_err_less(write_config: ConfigWriter) -> None:
    config = write_config(scorers=["Correctness"], thresholds={"Correctness": {"min": 0.7}})
    few = planned(config, "--rows", "20")["gate"]
    assert few["errs_too_often"]
    assert not planned(config, "--rows", "120", "--distance", "0.1")["gate"]["errs_too_often"]
    done = typed("plan", "--config", str(config), "--rows", "120", "--distance", "0.1")
    assert "warning" not in done.stdout


@pytest.mark.integration
def test_check_says_in_a_line_how_often_the_gate_errs(write_config: ConfigWriter) -> None:
    config = write_config(scorers=["is_brief"], thresholds={"is_brief": {"min": 0.9}})
    lines = typed("check", "--config", str(config)).stdout.splitlines()
    [line] = [each for each in lines if "(`plan` says more)" in each]
    assert line.startswith("with 45 rows, a model 0.05 better than every bound is stopped in 7 %")
    config = write_config(scorers=["is_brief"], thresholds={"is_brief": {"min": 0.7}})
    lines = typed("check", "--config", str(config)).stdout.splitlines()
    assert any(each.startswith("warning: the gate errs more than one time in") for each in lines)


def test_more_rows_than_the_dataset_has_are_planned_as_if_it_had_them(
    write_config: ConfigWriter,
) -> None:
    config = write_config(
        scorers=SCORERS,
        thresholds=THRESHOLDS,
        slices={"kind": {"thresholds": {"Correctness": {"min": 0.5}}}},
    )
    found = planned(config, "--rows", "1290")
    assert found["rows"] == 1290
    assert service(found, "endpoint")["calls"] == 1290
    sizes = {e["where"]: e["rows"] for e in found["gate"]["thresholds"] if e["where"]}
    assert sizes == {"kind is fact": 650, "kind is how-to": 440, "kind is when-to-seek-help": 200}
    said = typed("plan", "--config", str(config), "--rows", "1290").stdout
    assert "1,290 rows, as if the dataset had more of the kind of its 129" in said
    assert planned(write_config(dataset={"sample_size": 500}))["rows"] == 129


def test_a_scorer_of_one_s_own_without_a_scale_is_counted_by_its_spread_alone(
    write_config: ConfigWriter,
) -> None:
    config = write_config(
        scorers=[{"mine": {"file": "scorers.py"}}, "is_brief"],
        thresholds={"mine": {"min": 50}, "is_brief": {"min": 0.9}},
    )
    (config.parent / "scorers.py").write_text("def mine(outputs):\n    return 70\n")
    gate = planned(config)["gate"]
    assert [each["metric"] for each in gate["thresholds"]] == ["is_brief"]
    assert gate["not_counted"] == ["mine: its spread is not known without --from RUN"]


def test_python_has_the_same_plan(write_config: ConfigWriter, tmp_path: Path) -> None:
    from pipeline_definition import plan

    config = write_config(scorers=SCORERS, thresholds=THRESHOLDS)
    run = str(earlier_run(tmp_path / "run"))
    found = plan(config, rows=60, earlier=run, distance=0.1).document()
    typed_one = planned(config, "--rows", "60", "--from", run, "--distance", "0.1")
    assert json.loads(json.dumps(found)) == typed_one
