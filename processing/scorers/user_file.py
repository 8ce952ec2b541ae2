"""The user's own scorers: functions with MLflow's `@scorer`, from a file beside evaluation.yaml.

A function takes what it names of `inputs` ({"question": ..., "context": [...]}, with a history
"messages", which the question ends, and "retrieved_context", the passages' texts, where the
endpoint has returned some), `outputs` (the answer) and `expectations`
({"expected_response": ...}), and returns a number, a bool, yes or no, a level of `levels`, or a
Feedback (`processing.scorers.returned_value`); "not applicable" where `not_applicable: true` allows
it. It runs in many threads at once, and its verdicts are made anew in every evaluation. What it
reads or imports beside itself is named in `files:`; nothing else lies beside it in the job.
"""

from __future__ import annotations

import importlib.util
import inspect
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from processing.base.errors import ConfigError
from processing.base.foreign_code import ForeignCodeError, call_foreign, surroundings_kept
from processing.base.secrets import masked
from processing.config.scorer_numbers import NOT_APPLICABLE, is_not_applicable, number_of
from processing.config.scorer_options import FileOptions
from processing.dataset.turns import messages_of
from processing.judges.verdict import JudgeError, Question, Score
from processing.scorers.carried_modules import make_importable
from processing.scorers.returned_value import as_number_or_bool, feedback_of

if TYPE_CHECKING:
    from mlflow.entities import Feedback
    from mlflow.genai.scorers import Scorer

    from processing.config.scorers import ScorerSpec
    from processing.judges.service import JudgeLine


def build(spec: ScorerSpec, line: JudgeLine | None, folder: Path) -> Score:  # noqa: ARG001
    assert isinstance(spec.options, FileOptions)
    path = folder / spec.options.file
    try:
        make_importable(folder, spec.options.files)
    except ConfigError as error:
        raise ConfigError(f"scorers: {spec.name}: {error}") from error
    function: Any = _run_with_time_limit(spec, path, _find(spec.name, path))

    def verdict(question: Question) -> Feedback:
        feedback = said_of(question)
        if is_not_applicable(spec, feedback.value):
            # else an answer could choose not to be scored
            for other in ("", question.expected_response):
                if said_of(replace(question, answer=other)).value != feedback.value:
                    raise JudgeError(
                        f"it said {NOT_APPLICABLE!r} to this answer, and not to another: only the "
                        "question and the expected answer may decide that",
                        retryable=False,
                    )
        return feedback

    def said_of(question: Question) -> Feedback:
        # made anew for each call, which may change them
        inputs: dict[str, Any] = {"question": question.question}
        if question.context is not None:
            inputs["context"] = list(question.context)
        if question.retrieved is not None and not question.retrieved.problem:
            inputs["retrieved_context"] = list(question.retrieved.texts)
        if question.history:
            inputs["messages"] = messages_of(question.turns)
        expectations: dict[str, Any] = {
            "expected_response": question.expected_response,
            **question.further.given(),
        }
        try:
            feedback: Feedback = call_foreign(
                lambda: function.run(
                    inputs=inputs, outputs=question.answer, expectations=expectations
                ),
                path,
            )
        except ForeignCodeError as error:
            # MLflow keeps the whole chain's traceback, in which the message would not be masked
            raise JudgeError(masked(str(error)), retryable=False) from None
        return feedback

    return verdict


def _run_with_time_limit(spec: ScorerSpec, path: Path, found: Scorer) -> Scorer:
    """The function as a scorer that returns one Feedback, under the time limit that it names.

    MLflow's own `run` refuses numpy's numbers, coroutines and most else before we could look.
    Raises ConfigError for a function that asks for what no row has.
    """
    from mlflow.genai.scorers import scorer

    given = _parameters(spec.name, path, found)

    def plain(inputs: Any, outputs: Any, expectations: Any) -> Feedback:
        row = {"inputs": inputs, "outputs": outputs, "expectations": expectations}
        feedback = feedback_of(found(**{name: row[name] for name in given}), spec.name)
        said = feedback.value
        if isinstance(said, str) and number_of(spec, said) is None:
            read = as_number_or_bool(said)
            feedback.value = said if read is None else read
        return feedback

    wrapped: Scorer = scorer(name=spec.name, timeout=found.timeout)(plain)
    return wrapped


_GIVEN = ("inputs", "outputs", "expectations")


def _parameters(name: str, path: Path, found: Scorer) -> list[str]:
    """Which of a row's parts the function takes."""
    try:
        taken = call_foreign(lambda: inspect.signature(found.__call__).parameters, path)
    except ForeignCodeError as error:
        raise ConfigError(f"scorers: {name}: {path} cannot be called: {error}") from error
    others = [
        p.name
        for p in taken.values()
        if p.default is p.empty
        and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
        and p.name not in _GIVEN
    ]
    if others:
        raise ConfigError(
            f"scorers: {name}: {path}: {name} asks for {', '.join(others)}, and is given "
            "inputs, outputs and expectations by name: leave it out, or give it a default"
        )
    takes_all = any(p.kind is p.VAR_KEYWORD for p in taken.values())
    return [part for part in _GIVEN if takes_all or part in taken]


def _find(name: str, path: Path) -> Scorer:
    """Raises ConfigError if the file or the scorer in it is not there, or cannot be loaded."""
    from mlflow.genai.scorers import Scorer

    if not path.is_file():
        raise ConfigError(f"scorers: {name}: there is no file {path}")
    try:
        with surroundings_kept():
            found = call_foreign(lambda: getattr(_load(path), name, None), path)
    except ForeignCodeError as error:
        raise ConfigError(f"scorers: {name}: {path} cannot be loaded: {error}") from error
    if not isinstance(found, Scorer):
        what = "has no function" if found is None else "needs @mlflow.genai.scorers.scorer on"
        raise ConfigError(f"scorers: {name}: {path} {what} {name}")
    return found


def _load(path: Path) -> Any:
    module_name = f"user_scorers_{path.stem}"
    specification = importlib.util.spec_from_file_location(module_name, path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[module_name] = module  # where dataclasses and pickle look for it
    specification.loader.exec_module(module)
    return module
