"""The steps in their order: the cheapest first."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from pipeline.checks.online import account_looks, as_the_caller, service_looks
from pipeline.first_run.candidate import candidate_steps
from pipeline.first_run.definition import definition_step
from pipeline.first_run.evaluation import evaluation_step
from pipeline.first_run.event import event_step
from pipeline.first_run.registration import registration_steps
from pipeline.first_run.rights import rights_step
from pipeline.first_run.step import Cost, Step
from pipeline.first_run.trial import Trial

_PAID = {
    "endpoint": Cost("1 call to the endpoint", paid="one answer"),
    "judge": Cost("1 call to the judge", paid="one verdict by prices.JUDGE"),
}


def plan(trial: Trial) -> Iterator[Step]:
    """Nothing is called yet."""
    yield from (_look(*look) for look in account_looks(trial.session, trial.bundle))
    yield rights_step(trial)
    yield from (_look(*look) for look in service_looks(trial.session, trial.bundle))
    yield definition_step(trial)
    yield from registration_steps(trial)
    yield event_step(trial)
    yield evaluation_step(trial)
    yield from candidate_steps(trial)


def _look(what: str, look: Callable[[], str]) -> Step:
    """As `check --online` looks at it."""
    cost = _PAID.get(what.partition(" ")[0], Cost("some calls"))
    return Step(what, "what `check --online` finds", cost, lambda: as_the_caller(look))
