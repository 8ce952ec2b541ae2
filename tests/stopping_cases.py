"""Random evaluations, stopped anywhere, with the gate as the evaluation step puts it together."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from processing.config.gate import Budgets, Champion, ChampionMetric, Slice, Threshold
from processing.config.thresholds import threshold_parameters
from processing.dataset.rows import Row, make_row
from processing.endpoint.answers import Answer
from processing.endpoint.client import Call
from processing.endpoint.reply import Reply
from processing.evaluation.measurements import cut_answers, measure, settled_answer
from processing.gate.champion import ChampionVerdict
from processing.gate.confident_pass import ConfidentPass
from processing.gate.metric import as_held
from processing.gate.non_inferiority import compare, paired
from processing.gate.running_verdict import GateRules, RunningVerdict
from processing.gate.slices import judge_slices
from processing.gate.swapped_answers import SwappedAnswers
from processing.gate.verdict import Verdict, judge
from processing.gate.worst_case import Scale
from processing.mlflow_record.scores import Score, scorer_metrics

SCALES = {
    "Correctness": Scale(),
    "Bias": Scale(higher_is_better=False),
    "Rating": Scale(1, 5),
    "Own": Scale(assumed=True),
}
NUMBERS = {
    "Correctness": (0.0, 0.5, 1.0),
    "Bias": (0.0, 0.5, 1.0),
    "Rating": (1.0, 2.0, 4.0, 5.0),
    "Own": (-1.0, 0.0, 1.0, 3.0),
}
MEASURED = ("latency_p50_ms", "latency_p95_ms", "latency_mean_ms", "output_tokens_p50")
ANSWER = ""
"""Stands for the answer among what becomes of a row; the others are scorers."""
Outcome = dict[str, dict[str, Any]]
"""row id -> `ANSWER` -> the answer, scorer -> its score."""


@dataclass(frozen=True)
class Case:
    """What is evaluated, by which rules; and what becomes of every row, in this order."""

    rows: Mapping[str, Row]
    rules: GateRules
    clusters: Mapping[str, str] | None
    outcome: Outcome
    order: list[tuple[str, str]]
    swapped: SwappedAnswers | None = None
    held: dict[str, float] = field(default_factory=dict)
    """By how large a part MLflow's mean lies beside ours."""

    def running(self, until: int | None = None) -> RunningVerdict:
        """Fed with the first `until` of the order; all without it."""
        running = self.started()
        for event in self.order[:until]:
            self.feed(running, event)
        return running

    def started(self) -> RunningVerdict:
        return RunningVerdict(self.rules, self.columns, self.clusters)

    @property
    def columns(self) -> dict[str, Mapping[str, Any]]:
        return {row_id: row.slices for row_id, row in self.rows.items()}

    def feed(self, running: RunningVerdict | ConfidentPass, event: tuple[str, str]) -> None:
        row_id, what = event
        found = self.outcome[row_id][what]
        if what == ANSWER:
            running.answered(row_id, settled_answer(found))
        else:
            running.scored(row_id, what, found.value, applies=found.applies)

    def is_exact(self) -> bool:
        """Whether nothing is in it that is not decided although it is settled."""
        sliced = [t for s in self.rules.slices.values() for t in s.thresholds]
        named = {t.metric for t in self.rules.thresholds} | set(sliced)
        named |= set(self.rules.champion.metrics if self.rules.champion else ())
        on_time = any(t.on == "interval" and t.metric in MEASURED for t in self.rules.thresholds)
        return not (
            "Own" in named
            or on_time
            or any(t.on == "calibrated" for t in self.rules.thresholds)
            or any(self.held.values())
        )


