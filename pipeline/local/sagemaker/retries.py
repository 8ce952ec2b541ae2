"""RetryPolicies of a step: which failures are tried again, when, and how often.

Source: sagemaker.mlops.workflow.retry and the developer guide ("Retry policy for pipeline steps").
A non-zero exit of the user's own code is no retryable failure.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_pascal

ExceptionType: TypeAlias = Literal[
    "Step.SERVICE_FAULT",
    "Step.THROTTLING",
    "SageMaker.JOB_INTERNAL_ERROR",
    "SageMaker.CAPACITY_ERROR",
    "SageMaker.RESOURCE_LIMIT",
]
_REASON_PREFIXES: dict[str, ExceptionType] = {
    "InternalServerError": "SageMaker.JOB_INTERNAL_ERROR",
    "CapacityError": "SageMaker.CAPACITY_ERROR",
    "ResourceLimitExceeded": "SageMaker.RESOURCE_LIMIT",
}
_THROTTLING_CODES = {"ThrottlingException", "Throttling", "TooManyRequestsException"}
_SERVER_FAULT = 500


class RetryPolicy(BaseModel):
    """One entry of `RetryPolicies`; times in seconds, except `ExpireAfterMin`."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_pascal)

    exception_type: list[ExceptionType]
    backoff_rate: float = Field(default=2.0, ge=0)
    interval_seconds: float = Field(default=1, ge=0, le=43_200)
    max_attempts: int | None = Field(default=None, ge=1, le=20)
    expire_after_min: int | None = Field(default=None, ge=1, le=14_400)

    @model_validator(mode="after")
    def _one_limit(self) -> RetryPolicy:
        if self.max_attempts is not None and self.expire_after_min is not None:
            raise ValueError("MaxAttempts and ExpireAfterMin exclude each other")
        return self


_DEFAULT_MAX_ATTEMPTS = 5


@dataclass
class RetryState:
    """Counts the retries of one step and says how long to wait for the next."""

    policies: list[RetryPolicy]
    used: Counter[int] = field(default_factory=Counter)

    def next_delay(self, failure: ExceptionType | None, elapsed_seconds: float) -> float | None:
        """Seconds until the next attempt; None when the failure stands."""
        for index, policy in enumerate(self.policies):
            if failure not in policy.exception_type:
                continue
            if self._is_spent(policy, self.used[index], elapsed_seconds):
                return None
            self.used[index] += 1
            return policy.interval_seconds * policy.backoff_rate ** (self.used[index] - 1)
        return None

    @staticmethod
    def _is_spent(policy: RetryPolicy, used: int, elapsed_seconds: float) -> bool:
        if policy.expire_after_min is not None:
            return elapsed_seconds >= policy.expire_after_min * 60
        return used >= (policy.max_attempts or _DEFAULT_MAX_ATTEMPTS)


def of_job(failure_reason: str) -> ExceptionType | None:
    """The retryable kind of a job's FailureReason; None for an error of the user's code."""
    return _REASON_PREFIXES.get(failure_reason.partition(":")[0])


def of_call(error_code: str, http_status: int) -> ExceptionType | None:
    """The retryable kind of an API error; None for a request that AWS refuses for good."""
    if error_code in _THROTTLING_CODES:
        return "Step.THROTTLING"
    if error_code == "ResourceLimitExceeded":
        return "SageMaker.RESOURCE_LIMIT"
    return "Step.SERVICE_FAULT" if http_status == _SERVER_FAULT else None
