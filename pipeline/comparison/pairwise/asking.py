"""The judges are asked which answers are better: each question once, at the services' own pace.

It is the judging of the evaluations: the same retries, reading of replies, and store of what has
been paid for. Two runs the other way round, or one more run, pay for nothing that is there.
"""

from __future__ import annotations

import itertools
import uuid
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.comparison.pairwise.outcome import PairwiseOutcome
from pipeline.comparison.pairwise.pairs import AnswerPair, Verdicts, answer_pairs, row_verdict
from pipeline.comparison.pairwise.scorers import PairwiseScorer, pairwise_scorers
from pipeline.comparison.run import ComparedRun
from pipeline.comparison.sources import RUNS, Services
from processing.base.aws_hints import acting_as
from processing.base.errors import ConfigError, JudgingError, SecretError
from processing.base.secrets import masked
from processing.base.visible_text import visible
from processing.calls.paid_store import Record, Store
from processing.calls.spend import Spend
from processing.config.guideline_options import PairwiseOptions

if TYPE_CHECKING:
    from processing.calls.progress import Progress
    from processing.config.model import EvaluationConfig
    from processing.judges.verdict import Question
    from processing.scorers.build import BuiltScorer

DEFAULT_FILE = Path("evaluation.yaml")
"""What `compare` reads if nobody names a file: it may be about something else."""

Labels = tuple[str, str]
Pairs = Mapping[Labels, Sequence[AnswerPair]]
"""By the labels of two runs."""


def pairwise_outcomes(runs: Sequence[ComparedRun], config: Path) -> list[PairwiseOutcome]:
    """Of each pairwise scorer, of the runs' or of the file `config`, and of each two runs.

    Raises ConfigError for mistakes in a file that somebody has named, DiskError where a verdict
    cannot be kept.
    """
    services = Services(config)
    own = _own_file(services)
    scorers = pairwise_scorers(runs, own)
    pairs = {scorer.name: _pairs(scorer, runs) for scorer in scorers}
    reasons = {scorer.name: scorer.reason for scorer in scorers}
    verdicts: dict[str, Verdicts] = {}
    wanted = [
        (scorer, questions)
        for scorer in scorers
        if scorer.spec and (questions := _questions(pairs[scorer.name]))
    ]
    if wanted:
        _say_what_is_asked(wanted, pairs, len(runs))
        _asked(wanted, services if own else None, verdicts, reasons)
    return [
        outcome
        for scorer in scorers
        for outcome in _outcomes(
            scorer, runs, pairs[scorer.name], verdicts.get(scorer.name, {}), reasons[scorer.name]
        )
    ]


def _own_file(services: Services) -> EvaluationConfig | None:
    """What the user's file says; folders do without one. Raises ConfigError for the mistakes in a
    file that somebody has named.
    """
    is_default = services.config == DEFAULT_FILE
    if not services.config.is_file():
        if not is_default:
            print(f"note: there is no file {services.config}: folders do without", flush=True)
        return None
    try:
        return services.bundle.config
    except ConfigError as error:
        if not is_default:
            raise
        said = str(error).splitlines()[0]
        print(f"note: {services.config} is not used: {said}", flush=True)
        return None


def _pairs(scorer: PairwiseScorer, runs: Sequence[ComparedRun]) -> Pairs:
    options = scorer.spec.options if scorer.spec else None
    expected = isinstance(options, PairwiseOptions) and options.with_expected_response
    return {
        (first.label, other.label): list(
            answer_pairs(first, other, with_expected_response=expected)
        )
        for first, other in itertools.combinations(runs, 2)
    }


def _questions(pairs: Pairs) -> list[Question]:
    """Each once, whatever pairs want it, those of one row after the other."""
    asked = (question for found in pairs.values() for pair in found for question in pair.asked)
    return list(dict.fromkeys(asked))


def _say_what_is_asked(
    wanted: Sequence[tuple[PairwiseScorer, list[Question]]],
    pairs: Mapping[str, Pairs],
    runs: int,
) -> None:
    for scorer, questions in wanted:
        found = list(itertools.chain.from_iterable(pairs[scorer.name].values()))
        same = sum(pair.same for pair in found)
        unanswered = sum(bool(pair.error) for pair in found)
        said = [f"{len(found) - same - unanswered:,} pairs of answers of {runs} runs"]
        said += [f"{same:,} pairs are the same answer and a tie"] if same else []
        said += [f"{unanswered:,} lack an answer"] if unanswered else []
        print(
            f"pairwise {scorer.name}: {visible(scorer.judge)} is asked about {'; '.join(said)}; "
            f"both orders, {len(questions):,} verdicts",
            flush=True,
        )


