"""`check --online` asks each judge one short question, through the code that the run asks with.

So it is asked in the same forms and with the same parameters, and what its model refuses, or cannot
be had for, shows here first.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from pydantic import BaseModel

from processing.base.errors import LaunchError, SecretError
from processing.base.stored_secrets import export_secrets
from processing.config.judge import Judge, silence_libraries
from processing.config.model import EvaluationConfig

if TYPE_CHECKING:
    from boto3 import Session

    from processing.calls.spend import Spend
    from processing.judges.service import JudgeLine

PATIENCE_SECONDS = 10
"""A judge that throttles for longer is told of, and not waited for."""


class _Presence(BaseModel):
    answer: str


def judge_looks(
    session: Session, config: EvaluationConfig
) -> Iterator[tuple[str, Callable[[], str]]]:
    """Each judge that a scorer asks, once for each model, address and parameters."""
    asked: list[Judge] = []
    for scorer in config.judged_scorers():
        judge = scorer.judge or config.judge
        if judge is not None and not any(_asked_alike(judge, other) for other in asked):
            asked.append(judge)
            yield f"judge {judge.model.partition(':/')[2]}", _look(session, config, judge)


def _asked_alike(one: Judge, other: Judge) -> bool:
    return (one.model, one.base_url, one.sent_parameters) == (
        other.model,
        other.base_url,
        other.sent_parameters,
    )


def _look(session: Session, config: EvaluationConfig, judge: Judge) -> Callable[[], str]:
    def look() -> str:
        from processing.calls.spend import Spend
        from processing.judges.health import what_to_do
        from processing.judges.kept_replies import KeptReplies
        from processing.judges.service import judge_lines
        from processing.judges.verdict import JudgeError

        silence_libraries()
        if judge.model.startswith(("bedrock", "amazon-bedrock")):
            os.environ["AWS_DEFAULT_REGION"] = session.region_name
        elif why := _without_keys(config):
            return why
        patient = judge.model_copy(update={"retry_seconds": PATIENCE_SECONDS})
        spend = Spend(config.prices)
        [line] = judge_lines([patient], spend, 1, lambda _: KeptReplies())
        try:
            _ask(line)
        except JudgeError as error:
            advice = what_to_do(judge.model, error.reason, "caller")
            raise LaunchError(f"{error.reason}{advice}") from error
        return f"answers{_without(line)}; {_cost(spend)}"

    return look


def _without_keys(config: EvaluationConfig) -> str:
    """Why the judge is not asked; empty once the job's secrets are this process's too."""
    wanted = {name: at for name, at in config.secrets.items() if name not in os.environ}
    try:
        export_secrets(wanted)
    except SecretError as error:
        return f"not asked: your credentials may not read what the job's may: {error}"
    return ""


def _ask(line: JudgeLine) -> None:
    from processing.judges.conversation import Conversation

    question = 'Are you there? Answer with JSON: {"answer": "yes"}'
    Conversation(line).ask_for([{"role": "user", "content": question}], _Presence)


def _without(line: JudgeLine) -> str:
    left_out = ", ".join(line.left_out())
    return f", and is asked without {left_out}, which it refuses" if left_out else ""


def _cost(spend: Spend) -> str:
    [(service, account)] = spend.accounts.items()
    cost = spend.cost(service)
    priced = f", {cost:.6f} by prices.{service}" if cost is not None else ""
    calls = f"{account.calls} calls" if account.calls > 1 else "1 call"
    return f"{calls}, {account.input_tokens} tokens in, {account.output_tokens} out{priced}"
