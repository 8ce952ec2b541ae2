"""`check --online` asks each judge one short question, through the code that the run asks with.

So it is asked in the same forms and with the same parameters, and what its model refuses, or cannot
be had for, shows here first. Then it is given a few answers to other questions, as the run gives
them, which it has to reject.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from pydantic import BaseModel

from pipeline.checks.dataset import usable_rows
from pipeline.definition.bundle import Bundle
from processing.base.errors import LaunchError, SecretError
from processing.base.stored_secrets import export_secrets
from processing.config.judge import Judge, silence_libraries
from processing.config.model import EvaluationConfig
from processing.config.scorers import ScorerSpec

if TYPE_CHECKING:
    from boto3 import Session

    from processing.calls.paid_store import Record
    from processing.calls.spend import Spend
    from processing.judges.service import JudgeLine

PATIENCE_SECONDS = 10
"""A judge that throttles for longer is told of, and not waited for."""


class _Presence(BaseModel):
    answer: str


def judge_looks(session: Session, bundle: Bundle) -> Iterator[tuple[str, Callable[[], str]]]:
    """Each judge that an evaluation or `compare` asks, once for each model, address, parameters."""
    asked: list[Judge] = []
    for scorer in [*bundle.config.judged_scorers(), *bundle.config.pairwise_scorers]:
        for judge in bundle.config.judges_of(scorer):
            if not any(_asked_alike(judge, other) for other in asked):
                asked.append(judge)
                yield f"judge {judge.model.partition(':/')[2]}", _look(session, bundle, judge)


def _asked_alike(one: Judge, other: Judge) -> bool:
    return (one.model, one.base_url, one.sent_parameters) == (
        other.model,
        other.base_url,
        other.sent_parameters,
    )


def _look(session: Session, bundle: Bundle, judge: Judge) -> Callable[[], str]:
    def look() -> str:
        from processing.calls.spend import Spend
        from processing.judges.health import what_to_do
        from processing.judges.kept_replies import KeptReplies
        from processing.judges.service import judge_lines
        from processing.judges.verdict import JudgeError

        silence_libraries()
        config = bundle.config
        if judge.model.startswith(("bedrock", "amazon-bedrock")):
            os.environ["AWS_DEFAULT_REGION"] = session.region_name
        elif why := _without_keys(config):
            return why
        patient = judge.model_copy(update={"retry_seconds": PATIENCE_SECONDS})
        spend = Spend(config.prices)
        [line] = judge_lines([patient], spend, 1, lambda _: KeptReplies())
        try:
            _ask(line)
            rejected = _swapped_answers(bundle, patient, spend)
        except JudgeError as error:
            advice = what_to_do(judge.model, error.reason)
            raise LaunchError(f"{error.reason}{advice}") from error
        return f"answers{_without(line)}{rejected}; {_cost(spend)}"

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


def _swapped_answers(bundle: Bundle, judge: Judge, spend: Spend) -> str:
    """What the judge says of answers to other questions, by one of the scorers that ask it.

    Raises LaunchError if it accepts more of them than the gate would let pass, JudgeError if it
    gives no verdict.
    """
    from processing.judges.verdict import Question
    from processing.scorers.build import build_scorers
    from processing.scorers.kept_verdict import numbered
    from processing.scorers.swapped_answers import (
        CONSIDERED,
        Control,
        counted,
        one_call_control,
        pairs_of,
    )

    asking = [spec for spec in bundle.config.judged_scorers() if _is_asked_by(spec, judge, bundle)]
    if not asking:  # a pairwise scorer's own judge
        return ""
    [built] = build_scorers([one_call_control(asking)], judge, spend=spend)
    control = Control(built, (built.spec.name,))
    given: list[Record] = []
    for row, answer in pairs_of(control, itertools.islice(usable_rows(bundle), CONSIDERED)):
        question = Question(
            row.question,
            answer,
            row.expected_response,
            row.context,
            further=row.further,
            history=row.history,
        )
        given.append({"value": numbered(built, built.score(question)).value})
    found = counted(control, given, {built.spec.name})
    if wrong := found.reason(bundle.config.budgets):
        raise LaunchError(wrong)
    return f", {found.words()}" if given else ""


def _is_asked_by(spec: ScorerSpec, judge: Judge, bundle: Bundle) -> bool:
    return any(_asked_alike(own, judge) for own in bundle.config.judges_of(spec))


def _without(line: JudgeLine) -> str:
    left_out = ", ".join(line.left_out())
    return f", and is asked without {left_out}, which it refuses" if left_out else ""


def _cost(spend: Spend) -> str:
    [(service, account)] = spend.accounts.items()
    cost = spend.cost(service)
    priced = f", {cost:.6f} by prices.{service}" if cost is not None else ""
    calls = f"{account.calls} calls" if account.calls > 1 else "1 call"
    tokens = account.input_tokens + account.cache_read_tokens + account.cache_write_tokens
    return f"{calls}, {tokens} tokens in, {account.output_tokens} out{priced}"