def _asked(
    wanted: Sequence[tuple[PairwiseScorer, list[Question]]],
    services: Services | None,
    verdicts: dict[str, Verdicts],
    reasons: dict[str, str],
) -> None:
    """Fills in what each scorer says, or the reason why it says nothing more."""
    from processing.calls.progress import Progress
    from processing.calls.progress_display import progress_shown
    from processing.config.judge import silence_libraries
    from processing.mlflow_record.internals import skip_searches_for_absent_modules
    from processing.scorers.build import build_scorers

    silence_libraries()
    skip_searches_for_absent_modules()
    prices = services.bundle.config.prices if services else {}
    spend = Spend(prices)
    progress = Progress(0, 0, spend, pairs=sum(len(questions) for _, questions in wanted))
    with _store(services) as store, progress_shown(progress), acting_as("caller"):
        for scorer, questions in wanted:
            assert scorer.spec is not None
            told: dict[Question, Record] = {}
            verdicts[scorer.name] = told
            try:
                _export_keys(scorer, services)
                [built] = build_scorers([scorer.spec], None, spend=spend)
                _ask_all(built, questions, store, progress, told)
            except (JudgingError, ConfigError, SecretError) as error:
                reasons[scorer.name] = masked(str(error))


@contextmanager
def _store(services: Services | None) -> Iterator[Store]:
    """Where `try` keeps what was paid for, with the pipeline's behind it if there is a file."""
    from pipeline.definition.account import region
    from pipeline.executions.paid_answers import paid_answers_kept

    local = Store((RUNS / "store").resolve(), f"compare-{uuid.uuid4().hex[:12]}", None)
    if services is None:
        yield local
        return
    region(services.bundle)
    with paid_answers_kept(services.bundle, local) as store:
        yield store


def _export_keys(scorer: PairwiseScorer, services: Services | None) -> None:
    """Bedrock takes the caller's credentials; another provider's key may be a secret of the file.

    Raises SecretError.
    """
    from processing.base.stored_secrets import lend_jobs_variables

    if services is not None and "bedrock" not in scorer.judge.partition(":/")[0]:
        config = services.bundle.config
        lend_jobs_variables(config.secrets, config.infrastructure.environment)


def _ask_all(
    built: BuiltScorer,
    questions: Sequence[Question],
    store: Store,
    progress: Progress,
    told: dict[Question, Record],
) -> None:
    """Raises JudgingError if the judge refuses everything; `told` has what it said until then."""
    import boto3

    from processing.scorers.asked_once import PaidVerdicts, definition_digest
    from processing.scorers.scheduler import judging

    assert built.judge is not None
    shelf = store.shelf(boto3.Session(), "verdicts", definition_digest(built))
    paid = PaidVerdicts({built.definition: shelf}, progress.spend, progress)
    ahead = 2 * built.judge.concurrency  # no more, so that few are asked of a judge that is down
    waiting: deque[tuple[Question, Future[Record]]] = deque()
    try:
        with judging([built], paid) as judges:
            for question in questions:
                waiting.append((question, judges.verdict_on(built, question)))
                if len(waiting) == ahead:
                    first, verdict = waiting.popleft()
                    told[first] = verdict.result()
            while waiting:
                first, verdict = waiting.popleft()
                told[first] = verdict.result()
    finally:
        told |= {q: v.result() for q, v in waiting if not v.cancelled() and v.exception() is None}


def _outcomes(
    scorer: PairwiseScorer,
    runs: Sequence[ComparedRun],
    pairs: Pairs,
    verdicts: Verdicts,
    reason: str,
) -> Iterator[PairwiseOutcome]:
    from pipeline.comparison.differences import rows_to_pair

    for first, other in itertools.combinations(runs, 2):
        labels = (first.label, other.label)
        yield PairwiseOutcome(
            scorer.name,
            scorer.judge,
            against=first.label,
            run=other.label,
            verdicts=tuple(row_verdict(pair, labels, verdicts) for pair in pairs[labels]),
            lost=rows_to_pair(first, other)[1],
            reason=reason,
        )
