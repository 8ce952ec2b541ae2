"""The judges' preferences in the terminal: a line for each scorer and two runs, and the strengths.

The words for figures are here, for compare.html and MLflow too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from pipeline.comparison.pairwise.outcome import PairwiseOutcome
from pipeline.comparison.pairwise.strengths import STRENGTHS_METHOD, StrengthRanking
from processing.base.visible_text import visible

if TYPE_CHECKING:
    from rich.table import Table

PAIRWISE_METHOD = (
    "Pairwise: each judge is asked which of two answers is better, in both orders. Where it "
    "contradicts itself when the answers change places, the row is a tie, and counts as an order "
    "disagreement; near 100 % the judge looks at the place alone. Identical answers are a tie "
    "without asking. The win rate counts a tie half; its 95 % interval is Wilson's or Gaffke's for "
    "a bounded mean, the sharper one, with rows that have no verdict lost in the lower end and won "
    "in the upper one."
)

MUCH_DISAGREEMENT = 0.5
"""From this share on, the judge's verdicts are more about the place than about the answers."""

NONE = "-"


def share(outcome: PairwiseOutcome) -> str:
    """Of order disagreements: `12 %`."""
    found = outcome.disagreement_share
    return NONE if found is None else f"{found:.0%}".replace("%", " %")


def win_rate(outcome: PairwiseOutcome) -> str:
    return NONE if outcome.win_rate is None else f"{outcome.win_rate:.3f}"


def between(outcome: PairwiseOutcome) -> str:
    low, high = outcome.interval
    return f"{low:.3f}..{high:.3f}"


def remarks(outcome: PairwiseOutcome) -> Iterator[str]:
    """What has to be known of the figures, a sentence each."""
    of = f"{outcome.scorer}, {outcome.run} against {outcome.against}"
    if outcome.reason:
        yield f"{of}: {visible(outcome.reason)[:600]}"
    elif outcome.missing:
        [(why, count), *_] = [*outcome.errors.items(), ("in neither rows.jsonl", outcome.lost)]
        yield (
            f"{of}: {outcome.missing} rows have no verdict and count at their worst in the "
            f"interval; the most frequent reason ({count}): {visible(why)[:300]}"
        )
    found = outcome.disagreement_share
    if found is not None and found >= MUCH_DISAGREEMENT:
        yield (
            f"{of}: of {outcome.asked} rows the judge contradicts itself on {outcome.disagreements}"
            " when the answers change places: it looks at the place more than at the answer"
        )


def pairwise_table(outcomes: Sequence[PairwiseOutcome], *, narrow: bool) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    title = "which answer the judges prefer, in both orders"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("pairwise", overflow="fold", min_width=12, max_width=30)
    headings = ["runs", "pairs", "wins/ties/losses", "missing", "order disagreement", "win rate",
                "95 % interval", "p"]  # fmt: skip
    if narrow:
        headings = ["runs", "pairs", "win rate", "95 % interval"]
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=not heading.startswith("order"))
    table.add_column("verdict", no_wrap=True)
    styles = {"better": "bold green", "worse": "bold red", "not compared": "yellow"}
    for found in outcomes:
        p = found.p_holm
        cells = {
            "runs": f"{found.run} : {found.against}",
            "pairs": str(found.pairs),
            "wins/ties/losses": f"{found.wins}/{found.ties}/{found.losses}",
            "missing": str(found.missing),
            "order disagreement": share(found),
            "win rate": win_rate(found),
            "95 % interval": between(found),
            "p": NONE if p is None else "<.001" if p < 0.001 else f"{p:.3f}",
        }
        verdict = Text(found.state, styles.get(found.state, ""))
        table.add_row(found.scorer, *(cells[heading] for heading in headings), verdict)
    return table


def strength_lines(ranking: StrengthRanking) -> Iterator[str]:
    """The runs in order, the strongest first, as lines."""
    yield f"{ranking.scorer}, strongest first (Bradley-Terry):"
    for found in ranking.strengths:
        ranks = f"{found.best}" if found.best == found.worst else f"{found.best}-{found.worst}"
        yield (
            f"  {found.run}  strength {found.strength:+.2f}, 95 % interval {found.low:+.2f} to "
            f"{found.high:+.2f}, rank {ranks}"
        )


def methods(strengths: Sequence[StrengthRanking]) -> str:
    return f"{PAIRWISE_METHOD} {STRENGTHS_METHOD}" if strengths else PAIRWISE_METHOD
