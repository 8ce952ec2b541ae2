"""How often a judge that is asked more than once (`judge.repeats`) contradicts itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from processing.mlflow_record.scores import Score
from processing.report.evaluation import Evaluation


@dataclass(frozen=True)
class Repeats:
    """On `contradicted` of the `n` rows with a verdict the `asked` verdicts of a judge differ."""

    scorer: str
    asked: int
    contradicted: int
    n: int

    @property
    def share(self) -> float:
        return self.contradicted / self.n

    def words(self) -> str:
        return (
            f"{self.scorer}'s judge, asked {self.asked} times, contradicts itself on "
            f"{self.contradicted} of {self.n} rows ({self.share:.1%})"
        )


def repeats_of(evaluation: Evaluation) -> list[Repeats]:
    """Of each scorer whose judge was asked more than once, as MLflow holds its verdicts."""
    found = []
    for name in evaluation.scorers:
        rows = (scores.get(name) for scores in evaluation.scores.values())
        repeated = [score for score in rows if score is not None and score.verdicts]
        if repeated:
            asked = max(len(score.verdicts) for score in repeated)
            contradicted = sum(score.contradicted for score in repeated)
            found.append(Repeats(name, asked, contradicted, len(repeated)))
    return found


def repeat_entries(evaluation: Evaluation) -> dict[str, Any]:
    """By scorer; {} where each judge is asked once."""
    return {
        each.scorer: {
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
            f"{each.scorer}/contradicted": each.share,
            f"{each.scorer}/contradicted_n": float(each.n),
        }.items()
    }


def row_verdicts(score: Score) -> dict[str, Any]:
    """What each asking gave, null where it failed; {} where the judge was asked once."""
    if not score.verdicts:
        return {}
    return {"verdicts": list(score.verdicts), "contradicted": score.contradicted}