def verdict_on(case: Case, outcome: Outcome, swapped: SwappedAnswers | None) -> Verdict:
    """As `processing.evaluation.outcome` has it, with the champion's rows at hand."""
    rules, clusters = case.rules, case.clusters
    answers = [outcome[row_id][ANSWER] for row_id in case.rows]
    scores = {
        row_id: {name: outcome[row_id][name] for name in SCALES}
        for row_id in case.rows
        if outcome[row_id][ANSWER].text is not None
    }
    named = {t.metric for t in rules.thresholds}
    metrics = scorer_metrics(
        scores,
        [name for name in SCALES if name in named],
        rows=len(answers),
        scales=SCALES,
        by_interval=[t.metric for t in rules.thresholds if t.on == "interval"],
        clusters=clusters,
    )
    metrics = {
        name: as_held(m, replace(m, value=m.value and m.value * (1 + case.held.get(name, 0.0))))
        for name, m in metrics.items()
    }
    if named & set(MEASURED):
        metrics |= measure(answers, clusters)
    numbers = {
        row_id: {name: score.value for name, score in row.items() if score.applies}
        for row_id, row in scores.items()
    }
    not_applicable = {
        row_id: [name for name, score in row.items() if not score.applies]
        for row_id, row in scores.items()
    }
    return judge(
        metrics,
        list(rules.thresholds),
        rules.budgets,
        rows=len(answers),
        endpoint_errors=sum(1 for answer in answers if answer.call.error),
        cut_answers=cut_answers(answers),
        slices=judge_slices(
            dict(rules.slices), case.columns, numbers, SCALES, not_applicable, clusters=clusters
        ),
        champion=_against_champion(case, numbers, not_applicable),
        swapped=[swapped] if swapped else [],
    )


def _against_champion(
    case: Case, numbers: Any, not_applicable: Mapping[str, list[str]]
) -> ChampionVerdict | None:
    section, theirs = case.rules.champion, case.rules.champion_scores
    if section is None or theirs is None:
        return None
    comparisons = []
    for name, metric in section.metrics.items():
        rows = [row for row in case.rows if name not in not_applicable.get(row, ())]
        found = paired(name, rows, numbers, theirs, SCALES[name], clusters=case.clusters)
        fewest, overlap = case.rules.budgets.min_rows, section.min_overlap
        comparisons.append(compare(name, metric, found, fewest, overlap))
    return ChampionVerdict("group", "arn", "run", tuple(comparisons))


def random_case(random: Random) -> Case:
    """Small, with numbers and bounds that often meet exactly; few are closed from the start."""
    for _ in range(3):
        case = _any_case(random)
        if random.random() < 0.6:
            case = _sharpened(random, case)
        if not case.started().closed_from_the_start:
            break
    return case


BESIDE = (-1e-3, 0.0, 0.0, 1e-3)
"""How far a bound lies from a number that is compared with it, in parts of the scale."""


def _sharpened(random: Random, case: Case) -> Case:
    """Bounds that the best that may come after some of the order just keeps, or just misses."""
    outcome = completion(case, random.randint(0, len(case.order)), random, kind="best")
    found = verdict_on(case, outcome, None)
    beside = random.choice(BESIDE)
    thresholds = [
        t if c.number is None else replace(t, bound=c.number + beside * _width(t.metric))
        for t, c in zip(case.rules.thresholds, found.checks, strict=True)
    ]
    slices = {}
    for column, section in case.rules.slices.items():
        numbers = [c.check.number for c in found.slices.checks] if found.slices else []
        known = [number for number in numbers if number is not None]
        [(name, bound)] = section.thresholds.items()
        [(rule, _)] = bound.bounds()
        if known:
            moved = random.choice(known) + beside * _width(name)
            bound = bound.model_copy(update={rule: moved})
        slices[column] = section.model_copy(update={"thresholds": {name: bound}})
    champion = case.rules.champion
    if champion and found.champion:
        [comparison] = found.champion.comparisons
        low = comparison.difference.worst_low
        margin = max(0.0, beside * _width(comparison.metric) - (low if low is not None else 0.0))
        champion = champion.model_copy(
            update={"metrics": {comparison.metric: ChampionMetric(margin=margin)}}
        )
    rules = replace(case.rules, thresholds=tuple(thresholds), slices=slices, champion=champion)
    return replace(case, rules=rules)


