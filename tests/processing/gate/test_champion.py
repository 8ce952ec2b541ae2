"""The champion is found in the registry, read from MLflow, and compared row by row."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import mlflow
import pytest
from botocore.stub import Stubber

from processing.config.gate import Champion
from processing.gate.champion import ChampionVerdict, Rejudge, Rejudged, judge_champion
from processing.gate.scorer_record import ScorerRecord
from processing.gate.worst_case import Scale

pytestmark = pytest.mark.integration

GROUP = "health-qa-approved"
ARN = f"arn:aws:sagemaker:us-east-1:123456789012:model-package/{GROUP}/3"
LISTED = {
    "ModelPackageGroupName": GROUP,
    "ModelApprovalStatus": "Approved",
    "SortBy": "CreationTime",
    "SortOrder": "Descending",
}
SECTION = Champion.model_validate({"metrics": {"Correctness": {"margin": 0.1}}})
IDS = [f"{i:016x}" for i in range(40)]


@pytest.fixture(scope="module", autouse=True)
def tracking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A real MLflow store on a file, with artifacts in a folder."""
    folder = tmp_path_factory.mktemp("mlflow")
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
    mlflow.create_experiment("champion", artifact_location=(folder / "artifacts").as_uri())
    mlflow.set_experiment("champion")
    yield
    mlflow.set_tracking_uri(before)


RECORD = ScorerRecord("a" * 16, "bedrock:/judge", 0, 1, number_rule="yes = 1, no = 0")


def document_of(record: ScorerRecord | None = RECORD) -> str:
    """An evaluation.json that says by whom Correctness was judged."""
    said = {"scorers": {"Correctness": record.entry()}} if record else {}
    rules = {"Correctness": record.number_rule if record else ""}
    return json.dumps({**said, "number_rules": rules})


def run_with(rows: str, folder: Path, document: str | None = None) -> str:
    """A finished MLflow run with this rows.jsonl among its artifacts; its id."""
    (folder / "rows.jsonl").write_text(rows, encoding="utf-8")
    (folder / "evaluation.json").write_text(document_of() if document is None else document)
    with mlflow.start_run() as run:
        mlflow.log_artifacts(str(folder), "evaluation")
    return str(run.info.run_id)


def rows_of(scores: dict[str, float | None]) -> str:
    return "".join(
        json.dumps(
            {
                "row_id": row_id,
                "answer": "a line separator: \u2028",
                "scores": {"Correctness": {"value": value, "error": None}},
            },
            ensure_ascii=False,
        )
        + "\n"
        for row_id, value in scores.items()
    )


def judged(
    run_id: str | None,
    ours: dict[str, float | None],
    *,
    scale: Scale = Scale(),  # noqa: B008 (frozen)
    rows: list[str] = IDS,
    section: Champion = SECTION,
    rejudge: Rejudge | None = None,
) -> ChampionVerdict:
    """Judged against an approved package that names `run_id`."""
    client = sagemaker()
    with Stubber(client) as registry:
        registry.add_response("list_model_packages", page(ARN), LISTED)
        described = described_package({"mlflow_run_id": run_id} if run_id else {})
        registry.add_response("describe_model_package", described, {"ModelPackageName": ARN})
        verdict = against(client, ours, scale=scale, rows=rows, section=section, rejudge=rejudge)
        registry.assert_no_pending_responses()
    return verdict


def against(
    client: Any,
    ours: dict[str, float | None],
    *,
    scale: Scale = Scale(),  # noqa: B008
    rows: list[str] = IDS,
    section: Champion = SECTION,
    rejudge: Rejudge | None = None,
) -> ChampionVerdict:
    return judge_champion(
        client,
        GROUP,
        section,
        rows=dict.fromkeys(rows),
        scores={row_id: {"Correctness": value} for row_id, value in ours.items()},
        scales={"Correctness": scale},
        min_rows=30,
        scorers={"Correctness": RECORD},
        rejudge=rejudge or nobody_is_asked,
    )


def nobody_is_asked(*_: Any) -> Rejudged:
    raise AssertionError("a judge was asked")


def sagemaker() -> Any:
    return boto3.client(
        "sagemaker", "us-east-1", aws_access_key_id="testing", aws_secret_access_key="testing"
    )


