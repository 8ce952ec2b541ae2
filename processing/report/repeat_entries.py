"""How often a judge that is asked more than once (`judge.repeats`) contradicts itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from processing.config.judge import judge_name
from processing.mlflow_record.metric_names import detail
from processing.mlflow_record.panel_verdicts import PanelVerdict
from processing.mlflow_record.scores import Score
from processing.report.evaluation import Evaluation
from processing.report.panel_entries import of_judge


@dataclass(frozen=True)
class Repeats:
    """On `contradicted` of the `n` rows with a verdict the `asked` verdicts of a judge differ.

    `judge`: which one of a panel's; empty where the scorer has one judge.
    """

    scorer: str
    asked: int
    contradicted: int
    n: int
    judge: str = ""

    @property
    def share(self) -> float:
        return self.contradicted / self.n

    @property
    def name(self) -> str:
        """As MLflow's metrics have it."""
        return of_judge(self.scorer, self.judge) if self.judge else self.scorer

    def words(self) -> str:
        of = f" {judge_name(self.judge)}" if self.judge else ""
        return (
            f"{self.scorer}'s judge{of}, asked {self.asked} times, contradicts itself on "
            f"{self.contradicted} of {self.n} rows ({self.share:.1%})"
        )


def repeats_of(evaluation: Evaluation) -> list[Repeats]:
    """Of each scorer whose judge was asked more than once, as MLflow holds its verdicts."""
    found = []
    for name in evaluation.scorers:
        by_judge: dict[str, list[Score | PanelVerdict]] = {}
        for scores in evaluation.scores.values():
            if score := scores.get(name):
                asked: list[Score | PanelVerdict] = [score, *score.panel]
                for said in asked:
                    judge = said.judge if isinstance(said, PanelVerdict) else ""
                    if said.verdicts:
                        by_judge.setdefault(judge, []).append(said)
        for judge, repeated in by_judge.items():
            times = max(len(said.verdicts) for said in repeated)
            contradicted = sum(said.contradicted for said in repeated)
            found.append(Repeats(name, times, contradicted, len(repeated), judge))
    return found


def repeat_entries(evaluation: Evaluation) -> dict[str, Any]:
    """By scorer, or judge of its panel; {} where each judge is asked once."""
    return {
        each.name: {
            "words": each.words(),
            "asked": each.asked,
            "contradicted": each.contradicted,
            "n": each.n,
            "share": each.share,
        }
        for each in repeats_of(evaluation)
    }


def repeat_metrics(evaluation: Evaluation) -> dict[str, float]:
    """For MLflow, whose charts compare runs."""
    return {
        key: value
        for each in repeats_of(evaluation)
        for key, value in {
            detail(each.name, "contradicted"): each.share,
            detail(each.name, "contradicted_n"): float(each.n),
        }.items()
    }


def row_verdicts(score: Score) -> dict[str, Any]:
    """What each asking gave, null where it failed; {} where the judge was asked once."""
    if not score.verdicts:
        return {}
    return {"verdicts": list(score.verdicts), "contradicted": score.contradicted}
