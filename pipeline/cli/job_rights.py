"""What a varied execution's job may lack, said before it runs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.definition.bundle import Bundle


def warn_of_what_the_job_lacks(bundle: Bundle, varied: Bundle, what: str) -> None:
    """Rights and keys are those of the file that was upserted; somebody may have given more."""
    from pipeline.permissions.varied import rights_beyond
    from processing.config.judge_keys import missing_judge_keys

    known = {*varied.config.secrets, *varied.config.infrastructure.environment}
    lines = list(missing_judge_keys(varied.config, known))
    if rights := rights_beyond(bundle, varied):
        lines.append(
            f"`permissions create` gave the job role no {', '.join(rights)}: without it the job "
            "ends where it needs it; the policy of the varied file is what `permissions show job "
            f"--config {varied.folder / 'evaluation.yaml'}` prints"
        )
    for line in lines:
        print(f"note: {what}: {line}", file=sys.stderr)