def page(*arns: str, token: str | None = None) -> dict[str, Any]:
    packages = [
        {
            "ModelPackageArn": arn,
            "ModelPackageGroupName": GROUP,
            "CreationTime": datetime(2026, 11, 1, tzinfo=UTC),
            "ModelPackageStatus": "Completed",
            "ModelApprovalStatus": "Approved",
        }
        for arn in arns
    ]
    return {"ModelPackageSummaryList": packages} | ({"NextToken": token} if token else {})


def described_package(metadata: dict[str, str]) -> dict[str, Any]:
    return {
        "ModelPackageName": GROUP,
        "ModelPackageArn": ARN,
        "CreationTime": datetime(2026, 11, 1, tzinfo=UTC),
        "ModelPackageStatus": "Completed",
        "ModelPackageStatusDetails": {"ValidationStatuses": []},
        "CustomerMetadataProperties": metadata,
    }


def scores(*bad: int, value: float | None = 0.0) -> dict[str, float | None]:
    return {row_id: value if i in bad else 1.0 for i, row_id in enumerate(IDS)}


def test_an_equal_model_is_not_inferior(tmp_path: Path) -> None:
    run_id = run_with(rows_of(scores(1, 2, 3)), tmp_path)
    verdict = judged(run_id, scores(1, 2, 3))
    assert (verdict.state, verdict.reasons, verdict.warnings) == ("compared", (), ())
    assert (verdict.package_arn, verdict.run_id) == (ARN, run_id)
    [comparison] = verdict.comparisons
    assert comparison.difference.estimate.value == 0
    assert comparison.difference.estimate.n == 40


def test_a_worse_model_is_inferior_though_the_mean_is_within_the_margin(tmp_path: Path) -> None:
    verdict = judged(run_with(rows_of(scores()), tmp_path), scores(7))
    [comparison] = verdict.comparisons
    # Tango's interval for one of 40 rows lost and none won
    assert comparison.difference.estimate.value == pytest.approx(-0.025)
    assert comparison.difference.estimate.low == pytest.approx(-0.1288, abs=1e-4)
    assert verdict.reasons == (
        "Correctness may be worse than the champion's by 0.1288, more than the margin 0.1 "
        "(difference -0.025, n=40)",
    )


def test_a_row_that_the_candidate_has_no_number_for_counts_as_lost(tmp_path: Path) -> None:
    run_id = run_with(rows_of(scores()), tmp_path)
    assert judged(run_id, scores(7, value=None)).reasons
    unanswered = {row_id: value for row_id, value in scores().items() if row_id != IDS[7]}
    assert judged(run_id, unanswered).reasons


def test_for_a_scorer_of_which_less_is_better_the_sign_is_turned(tmp_path: Path) -> None:
    run_id = run_with(rows_of(scores(1, 2, 3, 4, 5, 6)), tmp_path)
    fewer, more = scores(*range(1, 20)), scores()
    lower = Scale(higher_is_better=False)
    assert not judged(run_id, fewer, scale=lower).reasons
    assert judged(run_id, more, scale=lower).reasons


def test_rows_are_paired_by_id_and_not_by_place(tmp_path: Path) -> None:
    theirs = scores(1, 2, 3)
    turned = dict(reversed(list(theirs.items())))
    verdict = judged(run_with(rows_of(turned), tmp_path), theirs)
    difference = verdict.comparisons[0].difference
    assert (difference.estimate.value, difference.estimate.standard_deviation) == (0, 0)


def test_too_few_rows_in_common_close_the_gate(tmp_path: Path) -> None:
    theirs = {f"other {row_id}": 1.0 for row_id in IDS} | dict.fromkeys(IDS[:29], 1.0)
    verdict = judged(run_with(rows_of(theirs), tmp_path), scores())  # type: ignore[arg-type]
    assert verdict.reasons == (
        "Correctness can be compared with the champion on 29 rows only, fewer than min_rows 30",
    )


def test_most_rows_must_be_the_champion_s_too(tmp_path: Path) -> None:
    rows = [*IDS, *(f"new {number}" for number in range(20))]
    ours = dict.fromkeys(rows, 1.0)
    verdict = judged(run_with(rows_of(scores()), tmp_path), ours, rows=rows)  # type: ignore[arg-type]
    assert verdict.reasons == (
        "Correctness can be compared with the champion on 40 of 60 rows, a share below "
        "champion.min_overlap 0.8: evaluate the champion on this dataset",
    )


