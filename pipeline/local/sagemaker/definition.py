"""A pipeline definition (JSON, version 2020-12-01) read, checked and laid out for running.

Everything that the local AWS does not know is refused here, by name, when the pipeline is created:
nothing is skipped silently when it runs. Known and without effect are `Metadata`,
`PipelineExperimentConfig` (classic Experiments) and `MlflowConfig` (only reported back).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.alias_generators import to_pascal

from pipeline.checks import service_model
from pipeline.definition.document import is_function
from pipeline.local.jobs.processing_request import unsupported_features
from pipeline.local.sagemaker.cache import parse_duration
from pipeline.local.sagemaker.conditions import Condition
from pipeline.local.sagemaker.expressions import Reference, references
from pipeline.local.sagemaker.parameters import Parameter
from pipeline.local.sagemaker.retries import RetryPolicy
from pipeline.local.server.json_path import ExpressionError

Trigger: TypeAlias = Literal["Completed", "Failed", "Stopped", "Any"]
StepName: TypeAlias = Annotated[str, Field(pattern=r"^[A-Za-z0-9\-_]{1,64}$")]


class DefinitionError(Exception):
    """A definition that cannot be run here; the message names the place."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_pascal)


class Dependency(_Part):
    step: StepName
    trigger: Trigger = "Completed"


class PropertyFile(_Part):
    property_file_name: str
    output_name: str
    file_path: str


class CacheConfig(_Part):
    enabled: bool
    expire_after: str | None = None


class _Step(_Part):
    name: StepName
    display_name: str | None = None
    description: str | None = None
    depends_on: list[StepName | Dependency] = []


class ProcessingStep(_Step):
    type: Literal["Processing"]
    arguments: dict[str, Any]
    retry_policies: list[RetryPolicy] = []
    property_files: list[PropertyFile] = []
    cache_config: CacheConfig | None = None


class RegisterModelStep(_Step):
    type: Literal["RegisterModel"]
    arguments: dict[str, Any]
    retry_policies: list[RetryPolicy] = []


class FailArguments(_Part):
    error_message: Any


class FailStep(_Step):
    type: Literal["Fail"]
    arguments: FailArguments


class ConditionArguments(_Part):
    conditions: list[Condition] = Field(min_length=1)
    if_steps: list[Step] = []
    else_steps: list[Step] = []


class ConditionStep(_Step):
    type: Literal["Condition"]
    arguments: ConditionArguments


Step: TypeAlias = Annotated[
    ProcessingStep | RegisterModelStep | FailStep | ConditionStep, Field(discriminator="type")
]


class _Document(_Part):
    version: Literal["2020-12-01"]
    metadata: dict[str, Any] | None = None
    parameters: list[Parameter] = []
    pipeline_experiment_config: dict[str, Any] | None = None
    mlflow_config: dict[str, Any] | None = None
    steps: list[Step] = Field(min_length=1)


@dataclass(frozen=True)
class Node:
    """A step and what must have happened before it runs.

    `branch` is the condition step and the outcome that lead here; None outside of conditions.
    """

    step: Step
    dependencies: tuple[Dependency, ...]
    branch: tuple[str, bool] | None


@dataclass(frozen=True)
class Definition:
    """Parameters and nodes by name; branches of conditions are laid flat, in definition order."""

    parameters: Mapping[str, Parameter]
    nodes: Mapping[str, Node]
    mlflow_config: Mapping[str, Any] | None


def parse(text: str) -> Definition:
    """Reads a definition. Raises DefinitionError."""
    try:
        document = TypeAdapter(_Document).validate_python(json.loads(text))
    except json.JSONDecodeError as error:
        raise DefinitionError(f"Invalid JSON: {error}") from error
    except ValidationError as error:
        raise DefinitionError("; ".join(_describe(item) for item in error.errors())) from error
    nodes = list(_lay_flat(document.steps, None))
    _refuse_duplicates([node.step.name for node in nodes], "step")
    _refuse_duplicates([parameter.name for parameter in document.parameters], "parameter")
    definition = Definition(
        {parameter.name: parameter for parameter in document.parameters},
        {node.step.name: node for node in nodes},
        document.mlflow_config,
    )
    for node in nodes:
        _check(node, definition)
    _refuse_cycles(definition)
    return definition


def _describe(error: Any) -> str:
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error["loc"])
    place = place.lstrip(".")
    if error["type"] == "extra_forbidden":
        return f"{place} is not known to the local AWS"
    if error["type"] == "union_tag_invalid":
        context = error["ctx"]
        return (
            f"{place}: the type {context['tag']!r} is not known to the local AWS "
            f"(it knows {context['expected_tags']})"
        )
    value = error["input"]
    shown = f" (got {value!r})" if isinstance(value, str | int | float | bool) else ""
    return f"{place}: {error['msg']}{shown}"


