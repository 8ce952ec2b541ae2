"""Which pairwise scorers are asked: those of the user's own file, and of the compared evaluations.

An evaluation's report may come from somebody else, so it does not say where the user's keys and
the answers go: only a judge on Bedrock, one on this machine, or one that the user's own file also
names is asked on its word.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from pipeline.comparison.run import ComparedRun
from processing.base.visible_text import visible
from processing.config.judge import Judge
from processing.config.model import EvaluationConfig
from processing.config.scorers import ScorerSpec, entry_of, parse_scorer

LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class PairwiseScorer:
    """One by its name. Without a `spec` it is not asked, for the `reason`."""

    name: str
    spec: ScorerSpec | None = None
    reason: str = ""

    @property
    def judge(self) -> str:
        return self.spec.judge.model if self.spec and self.spec.judge else ""


def pairwise_scorers(
    runs: Sequence[ComparedRun], own: EvaluationConfig | None
) -> list[PairwiseScorer]:
    """Each with its judge. What `own`, the user's file, says of a name counts."""
    specs = [parse_scorer(entry_of(s, own.judge)) for s in own.pairwise_scorers] if own else []
    found = {spec.name: PairwiseScorer(spec.name, spec) for spec in specs}
    recorded: dict[str, dict[str, Any]] = {}
    for run in runs:
        for name, entry in run.document.get("pairwise", {}).items():
            if name not in found:
                recorded.setdefault(name, {})[run.label] = entry
    return [*found.values(), *(_recorded(name, of, own) for name, of in recorded.items())]


def _recorded(name: str, of: Mapping[str, Any], own: EvaluationConfig | None) -> PairwiseScorer:
    """`of`: by run, what its report says of the scorer."""
    specs: list[ScorerSpec] = []
    for label, entry in of.items():
        try:
            specs.append(parse_scorer({name: entry}))
        except (ValueError, TypeError) as error:
            said = visible(str(error).splitlines()[0])[:200]
            return PairwiseScorer(visible(name), reason=f"{label}'s report does not say it: {said}")
    spec, labels = specs[0], " and ".join(of)
    if any(other != spec for other in specs):
        why = f"{labels} define it differently: give --config with a file that says what counts"
        return PairwiseScorer(name, reason=why)
    if not spec.compares or spec.judge is None:
        return PairwiseScorer(name, reason=f"{labels} names no pairwise scorer with a judge")
    if not _is_known(spec.judge, own):
        place = visible(spec.judge.base_url or spec.judge.model)
        why = (
            f"{place} is no judge of your own file, and the answers and your keys go only where "
            "that says: give --config with a file that names this judge"
        )
        return PairwiseScorer(name, reason=why)
    return PairwiseScorer(name, spec)


def _is_known(judge: Judge, own: EvaluationConfig | None) -> bool:
    if judge.base_url is None:
        provider = judge.model.partition(":/")[0]
        if provider in ("bedrock", "amazon-bedrock"):
            return True
    elif judge.model.startswith("openai:/") and urlsplit(judge.base_url).hostname in LOOPBACK:
        return True
    listed = [own.judge, *(scorer.judge for scorer in own.listed_scorers)] if own else []
    return any(judge in each.judges for each in listed if each)