def test_a_row_that_the_champion_has_no_number_for_counts_as_its_best(tmp_path: Path) -> None:
    """Else six wrong answers would be forgiven where the champion's judge failed."""
    wrong = scores(1, 2, 3, 4, 5, 6)
    (tmp_path / "right").mkdir()
    assert judged(run_with(rows_of(scores()), tmp_path / "right"), wrong).reasons
    (tmp_path / "none").mkdir()
    without = run_with(rows_of(scores(1, 2, 3, 4, 5, 6, value=None)), tmp_path / "none")
    [reason] = judged(without, wrong).reasons
    assert "6 of the champion's as its best" in reason
    assert not judged(without, scores()).reasons


def test_no_approved_package_is_a_stated_case_and_no_error() -> None:
    client = sagemaker()
    with Stubber(client) as registry:
        registry.add_response("list_model_packages", page(token="more"), LISTED)
        registry.add_response("list_model_packages", page(), {**LISTED, "NextToken": "more"})
        verdict = against(client, scores())
        registry.assert_no_pending_responses()
    assert (verdict.state, verdict.reasons) == ("no champion yet", ())
    assert verdict.warnings == (
        "no champion yet: health-qa-approved has no approved model package to compare with",
    )


def test_no_group_is_no_champion_yet() -> None:
    client = sagemaker()
    with Stubber(client) as registry:
        message = f"ModelPackageGroup {GROUP} does not exist."
        registry.add_client_error("list_model_packages", "ValidationException", message)
        assert against(client, scores()).state == "no champion yet"


def test_a_registry_that_refuses_closes_the_gate() -> None:
    client = sagemaker()
    with Stubber(client) as registry:
        registry.add_client_error("list_model_packages", "AccessDeniedException", "not yours")
        verdict = against(client, scores())
    assert verdict.state == "unreadable"
    assert "cannot be looked up" in verdict.reasons[0]
    assert "not yours" in verdict.reasons[0]


@pytest.mark.parametrize(
    "rows", ["", "not JSON\n", "[1]\n", '{"row_id": "a"}\n', '{"row_id": "a", "scores": {"x": 1}}']
)
def test_rows_that_are_not_ours_close_the_gate(tmp_path: Path, rows: str) -> None:
    assert judged(run_with(rows, tmp_path), scores()).reasons


def test_a_champion_without_a_run_or_with_a_run_that_is_gone_closes_the_gate() -> None:
    assert "names no mlflow_run_id" in judged(None, scores()).reasons[0]
    gone = judged("0" * 32, scores())
    assert gone.state == "unreadable"
    assert f"cannot be read from MLflow run {'0' * 32}" in gone.reasons[0]
    assert gone.package_arn == ARN


def test_a_run_without_rows_closes_the_gate() -> None:
    with mlflow.start_run() as run:
        mlflow.log_text("nothing", "evaluation/other.txt")
    assert judged(run.info.run_id, scores()).state == "unreadable"


def test_a_champion_that_was_scored_on_another_scale_closes_the_gate(tmp_path: Path) -> None:
    run_id = run_with(rows_of({**scores(), IDS[7]: -40.0}), tmp_path)
    [reason] = judged(run_id, scores()).reasons
    assert f"has Correctness -40 on row {IDS[7]}, outside its scale 0 to 1" in reason
    assert judged(run_id, scores(), scale=Scale(assumed=True)).state == "compared"
    beyond = run_with(rows_of({**scores(), IDS[7]: 1e308, IDS[8]: 1e308}), tmp_path)
    assert judged(beyond, scores(), scale=Scale(assumed=True)).state == "unreadable"


def test_a_number_that_no_float_holds_is_none(tmp_path: Path) -> None:
    run_id = run_with(rows_of({**scores(), IDS[7]: 10**400}), tmp_path)
    [comparison] = judged(run_id, scores()).comparisons
    assert comparison.difference.estimate.n == 39


REJUDGE = Champion.model_validate({"metrics": SECTION.metrics, "rejudge": True})


