"""`plan` from Python: what an evaluation will cost and take, and how often its gate will err."""

from __future__ import annotations

from pathlib import Path

from pipeline.checks.plan import plan as checks
from pipeline.checks.plan.earlier import EarlierRun
from pipeline.checks.plan.gate import DISTANCE
from pipeline.checks.plan.plan import Plan
from pipeline.comparison.sources import find_runs
from pipeline.definition.bundle import load_bundle
from processing.base.errors import LaunchError


def plan(
    config: str | Path = "evaluation.yaml",
    *,
    rows: int | None = None,
    earlier: str | None = None,
    distance: float = DISTANCE,
) -> Plan:
    """Count calls, tokens, money, time and the gate's errors, before anything is paid for.

    `rows`: instead of dataset.sample_size; 0 for all. `earlier`: a run whose measured figures are
    taken, named as for `compare`. `distance`: of the models that the gate should tell from one at
    a bound, as a share of the scale. `Plan.document()` has it as JSON has it.

    Raises ReportedError: ConfigError, DatasetError, LaunchError, ComparisonError.
    """
    if not 0 < distance < 1:
        raise LaunchError(f"--distance {distance:g}: give a share between 0 and 1")
    path = Path(config)
    bundle = load_bundle(path)
    run = None
    if earlier is not None:
        [found] = find_runs([earlier], path)
        run = EarlierRun(found.name, found.document, tuple(found.rows.values()))
    return checks.plan(bundle, path, rows=rows, earlier=run, distance=distance)
