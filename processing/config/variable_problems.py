"""Variables of the jobs' environment that `secrets:` and `environment:` do not agree on."""

from __future__ import annotations

from collections.abc import Iterator

from processing.base.stored_secrets import is_secret_arn
from processing.config.model import EvaluationConfig
from processing.config.threshold_scales import Location


def variable_problems(config: EvaluationConfig) -> Iterator[tuple[Location, str]]:
    """A variable that has two values, or one that would stand in the definition as a secret."""
    for name in sorted(config.secrets.keys() & config.infrastructure.environment.keys()):
        yield ("secrets", name), "is also in infrastructure.environment: a variable has one value"
    for name, value in config.infrastructure.environment.items():
        if is_secret_arn(value):
            message = f"is a secret's ARN: move it to secrets: {name}, which the job reads"
            yield ("infrastructure", "environment", name), message
