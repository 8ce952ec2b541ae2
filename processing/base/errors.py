"""Every error that a person is meant to read.

ReportedError               what is wrong, where, and how to mend it
├── ConfigError             evaluation.yaml: key path and line
├── DatasetError            the rows cannot be used
├── EndpointError           the model endpoint does not exist, or has stopped answering
├── CandidateError          the model package cannot be deployed, or did not start
├── JudgingError            the judge refuses every verdict
├── TrackingError           MLflow does not hold what it should
├── InstanceError           the instances of one job do not come together
├── CodeError               the job's code is not the code that the pipeline was upserted with
└── LaunchError             AWS refused, or the pipeline cannot be built or found
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path


class ReportedError(Exception):
    """An error whose message is for the user and needs no traceback."""


class ConfigError(ReportedError):
    """The configuration cannot be used; the message holds one line for each mistake."""


class DatasetError(ReportedError):
    """The dataset cannot be read, or too many of its rows cannot be used."""


class EndpointError(ReportedError):
    """The endpoint cannot be described, or has stopped answering."""


class CandidateError(ReportedError):
    """The candidate's model package cannot be deployed, or its endpoint did not start."""


class JudgingError(ReportedError):
    """A judge refuses every verdict, and would go on to."""


class TrackingError(ReportedError):
    """MLflow cannot be reached, or its record is incomplete."""


class InstanceError(ReportedError):
    """An instance of the job failed, is missing, or has measured something else."""


class CodeError(ReportedError):
    """The job's code is not the code that the pipeline was upserted with."""


class LaunchError(ReportedError):
    """The pipeline cannot be built, found or started."""


DEBUG = "LLM_EVALUATION_DEBUG"
"""A variable of the environment: if it is set, every error shows where it comes from."""


def run_job(main: Callable[[], None], message_file: Path) -> int:
    """Run a processing job's main function and return the container's exit code.

    0, 1 for an error, 143 for a job that was stopped. The reason goes to standard error and to
    `message_file` (`/opt/ml/output/message`): SageMaker shows the first kilobyte of that file as
    the job's ExitMessage.
    """
    from processing.base import sigterm
    from processing.base.code_digest import require_asked_code

    def tell_stopped() -> None:
        _tell(sigterm.REASON, message_file)

    try:
        with sigterm.stopping_on_sigterm(at_the_latest=tell_stopped):
            require_asked_code()
            main()
    except sigterm.Stopped:
        tell_stopped()
        return sigterm.EXIT_CODE
    except Exception as error:  # noqa: BLE001 (the outermost door)
        reason = _reason(error)
    else:
        return 0
    _tell(reason, message_file)
    return 1


def _reason(error: Exception) -> str:
    """The line for an error; what nobody has foreseen shows in the log where it comes from."""
    import traceback

    from processing.base.aws_errors import explain

    line = str(error) if isinstance(error, ReportedError) else explain(error, "job")
    if not line or os.environ.get(DEBUG):
        traceback.print_exception(error)
    return line or f"{type(error).__name__}: {error}"


def _tell(reason: str, message_file: Path) -> None:
    print(f"error: {reason}", file=sys.stderr, flush=True)
    message_file.parent.mkdir(parents=True, exist_ok=True)
    # SageMaker counts bytes, and would cut a character in two, which fails the job otherwise
    kept = reason.encode()[:1024].decode("utf-8", "ignore")
    message_file.write_text(kept, encoding="utf-8")
