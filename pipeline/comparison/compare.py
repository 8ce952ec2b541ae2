"""`compare`: two or more evaluations, held against the first of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from pipeline.comparison.differences import differences, holm_of_tests
from pipeline.comparison.findings import METHOD, Absent, Findings
from pipeline.comparison.mismatches import mismatches
from pipeline.comparison.pairwise.asking import pairwise_outcomes
from pipeline.comparison.pairwise.outcome import PairwiseOutcome
from pipeline.comparison.pairwise.row_changes import with_preferences
from pipeline.comparison.pairwise.strengths import strength_rankings
from pipeline.comparison.ranking import Ranking, rank
from pipeline.comparison.row_changes import RowChange, row_changes
from pipeline.comparison.run import LABELS, ComparedRun, ComparisonError, keyed_alike
from pipeline.comparison.sources import find_runs
from processing.base.errors import DiskError

if TYPE_CHECKING:
    from pandas import DataFrame


class InFolder(Protocol):
    """What `evaluate()` returns is one."""

    @property
    def folder(self) -> Path: ...


@dataclass(frozen=True)
class Comparison:
    """What `compare` gives back: as pandas DataFrames, as JSON, as a page, in a notebook."""

    findings: Findings

    @cached_property
    def differences(self) -> DataFrame:
        """A row for each run and metric: the run minus the first one."""
        import pandas as pd

        lines = [{**asdict(d), "state": d.state, "real": d.real} for d in self.findings.differences]
        return pd.DataFrame(lines).set_index(["run", "metric"])

    @cached_property
    def ranking(self) -> DataFrame:
        """A row for each run, the best first: rank, name, gate, mean of the metric, rows."""
        import pandas as pd

        return pd.DataFrame([asdict(place) for place in self.findings.ranking.places])

    @cached_property
    def pairwise(self) -> DataFrame:
        """A row for each pairwise scorer and each two runs: wins, ties, losses, win rate."""
        import pandas as pd

        return pd.DataFrame([found.figures() for found in self.findings.pairwise])

    @cached_property
    def rows(self) -> DataFrame:
        """A row for each run and question: `state`, and which scorers say better, worse, nothing.

        `answer.A` and `answer.other` are the two answers, `Correctness.A` and `Correctness.other`
        a scorer's two numbers, None where there is none.
        """
        import pandas as pd

        return pd.DataFrame([self._flat(change) for change in self.findings.changes])

    def _flat(self, change: RowChange) -> dict[str, Any]:
        flat = {**asdict(change), "state": change.state}
        first = self.findings.runs[0]
        flat["question"] = first.rows[change.row_id]["question"]
        for run in (first, next(run for run in self.findings.runs if run.label == change.run)):
            end = "A" if run is first else "other"
            flat[f"answer.{end}"] = run.rows[change.row_id]["answer"]
            for name in run.scorers:
                flat[f"{name}.{end}"] = run.number(name, change.row_id)
        return flat

    @cached_property
    def document(self) -> dict[str, Any]:
        """All of it as JSON."""
        return {
            "schema": 1,
            "method": METHOD,
            "tests": self.findings.tests,
            "runs": [_run(run) for run in self.findings.runs],
            "absent": [asdict(absent) for absent in self.findings.absent],
            "ranking": _ranking(self.findings.ranking),
            "mismatches": [asdict(mismatch) for mismatch in self.findings.mismatches],
            "differences": [
                {**asdict(d), "state": d.state, "real": int(d.real)}
                for d in self.findings.differences
            ],
            "pairwise": [found.figures() | _verdicts(found) for found in self.findings.pairwise],
            "strengths": [asdict(ranking) for ranking in self.findings.strengths],
            "rows": [
                {**asdict(c), "state": c.state} for c in self.findings.changes if c.state != "same"
            ],
        }

    def write_json(self, path: str | Path) -> None:
        """Raises DiskError."""
        text = json.dumps(self.document, indent=2, ensure_ascii=False, allow_nan=False)
        _write(Path(path), text + "\n")

    def write_html(self, path: str | Path) -> None:
        """A page that needs nothing besides itself. Raises DiskError."""
        from pipeline.comparison.html.page import page

        _write(Path(path), page(self.findings))

    def _repr_html_(self) -> str:
        """How a notebook shows it: what may not be compared comes first."""
        import html

        said = "".join(
            f"<li><b>{html.escape(str(found))}</b></li>" for found in self.findings.mismatches
        )
        runs = "".join(
            f"<li>{run.label}: {html.escape(run.name)}, "
            f"{html.escape(str(run.document['model']['model_name']))}</li>"
            for run in self.findings.runs
        )
        ranking = self.findings.ranking
        pairs = "".join(
            f"<li>{html.escape(pair.sentence(ranking.names))}</li>" for pair in ranking.pairs
        )
        ranked = self.ranking.to_html(float_format="{:.4g}".format, na_rep="", index=False)
        preferred = ""
        if not self.pairwise.empty:
            shown = ["scorer", "run", "against", "pairs", "wins", "ties", "losses", "missing",
                     "order_disagreement_share", "win_rate", "low", "high", "state"]  # fmt: skip
            preferred = self.pairwise[shown].to_html(
                float_format="{:.4g}".format, na_rep="", index=False
            )
        columns = ["first", "other", "difference", "low", "high", "pairs", "missing", "p_holm"]
        table = self.differences[[*columns, "state"]]
        return (
            f"<ul>{said}</ul><ul>{runs}</ul>"
            f"<p>Ranking {html.escape(ranking.rule)}</p>{ranked}<ul>{pairs}</ul>"
            f"{table.to_html(float_format='{:.4g}'.format, na_rep='')}{preferred}<p>{METHOD}</p>"
        )


def compare(
    *runs: str | Path | InFolder,
    config: str | Path = "evaluation.yaml",
    rank_by: str | None = None,
    pairwise: bool = True,
) -> Comparison:
    """Hold evaluations against the first of them, row by row, and rank them.

    Each is a folder with evaluation.json and rows.jsonl (or what `evaluate()` returned), the id or
    ARN of an execution, the id of an MLflow run, or the ARN of a model package that the pipeline
    registered. The file `config` says where executions and MLflow are; folders do without it.
    `rank_by`: the metric that they are ranked by (default: the first that has a threshold).
    `pairwise`: whether the pairwise scorers of that file and of the evaluations ask their judges,
    by the caller's credentials, for what no comparison has paid for yet.

    Raises ComparisonError where one is not there or is not what an evaluation leaves; ConfigError
    for mistakes in another `config` than the default; DiskError where a verdict cannot be kept.
    """
    names = [str(getattr(run, "folder", run)) for run in runs]
    if not 2 <= len(names) <= len(LABELS):
        raise ComparisonError(f"compare takes 2 to {len(LABELS)} evaluations, not {len(names)}")
    found = keyed_alike(find_runs(names, Path(config)))
    outcomes = pairwise_outcomes(found, Path(config)) if pairwise else []
    return Comparison(findings_on(found, rank_by=rank_by, pairwise=outcomes))


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise DiskError(f"{path} cannot be written: {error.strerror}") from error


def findings_on(
    runs: list[ComparedRun],
    *,
    rank_by: str | None = None,
    absent: Sequence[Absent] = (),
    pairwise: Sequence[PairwiseOutcome] = (),
) -> Findings:
    """Raises ComparisonError for a metric that they cannot be ranked by."""
    first, *others = runs
    said = [found for other in others for found in mismatches(first, other)]
    not_compared = {(found.run, scorer) for found in said for scorer in found.scorers}
    metrics = differences(runs, not_compared)
    counted = (found.counted_p for found in metrics)
    tests = iter(holm_of_tests([*counted, *(found.p for found in pairwise)]))
    against_first = [found for found in pairwise if found.against == first.label]
    return Findings(
        runs=tuple(runs),
        mismatches=tuple(said),
        differences=tuple(found.corrected(next(tests)) for found in metrics),
        changes=tuple(with_preferences(row_changes(runs, not_compared), against_first)),
        ranking=rank(runs, rank_by),
        absent=tuple(absent),
        pairwise=tuple(replace(found, p_holm=next(tests)) for found in pairwise),
        strengths=tuple(strength_rankings(pairwise, [run.label for run in runs])),
    )


def _verdicts(outcome: PairwiseOutcome) -> dict[str, Any]:
    return {"verdicts": [asdict(v) | {"disagrees": int(v.disagrees)} for v in outcome.verdicts]}


def _ranking(ranking: Ranking) -> Mapping[str, Any]:
    return {
        **asdict(ranking),
        "rule": ranking.rule,
        "pairs": [
            {**asdict(pair), "real": int(pair.real), "said": pair.sentence(ranking.names)}
            for pair in ranking.pairs
        ],
    }


def _run(run: ComparedRun) -> Mapping[str, Any]:
    document = run.document
    return {
        "label": run.label,
        "name": run.name,
        "source": run.source,
        "model": document["model"],
        "verdict": "passed" if document["gate"]["passed"] == 1 else "not passed",
        "rows": document["counts"],
        "varied": document.get("varied", {}),
        "mlflow": document["mlflow"],
        "dataset_sha256": document.get("dataset_sha256"),
        "config_sha256": document.get("config_sha256"),
        "code_sha256": document.get("code_sha256"),
        "cost": run.cost,
        "reused": run.reused,
        **{
            name: document["metrics"][name]["value"]
            for name in ("latency_p50_ms", "latency_p95_ms", "output_tokens_p95")
            if name in document["metrics"]
        },
    }
