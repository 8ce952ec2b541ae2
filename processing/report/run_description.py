"""What a person reads first on the run's page in MLflow: the verdict, and what it rests on."""

from __future__ import annotations

from processing.base.visible_text import visible
from processing.gate.check import Check
from processing.gate.verdict import Verdict
from processing.report.evaluation import Evaluation
from processing.report.judge_entries import judge_line
from processing.report.label_entries import label_lines
from processing.report.panel_entries import panels_of
from processing.report.repeat_entries import repeats_of

LONGEST_NAME = 250
"""Characters, as many as MLflow keeps of a run's name."""

LONGEST = 7000
"""Characters; a run's tag holds 8,000 in MLflow, which cuts off the rest."""


def run_description(evaluation: Evaluation, dataset: str) -> str:
    """Markdown, as far as MLflow's page shows it (it has no tables). `dataset`: its name."""
    verdict = evaluation.verdict
    failed = evaluation.endpoint_errors
    lines = [
        f"**{'Passed' if verdict.passed else 'Not passed'}**: "
        f"{_plain(evaluation.model.model_name)}{_behind(evaluation)}, "
        f"{len(evaluation.answers)} rows of {_plain(dataset)}"
        + (f", {failed} without an answer" if failed else "")
        + (f", {evaluation.not_asked} not asked" if evaluation.not_asked else "")
        + (f" ({verdict.stopped.words})" if verdict.stopped and verdict.passed else ""),
        *(f"Varied: {_plain(key)} = {_plain(value)}" for key, value in evaluation.varied.items()),
        "",
        *(f"- ✗ {_plain(reason)}" for reason in verdict.reasons),
        *(f"- ! {_plain(warning)}" for warning in verdict.warnings),
        *(f"- {_plain(each.words())}" for each in evaluation.swapped_answers),
        *(f"- {_plain(each.words())}" for each in panels_of(evaluation)),
        *(f"- {_plain(each.words())}" for each in repeats_of(evaluation)),
        *(f"- {_plain(line)}" for line in label_lines(evaluation)),
        *([f"- {_plain(line)}"] if (line := judge_line(evaluation)) else []),
        *(f"- ✓ {_plain(_held(check))}" for check in verdict.checks if check.passed),
        "",
        "Every row with every verdict: Traces here, or evaluation/report.html under Artifacts.",
    ]
    return _cut("\n".join(lines))


def run_name(verdict: Verdict, name: str) -> str:
    """The run's name with the verdict before it and the first reason behind: what lists show."""
    if verdict.passed:
        return f"✓ {name}"[:LONGEST_NAME]
    first, *others = [visible(reason) for reason in verdict.reasons] or ["no reason is known"]
    more = f", and {len(others)} more" if others else ""
    room = LONGEST_NAME - len(f"✗ : {more}")
    name = name[: room - min(len(first), room // 2)]
    return f"✗ {name}: {first[: room - len(name)]}{more}"


def _behind(evaluation: Evaluation) -> str:
    if evaluation.answers_given:
        return " (no endpoint was asked)"
    return f" behind {_plain(evaluation.endpoint_name)}"


def _held(check: Check) -> str:
    threshold, metric = check.threshold, check.metric
    value = "none" if metric.value is None else f"{metric.value:.4g}"
    tier = "" if threshold.tier == "hard" else f", {threshold.tier}"
    return f"{threshold.metric} {value}, {threshold.rule} {threshold.bound:g} (n={metric.n}{tier})"


def _plain(text: str) -> str:
    """Without what Markdown or HTML would make of it: an error may quote a model's words."""
    signs = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "|": "&#124;"}
    return "".join(
        f"\\{sign}" if sign in "\\`*_[]#" else signs.get(sign, sign) for sign in visible(text)
    )


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[:LONGEST].rpartition("\n")[0] + "\n\n[…]"