def _width(metric: str) -> float:
    return {"Rating": 4.0, "output_tokens_p50": 15.0}.get(
        metric, 1.0 if metric in SCALES else 300.0
    )


def _any_case(random: Random) -> Case:
    rows = {}
    for i in range(random.randint(2, 12)):
        slices = {"topic": random.choice("ab")}
        row = make_row(f"question {i}", "expected", slices=slices)
        rows[row.row_id] = row
    clusters = None
    if random.random() < 0.3:
        clusters = {row_id: random.choice("uvwxyz") for row_id in rows}
    may_not_apply = [name for name in SCALES if random.random() < 0.25]
    quality = random.choice([0.15, 0.5, 0.85])
    outcome = {
        row_id: random_fate(random, row, may_not_apply, _by_quality(random, quality))
        for row_id, row in rows.items()
    }
    keys = {}
    for row_id, fate in outcome.items():
        answered = random.random()
        keys[row_id, ANSWER] = answered
        if fate[ANSWER].text is not None:
            keys |= {(row_id, name): answered + random.random() for name in SCALES}
    swapped = None
    if random.random() < 0.2:
        asked, errors = random.randint(0, 8), random.choice([0, 0, 1, 4])
        errors = min(errors, asked)
        rejected = random.randint(0, asked - errors)
        swapped = SwappedAnswers("Correctness", "judge", asked, rejected, errors)
    return Case(
        rows,
        _rules(random, rows, may_not_apply),
        clusters,
        outcome,
        sorted(keys, key=keys.__getitem__),
        swapped,
        {name: random.uniform(-9e-10, 9e-10) for name in SCALES if random.random() < 0.1},
    )


Choose = Callable[[str], float]


def _by_quality(random: Random, quality: float) -> Choose:
    def choose(name: str) -> float:
        numbers = sorted(NUMBERS[name], reverse=not SCALES[name].higher_is_better)
        return numbers[-1] if random.random() < quality else random.choice(numbers)

    return choose


def random_fate(
    random: Random,
    row: Row,
    may_not_apply: list[str],
    choose: Choose,
    faults: float = 0.08,
) -> dict[str, Any]:
    """An answer and its scores; those of a row without an answer are not looked at."""
    text = Reply(
        "text",
        output_tokens=None if random.random() < faults else random.choice([5, 10, 20]),
        stop_reason=random.choice(["stop", "stop", "stop", "length", ""])
        if random.random() < 4 * faults
        else "stop",
    )
    failed = random.random() < faults
    call = Call(
        reply=None if failed else text,
        error="throttled" if failed else None,
        attempts=1,
        latency_ms=random.choice([100.0, 200.0, 400.0]),
        started_ns=0,
        ended_ns=0,
        unusable=text if failed and random.random() < 0.5 else None,
    )
    answer = Answer(row, {}, call)
    return {
        ANSWER: answer,
        **{
            name: random_score(random, name, may_not_apply, choose, faults=faults)
            for name in SCALES
        },
    }


def random_score(
    random: Random, name: str, may_not_apply: list[str], choose: Choose, *, faults: float = 0.08
) -> Score:
    if name in may_not_apply and random.random() < 0.3:
        return Score(None, "not applicable", None, None)
    if random.random() < faults:
        bad = random.choice([None, math.nan, math.inf])
        return Score(bad, "error", None, "no verdict" if bad is None else None)
    return Score(choose(name), "", None, None)


