"""`compare` with pairwise scorers, against the demo judge: who is asked, how often, what of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from made_runs import made_document, made_row, write_run
from running_aws import ConfigWriter

from pipeline.cli.main import main
from pipeline.comparison.compare import compare
from pipeline.comparison.variants import compare_variants
from pipeline.local.demo.faults import Faults
from pipeline.local.demo.judge.model import JudgeModel
from pipeline.local.demo.judge.server import serve_judge

pytestmark = pytest.mark.integration

GOOD, POOR = "pinch the nose to stop a nosebleed", "wait"
FAST = {"jitter_ms": 0, "latency_ms": 0}


@pytest.fixture(scope="module")
def judge() -> Iterator[str]:
    """The demo judge's address, with a fair model and some that are not."""
    server = serve_judge(
        models={
            "fair": JudgeModel(faults=Faults(**FAST)),
            "first": JudgeModel(prefers="first", faults=Faults(**FAST)),
            "retired": JudgeModel(unavailable="retired"),
            "mad": JudgeModel(faults=Faults(malformed=1, malformed_as="not-json", **FAST)),
            "wild": JudgeModel(faults=Faults(malformed=0.8, malformed_as="not-json", **FAST)),
        }
    )
    yield server.url
    server.stop()


@pytest.fixture(autouse=True)
def in_a_folder(judge: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")  # there is no AWS
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", judge)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setattr("processing.scorers.asked_once.FIRST_PAUSE_SECONDS", 0.001)
    httpx.delete(f"{judge}/_demo/calls")


def calls(judge: str) -> int:
    return int(httpx.get(f"{judge}/_demo/calls").json()["total"])


def entry(model: str, **changes: Any) -> dict[str, Any]:
    return {
        "kind": "pairwise",
        "guidelines": ["The better answer is right."],
        "judge": {"model": f"bedrock:/{model}"},
        **changes,
    }


def run(name: str, answers: Sequence[str], **pairwise: Any) -> str:
    rows = [
        made_row(i, {"S": 1.0}, answer=answer, question=f"How do I stop a nosebleed {i}?")
        for i, answer in enumerate(answers)
    ]
    write_run(Path(name), made_document({"S": [1.0]}, len(rows), pairwise=pairwise), rows)
    return name


def compared(*arguments: str) -> dict[str, Any]:
    assert main(["compare", *arguments, "--html", "page.html", "--json", "told.json"]) == 0
    told: dict[str, Any] = json.loads(Path("told.json").read_text())
    return told


def test_each_pair_is_asked_in_both_orders_once_and_for_all(
    judge: str, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = {"preferred": entry("fair")}
    a = run("a", [POOR] * 10 + [GOOD] * 6, **mine)
    b = run("b", [GOOD] * 10 + [GOOD] * 4 + [POOR] * 2, **mine)
    [found] = compared(a, b)["pairwise"]
    out = capsys.readouterr().out
    assert (found["wins"], found["ties"], found["losses"], found["missing"]) == (10, 4, 2, 0)
    assert (found["asked"], found["order_disagreement_share"]) == (12, 0.0)
    assert found["win_rate"] == 0.75
    assert 0.5 < found["low"] < 0.75 < found["high"] < 1
    assert calls(judge) == 24  # the four identical answers are a tie without asking
    assert "12 pairs of answers of 2 runs; 4 pairs are the same answer" in out
    assert "progress  100 %  verdicts 24/24" in out
    assert "spent: fair 24 calls (0 reused), " in out
    assert "B : A" in out
    [verdict] = [v for v in found["verdicts"] if v["row_id"] == "row-00000"]
    assert verdict["preferred"] == "B"
    assert all("question's words" in said["rationale"] for said in verdict["said"])

    [mirrored] = compared(b, a)["pairwise"]
    assert calls(judge) == 24
    assert (mirrored["wins"], mirrored["losses"]) == (2, 10)
    assert "spent: fair 0 calls (24 reused), 0 tokens in, 0 out" in capsys.readouterr().out
    c = run("c", [GOOD] * 16, **mine)
    compared(a, b, c)
    assert calls(judge) == 24  # whatever run an answer is of


def test_three_runs_have_an_order_by_their_strengths(
    judge: str, capsys: pytest.CaptureFixture[str]
) -> None:
    middling = "stop a nosebleed"
    names = [run(name, [text] * 20, preferred=entry("fair"))
             for name, text in (("a", POOR), ("b", GOOD), ("c", middling))]  # fmt: skip
    told = compared(*names)
    # of the question's words the middling answer has as many as the good one
    assert [(f["run"], f["against"], f["wins"], f["losses"]) for f in told["pairwise"]] == [
        ("B", "A", 20, 0), ("C", "A", 20, 0), ("C", "B", 0, 0),
    ]  # fmt: skip
    [ranking] = told["strengths"]
    assert [found["run"] for found in ranking["strengths"]][2] == "A"
    assert [(s["best"], s["worst"]) for s in ranking["strengths"]] == [(1, 2), (1, 2), (3, 3)]
    out = capsys.readouterr().out
    assert "preferred, strongest first (Bradley-Terry):" in out
    assert "one tie put in between each two runs" in out
    assert calls(judge) == 120


def test_a_judge_that_prefers_the_place_gives_ties_and_no_winner(
    capsys: pytest.CaptureFixture[str],
) -> None:
    a, b = (run(name, [text] * 15, preferred=entry("first"))
            for name, text in (("a", POOR), ("b", GOOD)))  # fmt: skip
    [found] = compared(a, b)["pairwise"]
    assert (found["wins"], found["ties"], found["losses"]) == (0, 15, 0)
    assert (found["order_disagreement_share"], found["win_rate"]) == (1.0, 0.5)
    assert (found["p"], found["state"]) == (1.0, "not shown")
    out = capsys.readouterr().out
    assert "100 %" in out
    assert "contradicts itself on 15 when the answers change places" in out


@pytest.mark.parametrize(
    ("model", "said"),
    [("retired", "cannot be asked"), ("mad", "the judge answered")],
)
def test_a_judge_that_gives_no_verdict_wins_nobody_anything_and_hides_nothing_else(
    model: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = {"good": entry("fair"), "broken": entry(model)}
    a, b = run("a", [POOR] * 12, **mine), run("b", [GOOD] * 12, **mine)
    told = compared(a, b)
    fair, broken = told["pairwise"]
    assert (fair["scorer"], fair["wins"]) == ("good", 12)
    assert (broken["pairs"], broken["missing"], broken["wins"]) == (0, 12, 0)
    assert (broken["win_rate"], broken["low"], broken["high"]) == (None, 0.0, 1.0)
    assert (broken["p"], broken["state"]) == (None, "not compared")
    assert [d["pairs"] for d in told["differences"] if d["metric"] == "S"] == [12]
    out = capsys.readouterr().out
    assert f"broken, B against A: {'judge' if model == 'retired' else '12 rows'}" in out
    assert said in out
    assert len(told["rows"]) == 12


def test_missing_verdicts_widen_the_interval_and_are_asked_for_again(judge: str) -> None:
    mine = {"preferred": entry("wild")}
    a, b = run("a", [POOR] * 20, **mine), run("b", [GOOD] * 20, **mine)
    [found] = compared(a, b)["pairwise"]
    assert 0 < found["missing"] < 20
    assert found["wins"] == found["pairs"] == 20 - found["missing"]
    assert found["low"] <= found["wins"] / 20
    assert found["high"] == 1.0
    before, given = calls(judge), found["pairs"]
    [again] = compared(a, b)["pairwise"]
    assert again["pairs"] >= given
    assert calls(judge) > before


def test_the_file_s_scorers_are_asked_about_runs_that_had_none(
    judge: str, write_config: ConfigWriter, capsys: pytest.CaptureFixture[str]
) -> None:
    a, b = run("a", [POOR] * 5), run("b", [GOOD] * 5)
    assert compared(a, b)["pairwise"] == []
    config = write_config(
        scorers=["is_brief", {"preferred": {"kind": "pairwise"}}],
        judge={"model": "bedrock:/fair"},
        thresholds={"is_brief": {"min": 0.5}},
        prices={"fair": {"input_per_million": 1000, "output_per_million": 1000}},
    )
    [found] = compared(a, b, "--config", str(config))["pairwise"]
    assert (found["wins"], found["judge"]) == (5, "bedrock:/fair")
    assert calls(judge) == 10
    out = capsys.readouterr().out
    assert "cannot be read" in out  # the pipeline's store: what is paid for is kept here
    spent = next(line for line in out.splitlines() if line.startswith("spent: fair 10 calls"))
    assert float(spent.rpartition(", ")[2]) > 0
    assert compared(a, b, "--config", str(config), "--no-pairwise")["pairwise"] == []


def test_mistakes_in_a_named_file_are_an_error_and_in_the_default_one_a_note(
    judge: str, capsys: pytest.CaptureFixture[str]
) -> None:
    a, b = run("a", [POOR] * 3, preferred=entry("fair")), run("b", [GOOD] * 3)
    assert main(["compare", a, b, "--config", "nope.yaml", "--no-pairwise"]) == 0
    Path("broken.yaml").write_text("scorers: 3\n")
    assert main(["compare", a, b, "--config", "broken.yaml"]) == 2
    assert "broken.yaml:1: scorers: must be a list" in capsys.readouterr().err
    assert calls(judge) == 0
    Path("evaluation.yaml").write_text("scorers: 3\n")
    [found] = compared(a, b)["pairwise"]
    assert found["wins"] == 3
    assert "note: evaluation.yaml is not used: " in capsys.readouterr().out


def test_variants_of_a_file_are_compared_by_its_pairwise_scorers(
    write_config: ConfigWriter,
) -> None:
    config = write_config(
        scorers=["is_brief", {"preferred": entry("fair")}], thresholds={"is_brief": {"min": 0.5}}
    )
    places = {"short": run("a", [POOR] * 5), "long": run("b", [GOOD] * 5)}
    comparison = compare_variants(places, config).comparison
    assert comparison is not None
    [found] = comparison.findings.pairwise
    assert (found.wins, [each.name for each in comparison.findings.runs]) == (5, ["short", "long"])


def test_two_definitions_are_not_asked_and_the_file_s_counts(
    judge: str, write_config: ConfigWriter, capsys: pytest.CaptureFixture[str]
) -> None:
    a = run("a", [POOR] * 5, preferred=entry("fair"))
    b = run("b", [GOOD] * 5, preferred=entry("fair", guidelines=["Shorter is better."]))
    [found] = compared(a, b)["pairwise"]
    assert (found["pairs"], found["missing"], found["state"]) == (0, 5, "not compared")
    assert "A and B define it differently" in capsys.readouterr().out
    assert calls(judge) == 0
    config = write_config(
        scorers=["is_brief", {"preferred": entry("fair")}], thresholds={"is_brief": {"min": 0.5}}
    )
    [found] = compared(a, b, "--config", str(config))["pairwise"]
    assert found["wins"] == 5


@pytest.mark.parametrize(
    "foreign",
    [
        entry("x", judge={"model": "openai:/x", "base_url": "http://203.0.113.7/v1"}),
        entry("x", judge={"model": "anthropic:/x", "parameters": {"api_base": "http://203.0.113.7"}}),
        {"kind": "file", "file": "scorers.py"},
        {"kind": "Safety", "judge": {"model": "bedrock:/fair"}},
        {"kind": "pairwise"},
        {"kind": "pairwise", "judge": {"model": "nonsense"}},
        {"kind": ["pairwise"]},
        {"guidelines": 3},
    ],
)  # fmt: skip
def test_a_report_does_not_say_where_answers_and_keys_go(
    judge: str, foreign: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    a, b = run("a", [POOR] * 3, stranger=foreign), run("b", [GOOD] * 3)
    [found] = compared(a, b)["pairwise"]
    assert (found["pairs"], found["missing"], found["state"]) == (0, 3, "not compared")
    assert found["reason"]
    assert "stranger, B against A: " in capsys.readouterr().out
    assert calls(judge) == 0


def test_a_judge_on_this_machine_is_asked_on_a_report_s_word(judge: str) -> None:
    local = entry("x", judge={"model": "openai:/fair", "base_url": f"{judge}/v1"})
    a, b = run("a", [POOR] * 3, preferred=local), run("b", [GOOD] * 3, preferred=local)
    [found] = compared(a, b)["pairwise"]
    assert found["wins"] == 3


def test_from_python_it_is_a_frame() -> None:
    mine = {"preferred": entry("fair")}
    found = compare(run("a", [POOR] * 4, **mine), run("b", [GOOD] * 4, **mine))
    assert found.pairwise.loc[0, "win_rate"] == 1.0
    assert "preferred" in found._repr_html_()
    assert list(found.rows["better"]) == [("preferred",)] * 4
    assert compare("a", "b", pairwise=False).pairwise.empty
