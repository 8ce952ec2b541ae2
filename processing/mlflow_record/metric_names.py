"""What the metrics of a run are called.

MLflow's page has a section for whatever stands before a name's last slash. A scorer's mean is
`NAME/mean`, which `mlflow.genai.evaluate` calls it; what it rests on is in one section for all,
`details`, that can be folded.
"""

from __future__ import annotations

from collections.abc import Mapping

GATE_PASSED = "gate_passed"
"""1 or 0, and 0 from the start on, so that it is the first column of MLflow's list of runs."""


def detail(metric: str, figure: str) -> str:
    return f"details/{metric}.{figure}"


def detail_held(held: Mapping[str, float], metric: str, figure: str) -> float | None:
    """As a run holds it, also one from before details had a section."""
    return held.get(detail(metric, figure), held.get(f"{metric}/{figure}"))