@pytest.mark.parametrize(
    ("record", "told"),
    [
        (
            replace(RECORD, definition="b", judge="bedrock:/older"),
            "the champion was judged by bedrock:/older, this model by bedrock:/judge",
        ),
        (
            replace(RECORD, definition="b", versions={"mlflow-skinny": "3.16.0"}),
            "scored by other rules: mlflow-skinny 3.16.0 then, none now",
        ),
        (replace(RECORD, definition="b", parts={"options": "x"}), "its options (guidelines,"),
        (replace(RECORD, definition="b"), "its definition (a prompt, an option or a library)"),
        (replace(RECORD, repeats=3), "judge.repeats 3 then, 1 now"),
        (replace(RECORD, number_rule="good = 2"), "what its verdicts count (good = 2 then)"),
        (None, "the champion's evaluation.json does not say who judged it"),
    ],
)
def test_a_champion_that_was_judged_otherwise_closes_the_gate(
    tmp_path: Path, record: ScorerRecord | None, told: str
) -> None:
    """However much better the candidate's numbers are: they are another judge's."""
    run_id = run_with(rows_of(scores(*range(30))), tmp_path, document_of(record))
    verdict = judged(run_id, scores())
    [reason] = verdict.reasons
    assert verdict.state == "judged otherwise"
    assert reason.startswith("Correctness cannot be compared: the champion")
    assert told in reason
    assert "champion.rejudge: true" in reason
    assert verdict.comparisons == ()


@pytest.mark.parametrize("document", ["", "[1]", "{}", '{"scorers": {"Correctness": {}}}', "no"])
def test_an_evaluation_json_that_is_not_ours_closes_the_gate(tmp_path: Path, document: str) -> None:
    assert judged(run_with(rows_of(scores()), tmp_path, document), scores()).reasons


def test_today_s_judge_has_the_word_on_the_champion_s_answers(tmp_path: Path) -> None:
    run_id = run_with(rows_of(scores()), tmp_path, document_of(replace(RECORD, judge="other")))
    asked: list[Any] = []

    def judge_again(names: Sequence[str], answers: Mapping[str, str]) -> Rejudged:
        asked.append((list(names), set(answers)))
        return Rejudged({row_id: {"Correctness": 0.0} for row_id in answers}, "re-judged")

    verdict = judged(run_id, scores(1, 2), section=REJUDGE, rejudge=judge_again)
    assert asked == [(["Correctness"], set(IDS))]
    assert (verdict.state, verdict.reasons, verdict.rejudged) == ("compared", (), "re-judged")
    [comparison] = verdict.comparisons
    assert comparison.difference.estimate.value == pytest.approx(0.95)


def test_a_champion_by_the_same_judge_is_not_judged_again(tmp_path: Path) -> None:
    verdict = judged(run_with(rows_of(scores()), tmp_path), scores(), section=REJUDGE)
    assert (verdict.reasons, verdict.rejudged) == ((), "")


@pytest.mark.parametrize("lost", [None, "left out"])
def test_a_row_that_is_not_judged_again_counts_as_the_champion_s_best(
    tmp_path: Path, lost: str | None
) -> None:
    """Neither its old verdict, which is another judge's, nor nothing."""
    theirs = scores(*range(40))
    run_id = run_with(rows_of(theirs), tmp_path, document_of(replace(RECORD, judge="other")))
    ours = scores(1, 2, 3, 4, 5, 6)

    def judge_again(_: Sequence[str], answers: Mapping[str, str]) -> Rejudged:
        again: dict[str, dict[str, float | None]] = {}
        for place, row_id in enumerate(answers):
            if place > 6:
                again[row_id] = {"Correctness": 1.0}
            elif lost is None:
                again[row_id] = {"Correctness": None}
        return Rejudged(again, "re-judged")

    [reason] = judged(run_id, ours, section=REJUDGE, rejudge=judge_again).reasons
    assert "7 of the champion's as its best" in reason


def test_a_champion_of_which_nothing_is_judged_again_closes_the_gate(tmp_path: Path) -> None:
    run_id = run_with(rows_of(scores(*range(40))), tmp_path, document_of(None))
    verdict = judged(
        run_id, scores(), section=REJUDGE, rejudge=lambda *_: Rejudged({}, "re-judged")
    )
    assert "on 0 rows only" in verdict.reasons[0]