def _rules(random: Random, rows: Mapping[str, Row], may_not_apply: list[str]) -> GateRules:
    """One thing decides, or all of them do."""
    deciding = random.choice(["thresholds", "slices", "champion", "budgets", "all"])
    everything = deciding == "all"
    names = random.sample([*SCALES, *MEASURED], k=random.choice([1, 1, 1, 2, 3]))
    thresholds = {name: _threshold(random, name) for name in names}
    if deciding in ("slices", "champion"):
        thresholds = {random.choice(["Correctness", "Bias", "Rating"]): Threshold(min=-1)}
    budgets = Budgets(min_rows=1, max_endpoint_error_share=1, max_judge_error_share=1)
    if everything or deciding == "budgets":
        budgets = Budgets(
            min_rows=random.randint(1, 6),
            max_endpoint_error_share=random.choice([0.0, 0.1, 0.25, 0.5]),
            max_judge_error_share=random.choice([0.0, 0.1, 0.25, 0.5]),
            max_cut_answer_share=random.choice([None, 0.0, 0.1, 0.25]),
        )
    slices, champion, theirs = {}, None, None
    if deciding == "slices" or (everything and random.random() < 0.5):
        on = {name: _threshold(random, name, in_slice=True) for name in random.sample([*SCALES], 1)}
        slices = {"topic": Slice(min_rows=random.randint(1, 4), thresholds=on)}
    if deciding == "champion" or (everything and random.random() < 0.5):
        name = random.choice([*SCALES])
        champion = Champion(
            min_overlap=random.choice([0.0, 0.5, 0.8, 1.0]),
            metrics={name: ChampionMetric(margin=random.choice([0.1, 0.5, 0.9]) * _width(name))},
        )
        known = random.choice([0.8, 1.0])
        theirs = {
            row_id: {name: random.choice(NUMBERS[name])}
            for row_id in rows
            if random.random() < known
        }
    parameters = tuple(threshold_parameters(thresholds))
    return GateRules(parameters, budgets, SCALES, may_not_apply, slices, champion, theirs)


def _threshold(random: Random, name: str, *, in_slice: bool = False) -> Threshold:
    low, high = {
        "Rating": (1, 5),
        "Own": (-1, 3),
        "output_tokens_p50": (5, 20),
    }.get(name, (0, 1) if name in SCALES else (100, 400))
    rule = random.choice(["min", "max"])
    if random.random() < 0.6:  # as a reader of the metric would have it
        better = name in ("Correctness", "Rating")
        rule = "min" if better else "max"
    bound = low + (high - low) * random.choice([0, 0.1, 0.25, 0.5, 2 / 3, 0.75, 0.9, 1])
    ons = ["mean", "mean", "mean", "interval"]
    ons += ["calibrated"] if name in SCALES and not in_slice and random.random() < 0.2 else []
    tier = random.choice(["hard"] * 10 + ["soft", "monitor"])
    return Threshold.model_validate({rule: bound, "on": random.choice(ons), "tier": tier})


def completion(case: Case, done: int, random: Random, *, kind: str = "any") -> Outcome:
    """What is settled after `done` of the order, and anything at all for the rest.

    `kind`: "best" gives each metric's good end to whatever is pending, "any" something.
    """
    settled = set(case.order[:done])
    side = {name: random.choice(["high", "low", "any"]) for name in SCALES}

    def choose(name: str) -> float:
        scale, numbers = SCALES[name], NUMBERS[name]
        if kind == "best":
            return max(numbers) if scale.higher_is_better else min(numbers)
        if side[name] == "any":
            return random.choice(numbers)
        return max(numbers) if side[name] == "high" else min(numbers)

    may = list(case.rules.may_not_apply) if kind == "any" else []
    faults = random.choice([0.0, 0.0, 0.3]) if kind == "any" else 0.0
    made: Outcome = {}
    for row_id, row in case.rows.items():
        fate = random_fate(random, row, may, choose, faults)
        if (row_id, ANSWER) in settled:
            fate[ANSWER] = case.outcome[row_id][ANSWER]
        for name in SCALES:
            if (row_id, name) in settled:
                fate[name] = case.outcome[row_id][name]
        made[row_id] = fate
    return made
