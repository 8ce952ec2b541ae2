"""What verdicts took of their judges, as it stands in the verdicts' metadata."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, astuple, dataclass

from processing.config.prices import Usage
from processing.mlflow_record.internals import JUDGE_INPUT_TOKENS, JUDGE_OUTPUT_TOKENS

JUDGE_CALLS = "judge_calls"
JUDGE_CACHE_READ_TOKENS, JUDGE_CACHE_WRITE_TOKENS = (
    "judge_cache_read_tokens",
    "judge_cache_write_tokens",
)
"""Those of the input tokens that the model read from its cache, or wrote to it."""
REUSED = {
    JUDGE_CALLS: "judge_reused_calls",
    JUDGE_INPUT_TOKENS: "judge_reused_input_tokens",
    JUDGE_OUTPUT_TOKENS: "judge_reused_output_tokens",
    JUDGE_CACHE_READ_TOKENS: "judge_reused_cache_read_tokens",
    JUDGE_CACHE_WRITE_TOKENS: "judge_reused_cache_write_tokens",
}
"""Calls and tokens of a verdict -> how many of them an earlier job had paid for."""


@dataclass(frozen=True)
class JudgeUse:
    """What verdicts took of their judge: calls and tokens, and how many of these were reused.

    Tokens are 0 where the judge tells none; input tokens are all, those in a cache among them.
    """

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    reused_calls: int = 0
    reused_input_tokens: int = 0
    reused_output_tokens: int = 0
    reused_cache_read_tokens: int = 0
    reused_cache_write_tokens: int = 0

    @property
    def usage(self) -> Usage:
        """Of all, as it was paid for at some time."""
        read, write = self.cache_read_tokens, self.cache_write_tokens
        return Usage(self.input_tokens - read - write, self.output_tokens, read, write)

    @property
    def reused(self) -> Usage:
        """Of what earlier jobs have paid for."""
        read, write = self.reused_cache_read_tokens, self.reused_cache_write_tokens
        fresh = self.reused_input_tokens - read - write
        return Usage(fresh, self.reused_output_tokens, read, write)

    def figures(self) -> dict[str, int]:
        """As reports have them: what concerns the cache only where there is any."""
        return {key: n for key, n in asdict(self).items() if n or "cache" not in key}

    def __add__(self, other: JudgeUse) -> JudgeUse:
        return JudgeUse(*map(sum, zip(astuple(self), astuple(other), strict=True)))


NO_USE = JudgeUse()


def judge_use(metadata: Mapping[str, str]) -> JudgeUse:
    """Of one verdict."""
    keys = (*REUSED, *REUSED.values())
    return JudgeUse(*(int(metadata[key]) if key in metadata else 0 for key in keys))


def told_reused(metadata: Mapping[str, str]) -> dict[str, str]:
    """A kept verdict's metadata: an earlier job has paid for all its calls and tokens."""
    return {**metadata, **{REUSED[key]: metadata[key] for key in REUSED if key in metadata}}


def total_use(metadata: list[Mapping[str, str]]) -> dict[str, str]:
    """Calls and tokens of several verdicts together, as the metadata of one."""
    told = {
        key: [int(each[key]) for each in metadata if key in each]
        for key in (*REUSED, *REUSED.values())
    }
    return {key: str(sum(counts)) for key, counts in told.items() if counts}
