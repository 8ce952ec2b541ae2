"""IAM roles that must be roles of their own."""

from __future__ import annotations

from collections.abc import Iterator

from processing.config.model import EvaluationConfig
from processing.config.threshold_scales import Location


def role_problems(config: EvaluationConfig) -> Iterator[tuple[Location, str]]:
    """A candidate is unknown code and must not run as what judges it, which must not approve."""
    roles = config.infrastructure
    if config.candidate and roles.model_role in (None, roles.job_role, roles.pipeline_role):
        message = (
            "needs infrastructure.model_role, a role of its own that the candidate's container "
            "runs with: it reads its image and model data, and may do nothing else"
        )
        yield ("candidate",), message
    taken = (None, roles.job_role, roles.pipeline_role, roles.model_role)
    if config.registration.stamp_candidate and roles.stamp_role in taken:
        message = (
            "needs infrastructure.stamp_role, a role of its own: the job that evaluates a "
            "candidate must not be able to approve it"
        )
        yield ("registration", "stamp_candidate"), message
    if config.registration.by == "job" and roles.register_role in (*taken, roles.stamp_role):
        message = (
            "job needs infrastructure.register_role, a role of its own: the job that evaluates a "
            "model must not be able to register it"
        )
        yield ("registration", "by"), message
