"""The functions of a pipeline definition: Get, Std:Join and Std:JsonGet.

A value in a step's arguments may be a function (a JSON object with one key), at any depth:

    {"Get": "Parameters.Threshold"}
    {"Get": "Execution.PipelineExecutionId"}
    {"Get": "Steps.Prepare.ProcessingOutputConfig.Outputs['dataset'].S3Output.S3Uri"}
    {"Std:Join": {"On": "/", "Values": [...]}}
    {"Std:JsonGet": {"PropertyFile": {"Get": "Steps.Evaluate.PropertyFiles.Report"}, "Path": "a.b"}}
    {"Std:JsonGet": {"S3Uri": ..., "Path": "a.b"}}

Source: SageMaker developer guide (pipeline definition) and what sagemaker 3.27 writes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from pipeline.definition.document import FUNCTIONS, is_function
from pipeline.local.server.json_path import ExpressionError, dig, parse_path

EXECUTION_VARIABLES = frozenset(
    {
        "StartDateTime",
        "CurrentDateTime",
        "PipelineName",
        "PipelineArn",
        "PipelineExecutionId",
        "PipelineExecutionArn",
    }
)
_PROPERTY_FILE = re.compile(r"Steps\.([^.\[]+)\.PropertyFiles\.(.+)")
_MAX_PROPERTY_FILE_BYTES = 2 * 1024 * 1024


@dataclass(frozen=True)
class Reference:
    """What a Get points at: `Parameters.<name>`, `Execution.<name>` or `Steps.<name>.<path>`."""

    kind: Literal["Parameters", "Execution", "Steps"]
    name: str
    path: str


class Scope(Protocol):
    """What the functions of one execution can see. Every method raises ExpressionError."""

    def parameter(self, name: str) -> Any: ...
    def execution_variable(self, name: str) -> Any: ...
    def step_properties(self, step: str) -> dict[str, Any]: ...
    def property_file_uri(self, step: str, property_file: str) -> str: ...
    def read(self, s3_uri: str) -> bytes: ...


def evaluate(value: Any, scope: Scope) -> Any:
    """The value with every function in it replaced by what it stands for."""
    if is_function(value):
        name, argument = next(iter(value.items()))
        if name == "Get":
            return _get(argument, scope)
        return _join(argument, scope) if name == "Std:Join" else _json_get(argument, scope)
    if isinstance(value, dict):
        return {key: evaluate(child, scope) for key, child in value.items()}
    if isinstance(value, list):
        return [evaluate(child, scope) for child in value]
    return value


def references(value: Any) -> Iterator[Reference]:
    """Every Get inside the value. Raises ExpressionError for a function that is not understood."""
    if is_function(value):
        name, argument = next(iter(value.items()))
        _check_form(name, argument)
        if name == "Get":
            yield parse_reference(argument)
            return
    if isinstance(value, dict):
        unknown = [key for key in value if key.startswith("Std:") and key not in FUNCTIONS]
        if unknown:
            raise ExpressionError(f"the function {unknown[0]} is not known to the local AWS")
    children: list[Any] = []
    if isinstance(value, dict):
        children = list(value.values())
    elif isinstance(value, list):
        children = value
    for child in children:
        yield from references(child)


def parse_reference(text: str) -> Reference:
    kind, _, rest = text.partition(".")
    if kind == "Parameters" and rest:
        return Reference("Parameters", rest, "")
    if kind == "Execution" and rest in EXECUTION_VARIABLES:
        return Reference("Execution", rest, "")
    if kind == "Steps" and rest:
        name = re.split(r"[.\[]", rest, maxsplit=1)[0]
        path = rest[len(name) :].removeprefix(".")
        if not path.startswith("PropertyFiles."):
            parse_path(path)
        return Reference("Steps", name, path)
    raise ExpressionError(f"Get of {text!r} is not known to the local AWS")


def _check_form(function: str, argument: Any) -> None:
    if function == "Get":
        if not isinstance(argument, str):
            raise ExpressionError(f"Get wants a string, not {argument!r}")
        return
    keys = set(argument) if isinstance(argument, dict) else set()
    if function == "Std:Join":
        if keys != {"On", "Values"} or not isinstance(argument["Values"], list):
            raise ExpressionError(f"Std:Join wants On and Values, not {argument!r}")
        return
    if keys not in ({"PropertyFile", "Path"}, {"S3Uri", "Path"}):
        raise ExpressionError(f"Std:JsonGet wants PropertyFile or S3Uri, and Path: {argument!r}")
    if not isinstance(argument["Path"], str):
        raise ExpressionError(f"the Path of Std:JsonGet must be a plain string: {argument!r}")
    parse_path(argument["Path"])
    if "PropertyFile" in argument:
        _property_file(argument["PropertyFile"])


def _property_file(value: Any) -> tuple[str, str]:
    found = isinstance(value, dict) and _PROPERTY_FILE.fullmatch(str(value.get("Get", "")))
    if not found:
        raise ExpressionError(f"Std:JsonGet wants Steps.<step>.PropertyFiles.<name>, not {value!r}")
    return found[1], found[2]


def _get(text: str, scope: Scope) -> Any:
    reference = parse_reference(text)
    if reference.kind == "Parameters":
        return scope.parameter(reference.name)
    if reference.kind == "Execution":
        return scope.execution_variable(reference.name)
    try:
        return dig(scope.step_properties(reference.name), reference.path)
    except ExpressionError as error:
        raise ExpressionError(f"Get of {text!r}: {error}") from error


def _join(argument: dict[str, Any], scope: Scope) -> str:
    return str(evaluate(argument["On"], scope)).join(
        _as_text(evaluate(value, scope)) for value in argument["Values"]
    )


def _as_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    raise ExpressionError(f"Std:Join cannot join {value!r}")


def _json_get(argument: dict[str, Any], scope: Scope) -> Any:
    if "S3Uri" in argument:
        uri = str(evaluate(argument["S3Uri"], scope))
    else:
        uri = scope.property_file_uri(*_property_file(argument["PropertyFile"]))
    try:
        return dig(_strict_json(scope.read(uri)), argument["Path"])
    except (ExpressionError, ValueError) as error:
        raise ExpressionError(f"Std:JsonGet of {argument['Path']!r} in {uri}: {error}") from error


def _strict_json(content: bytes) -> Any:
    """JSON as other languages read it: NaN and Infinity are not JSON. Raises ValueError."""
    if len(content) > _MAX_PROPERTY_FILE_BYTES:
        raise ValueError(f"the file has {len(content)} bytes, a property file may have 2 MB")

    def refuse(constant: str) -> None:
        raise ValueError(f"not valid JSON: {constant} is not a JSON number")

    return json.loads(content, parse_constant=refuse)
