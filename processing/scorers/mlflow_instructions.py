"""MLflow's judges that are instructions: Completeness, Fluency and Summarization.

Their texts are MLflow's (mlflow/genai/judges/prompts); the verdict is yes or no.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from processing.judges.verdict import Score
from processing.mlflow_record.internals import judge_prompt
from processing.scorers.template_judge import judge_by_template

if TYPE_CHECKING:
    from processing.config.scorers import ScorerSpec
    from processing.judges.service import JudgeLine


def build(spec: ScorerSpec, line: JudgeLine | None, folder: Path) -> Score:  # noqa: ARG001
    assert line is not None, "the configuration has checked that there is a judge"
    return judge_by_template(spec.name, judge_prompt(spec.kind), ("yes", "no"), line)
