"""The user's own scorers: functions with MLflow's `@scorer`, from a file beside evaluation.yaml.

A function takes what it names of `inputs` ({"question": ..., "context": [...]}), `outputs` (the
answer) and `expectations` ({"expected_response": ...}), and returns a number, a bool, yes or no, a
level of `levels`, or a Feedback. It runs in many threads at once, and its verdicts are made anew in
every evaluation.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from processing.base.errors import ConfigError
from processing.base.foreign_code import ForeignCodeError, call_foreign, surroundings_kept
from processing.base.secrets import masked
from processing.config.scorer_options import FileOptions
from processing.judges.verdict import JudgeError, Question, Score

if TYPE_CHECKING:
    from mlflow.entities import Feedback
    from mlflow.genai.scorers import Scorer

    from processing.config.scorers import ScorerSpec
    from processing.judges.service import JudgeLine


def build(spec: ScorerSpec, line: JudgeLine | None, folder: Path) -> Score:  # noqa: ARG001
    from mlflow.entities import Feedback

    assert isinstance(spec.options, FileOptions)
    path = folder / spec.options.file
    function: Any = _find(spec.name, path)

    def verdict(question: Question) -> Feedback:
        inputs: dict[str, Any] = {"question": question.question}
        if question.context is not None:
            inputs["context"] = list(question.context)

        def call() -> Feedback | list[Any]:
            value = function.run(
                inputs=inputs,
                outputs=question.answer,
                expectations={"expected_response": question.expected_response},
            )
            if isinstance(value, Feedback | list):
                return value
            return Feedback(name=spec.name, value=value)

        try:
            feedback = call_foreign(call, path)
        except ForeignCodeError as error:
            # MLflow keeps the whole chain's traceback, in which the message would not be masked
            raise JudgeError(masked(str(error)), retryable=False) from None
        if isinstance(feedback, list):
            raise JudgeError("the function returned a list; one entry is one verdict", False)
        return feedback

    return verdict


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