def _lay_flat(steps: list[Step], branch: tuple[str, bool] | None) -> Iterator[Node]:
    for step in steps:
        try:
            yield Node(step, tuple(_dependencies(step)), branch)
        except ExpressionError as error:
            raise DefinitionError(f"Step {step.name}: {error}") from error
        if isinstance(step, ConditionStep):
            yield from _lay_flat(step.arguments.if_steps, (step.name, True))
            yield from _lay_flat(step.arguments.else_steps, (step.name, False))


def _dependencies(step: Step) -> Iterator[Dependency]:
    named = {}
    for entry in step.depends_on:
        dependency = entry if isinstance(entry, Dependency) else Dependency(Step=entry)
        named[dependency.step] = dependency
    yield from named.values()
    for reference in _references(step):
        if reference.kind == "Steps" and reference.name not in named:
            named[reference.name] = Dependency(Step=reference.name)
            yield named[reference.name]


def _references(step: Step) -> list[Reference]:
    """What the step itself points at; the steps in a condition's branches speak for themselves."""
    if isinstance(step, ConditionStep):
        written = step.arguments.model_dump(by_alias=True, include={"conditions"})
        return list(references(written))
    if isinstance(step, FailStep):
        return list(references(step.arguments.error_message))
    return list(references(step.arguments))


def _refuse_duplicates(names: list[str], kind: str) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DefinitionError(f"The {kind} names {twice} are used more than once")


def _check(node: Node, definition: Definition) -> None:
    step = node.step
    for dependency in node.dependencies:
        if dependency.step not in definition.nodes:
            raise DefinitionError(f"Step {step.name} needs the unknown step {dependency.step}")
        if isinstance(definition.nodes[dependency.step].step, FailStep):
            raise DefinitionError(f"Step {step.name} depends on the Fail step {dependency.step}")
    for reference in _references(step):
        _check_reference(step.name, reference, definition)
    if isinstance(step, ProcessingStep):
        _check_processing(step)
        _check_arguments(step.name, "CreateProcessingJob", step.arguments)
    if isinstance(step, RegisterModelStep):
        _check_arguments(step.name, "CreateModelPackage", step.arguments)


def _check_reference(step_name: str, reference: Reference, definition: Definition) -> None:
    if reference.kind == "Parameters" and reference.name not in definition.parameters:
        raise DefinitionError(f"Step {step_name} reads the unknown parameter {reference.name}")
    if reference.kind != "Steps" or not reference.path.startswith("PropertyFiles."):
        return
    target = definition.nodes[reference.name].step
    names = (
        {file.property_file_name for file in target.property_files}
        if isinstance(target, ProcessingStep)
        else set()
    )
    if reference.path.removeprefix("PropertyFiles.") not in names:
        raise DefinitionError(
            f"Step {step_name} reads {reference.path}, which step {reference.name} does not have"
        )


def _check_processing(step: ProcessingStep) -> None:
    for feature in unsupported_features(step.arguments):
        raise DefinitionError(f"Step {step.name}: {feature} is not known to the local AWS")
    if step.cache_config is not None and step.cache_config.expire_after is not None:
        try:
            parse_duration(step.cache_config.expire_after)
        except ValueError as error:
            raise DefinitionError(f"Step {step.name}: CacheConfig.ExpireAfter: {error}") from error
    outputs = (step.arguments.get("ProcessingOutputConfig") or {}).get("Outputs") or []
    names = {output.get("OutputName") for output in outputs}
    for file in step.property_files:
        if file.output_name not in names:
            raise DefinitionError(
                f"Step {step.name}: the property file {file.property_file_name} is in the output "
                f"{file.output_name}, which the step does not have"
            )


def _check_arguments(step_name: str, operation: str, arguments: dict[str, Any]) -> None:
    unknown = service_model.unknown_members(operation, arguments, is_function)
    if unknown:
        raise DefinitionError(f"Step {step_name}: {operation} has no argument {unknown[0]}")


def _refuse_cycles(definition: Definition) -> None:
    waiting = {
        name: {dependency.step for dependency in node.dependencies}
        | ({node.branch[0]} if node.branch else set())
        for name, node in definition.nodes.items()
    }
    while waiting:
        free = [name for name, needs in waiting.items() if not needs & set(waiting)]
        if not free:
            raise DefinitionError(f"The steps {sorted(waiting)} wait for each other in a circle")
        for name in free:
            del waiting[name]
