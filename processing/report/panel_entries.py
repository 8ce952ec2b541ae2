"""What each judge of a panel (`judge.panel`) said, and how far they agree."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from processing.config.judge import judge_name
from processing.gate.krippendorff import Alpha, krippendorff_alpha
from processing.mlflow_record.metric_names import detail
from processing.mlflow_record.scores import Score
from processing.report.evaluation import Evaluation


@dataclass(frozen=True)
class PanelJudge:
    """One judge: the mean of its `n` verdicts, and on how many rows it gave none."""

    judge: str
    mean: float | None
    n: int
    errors: int

    def words(self) -> str:
        mean = "none" if self.mean is None else f"{self.mean:.3g}"
        errors = f", {self.errors} errors" if self.errors else ""
        return f"{judge_name(self.judge)} {mean} (n={self.n}{errors})"


@dataclass(frozen=True)
class PanelFound:
    """A scorer's panel: on `differ` of the `n` rows on which two or more gave a verdict, they are
    not all the same.
    """

    scorer: str
    judges: tuple[PanelJudge, ...]
    alpha: Alpha
    differ: int

    @property
    def n(self) -> int:
        return self.alpha.n

    def words(self) -> str:
        return (
            f"{self.scorer}'s panel of {len(self.judges)}: Krippendorff's {self.alpha.words()}, "
            f"its judges differ on {self.differ} of {self.n} rows; "
            f"{', '.join(judge.words() for judge in self.judges)}"
        )


def panels_of(evaluation: Evaluation) -> list[PanelFound]:
    """Of each scorer with a panel, as MLflow holds its verdicts."""
    return [
        _found(name, models, evaluation)
        for name, record in evaluation.scorers.items()
        if (models := record.panel)
    ]


def _found(scorer: str, models: Sequence[str], evaluation: Evaluation) -> PanelFound:
    rows = {
        row_id: {each.judge: each for each in scores[scorer].panel}
        for row_id, scores in evaluation.scores.items()
        if scorer in scores and scores[scorer].applies
    }
    numbers = [
        [said[model].value if model in said else None for model in models] for said in rows.values()
    ]
    clusters = evaluation.clusters
    alpha = krippendorff_alpha(numbers, [clusters[row_id] for row_id in rows] if clusters else None)
    given = [[number for number in row if number is not None] for row in numbers]
    return PanelFound(
        scorer,
        tuple(_judge(model, [row[place] for row in numbers]) for place, model in enumerate(models)),
        alpha,
        differ=sum(len(set(row)) > 1 for row in given),
    )


def _judge(model: str, numbers: Sequence[float | None]) -> PanelJudge:
    given = [number for number in numbers if number is not None]
    mean = math.fsum(given) / len(given) if given else None
    return PanelJudge(model, mean, len(given), len(numbers) - len(given))


def panel_entries(evaluation: Evaluation) -> dict[str, Any]:
    """By scorer; {} where no panel was asked."""
    return {
        each.scorer: {
            "words": each.words(),
            "alpha": asdict(each.alpha),
            "differ": each.differ,
            "n": each.n,
            "judges": [asdict(judge) for judge in each.judges],
        }
        for each in panels_of(evaluation)
    }


def panel_metrics(evaluation: Evaluation) -> dict[str, float]:
    """For MLflow: `details/Correctness.judge.MODEL.mean`, of `.n` rows, and so on."""
    found: dict[str, float | None] = {}
    for each in panels_of(evaluation):
        name = detail(each.scorer, "panel")
        found |= {
            f"{name}_alpha": each.alpha.value,
            f"{name}_alpha_low": each.alpha.low,
            f"{name}_alpha_high": each.alpha.high,
            f"{name}_differ": float(each.differ),
            f"{name}_n": float(each.n),
        }
        for judge in each.judges:
            of = of_judge(each.scorer, judge.judge)
            found |= {f"{of}.mean": judge.mean, f"{of}.n": float(judge.n)}
            found |= {f"{of}.errors": float(judge.errors)}
    return {key: value for key, value in found.items() if value is not None}


def of_judge(scorer: str, model: str) -> str:
    """How a metric of one judge of a panel begins, in signs that MLflow takes."""
    name = re.sub(r"[^\w.\-: ]", "_", judge_name(model))
    return detail(scorer, f"judge.{name}")[:200]


def row_panel(score: Score) -> dict[str, Any]:
    """What each judge gave; {} where one was asked."""
    return {"panel": [each.entry() for each in score.panel]} if score.panel else {}
