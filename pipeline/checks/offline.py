"""Offline checks of a pipeline definition: what AWS would refuse is found before an upsert.

Every step's arguments are held against botocore's model of the API call that Pipelines makes of
them, and the definition against the quotas of the Pipelines documentation.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from pipeline.checks.service_model import matches, problems, sagemaker
from pipeline.definition.architecture import architectures
from pipeline.definition.descriptions import MAX_DESCRIPTION
from pipeline.definition.document import gets, is_function, walk
from processing.candidate.deployment import endpoint_config_request
from processing.config.model import EvaluationConfig

OPERATIONS = {
    "Processing": ("CreateProcessingJob", {"ProcessingJobName": "named-by-pipelines"}),
    "RegisterModel": ("CreateModelPackage", {}),
}

MAX_DEFINITION_CHARACTERS = 1_048_576
MAX_STEPS = 50
MAX_PARAMETERS = 200
MAX_CONDITIONS = 200
MAX_PROPERTY_FILES = 10
MAX_JSON_GETS = 200


def check_definition(definition: str) -> list[str]:
    """What AWS would refuse in a definition (JSON text): one line for each; [] if nothing."""
    document = json.loads(definition)
    steps = list(walk(document["Steps"]))
    return [
        *_quotas(definition, document, steps),
        *(line for step in steps for line in _step_problems(step)),
        *_references(document, steps),
    ]


def check_candidate(config: EvaluationConfig) -> list[str]:
    """What AWS would refuse of the endpoint that a candidate is deployed to; [] if nothing."""
    if config.candidate is None:
        return []
    request = endpoint_config_request("named-by-the-job", config)
    return [
        f"candidate (CreateEndpointConfig): {problem[:300]}"
        for problem in problems("CreateEndpointConfig", request)
    ]


def check_architecture(config: EvaluationConfig) -> list[str]:
    """Both jobs run in one image, and an image is of one architecture; [] if they can."""
    wanted = architectures(config.infrastructure)
    if len(set(wanted.values())) == 1:
        return []
    listed = " and ".join(f"{key} needs linux/{name}" for key, name in wanted.items())
    return [f"{listed}, and infrastructure.image is one image: choose types of one architecture"]


def _step_problems(step: dict[str, Any]) -> Iterator[str]:
    name = step["Name"]
    if not re.fullmatch(r"[A-Za-z0-9\-_]{1,64}", name):
        yield f"step {name!r}: a name has 1 to 64 letters, digits, hyphens and underscores"
    for key, limit in {"DisplayName": 256, "Description": MAX_DESCRIPTION}.items():
        text = step.get(key, "")
        if len(text) > limit or "\n" in text:
            yield f"step {name}: {key} has one line of at most {limit} characters"
    if step["Type"] not in OPERATIONS:
        return
    operation, added = OPERATIONS[step["Type"]]
    shape = sagemaker().operation_model(operation).input_shape
    arguments = _with_placeholders(step["Arguments"], shape)
    for problem in problems(operation, {**added, **arguments}):
        yield f"step {name} ({operation}): {problem}"


def _with_placeholders(value: Any, shape: Shape | None) -> Any:
    """`value` with each pipeline function replaced by something that its place accepts.

    What the function will really give is known only at run time, so it is not judged here.
    """
    if is_function(value):
        return _placeholder(shape)
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        return {k: _with_placeholders(v, shape.members.get(k)) for k, v in value.items()}
    if isinstance(shape, MapShape) and isinstance(value, dict):
        return {k: _with_placeholders(v, shape.value) for k, v in value.items()}
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [_with_placeholders(v, shape.member) for v in value]
    return value


def _placeholder(shape: Shape | None) -> Any:
    if shape is None:
        return "x"
    samples: dict[str, Any] = {"integer": 1, "long": 1, "float": 1.0, "double": 1.0}
    if shape.type_name in samples:
        return samples[shape.type_name]
    if shape.type_name == "boolean":
        return True
    enum = shape.metadata.get("enum")
    if enum:
        return enum[0]
    arn = "arn:aws:sagemaker:us-east-1:123456789012:model/x"
    candidates = ["s3://bucket/key", arn, "x", "1"]
    fits = [c for c in candidates if matches(shape.metadata.get("pattern", ".*"), c)]
    return fits[0] if fits else candidates[0]


def _quotas(
    definition: str, document: dict[str, Any], steps: list[dict[str, Any]]
) -> Iterator[str]:
    """Sources: API reference CreatePipeline; "Pipelines quotas" of the developer guide."""
    conditions = max((len(s["Arguments"].get("Conditions", [])) for s in steps), default=0)
    counted = [
        ("characters in the definition", len(definition), MAX_DEFINITION_CHARACTERS),
        ("steps", len(steps), MAX_STEPS),
        ("parameters", len(document["Parameters"]), MAX_PARAMETERS),
        ("conditions in one step", conditions, MAX_CONDITIONS),
        ("property files", sum(len(s.get("PropertyFiles", [])) for s in steps), MAX_PROPERTY_FILES),
        ("JsonGet functions", definition.count('"Std:JsonGet"'), MAX_JSON_GETS),
    ]
    for what, number, limit in counted:
        if number > limit:
            yield f"{number} {what}, more than the {limit} that SageMaker Pipelines takes"
    for parameter in document["Parameters"]:
        # EventBridge's pattern; StartPipelineExecution alone would take underscores too
        if not re.fullmatch(r"[a-zA-Z0-9](-*[a-zA-Z0-9])*", parameter["Name"]):
            yield f"parameter {parameter['Name']!r}: EventBridge takes letters, digits, hyphens"
        if len(str(parameter.get("DefaultValue", ""))) > 1024:
            yield f"parameter {parameter['Name']}: its default has more than 1,024 characters"


def _references(document: dict[str, Any], steps: list[dict[str, Any]]) -> Iterator[str]:
    names = [step["Name"] for step in steps]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"step {name}: the name stands twice"
    parameters = {parameter["Name"] for parameter in document["Parameters"]}
    for step in steps:
        for reference in gets(step["Arguments"]):
            kind, _, rest = reference.partition(".")
            target = rest.partition(".")[0]
            if kind == "Parameters" and target not in parameters:
                yield f"step {step['Name']}: there is no parameter {target}"
            if kind == "Steps" and target not in names:
                yield f"step {step['Name']}: there is no step {target}"
