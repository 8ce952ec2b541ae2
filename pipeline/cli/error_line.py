"""What the command line says of an exception: one line that helps, whatever it was."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from processing.base.aws_errors import explain
from processing.base.aws_hints import hint
from processing.base.disk import FULL
from processing.base.errors import ReportedError

if TYPE_CHECKING:
    from pipeline.executions.launch import StepStatus


def error_line(error: Exception, config: str) -> str:
    """What is wrong, where, how to fix it; a line for each mistake of a ConfigError.

    `config`: the configuration file's name.
    """
    if isinstance(error, ReportedError):
        return str(error)
    if isinstance(error, ModuleNotFoundError):
        return missing_module(error)
    if type(error).__name__ == "RoleValidationError":  # the SDK's, which is slow to import
        named = re.search(r"arn:[^\s']+:role/[^\s']+", str(error))
        return (
            f"{config}: infrastructure.pipeline_role: {named[0] if named else 'the role'} is not "
            "there, or does not trust sagemaker.amazonaws.com; "
            "`pipeline_definition.py permissions create` creates and repairs it"
        )
    aws = explain(error, "caller", config)
    if aws:
        return aws
    if isinstance(error, OSError) and error.strerror:
        full = error.errno in FULL
        name = error.filename or (Path.cwd() if full else "")  # what was written has no name here
        said = f"{name}: " if name else ""
        said += f"{error.strerror[0].lower()}{error.strerror[1:]}"
        return f"{said}; make room there and try again" if full else said
    said = " ".join(str(error).split())[:500]
    return f"{type(error).__name__}: {said}; with --debug you see where this comes from"


def mend_lines(steps: Iterable[StepStatus]) -> Iterator[str]:
    """What to do about the steps that AWS could not run; our own jobs' reasons say it."""
    for step in steps:
        advice = hint(step.reason, "pipeline")
        if advice and not re.search(f"exit code|{re.escape(advice)}", step.reason):
            yield f"{step.name}: {advice}"


def missing_module(error: ModuleNotFoundError) -> str:
    """Another Python than the one that the requirements were installed for."""
    return (
        f"this Python ({sys.executable}) cannot run it ({error}): use .venv/bin/python, which "
        "`make launch` sets up, `make demo` for the local AWS (if that is it: rm -r .venv, and "
        "again)"
    )
