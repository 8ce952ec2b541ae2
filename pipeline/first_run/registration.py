"""RegisterModel with SourceUri and cards of three sizes, and the message of GateFailed.

The steps are those of the real definition. Only EvaluateModel is a job that copies a made-up
evaluation.json, so that no model and no judge is paid for.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

from pipeline.definition.document import walk
from pipeline.definition.steps.processing_job import INPUT_FOLDER, OUTPUT_FOLDER
from pipeline.executions.launch import ExecutionStatus
from pipeline.first_run.execution import create, delete_below, first_reason, follow, refused, start
from pipeline.first_run.step import Cost, Differs, Refused, Step
from pipeline.first_run.throwaway import NAME
from pipeline.first_run.trial import Trial
from processing.base.s3 import bucket_and_key
from processing.endpoint.client import describe_model
from processing.report.evaluation_json import EVALUATION_FILE
from processing.report.model_card import OBSERVATION

CARDS = (1_000, 10_000, 50_000)
"""Characters. That of an evaluation has about ten thousand."""
SUMMARY = "made up by first-run, to see whether this text arrives"
_BY_JOB = (
    "write registration.by: job into the configuration (with infrastructure.register_role, which "
    "`permissions create` makes): then a job registers"
)
_JOB_SECONDS = 900


def registration_steps(trial: Trial) -> Iterator[Step]:
    """None with `registration.by: job`, whose definition has nothing of this."""
    if trial.bundle.config.registration.by == "job":
        return
    cards = ", ".join(f"{size:,}" for size in CARDS)
    machine = trial.bundle.config.infrastructure.prepare.instance_type
    yield Step(
        "RegisterModel",
        f"SourceUri in a step, and model cards of {cards} characters through JsonGet",
        Cost("1 job that copies a file", 5, f"1 {machine}"),
        lambda: _register(trial),
    )
    yield Step(
        "GateFailed",
        "JsonGet in the message of a Fail step",
        Cost("1 job that copies a file", 5, f"1 {machine}"),
        lambda: _fail(trial),
    )


def _register(trial: Trial) -> str:
    original = _find(trial, "RegisterModel")
    sizes = CARDS if "ModelCard" in original["Arguments"] else (0,)
    steps: list[dict[str, Any]] = []
    for size in sizes:
        register = _renamed(original, f"RegisterModel{size}")
        if size:
            register["Arguments"]["ModelCard"]["ModelCardContent"]["Std:JsonGet"]["Path"] = (
                f"cards.of_{size}"
            )
        if steps:
            register["DependsOn"] = [steps[-1]["Name"]]
        steps.append(register)
    status = _run(trial, "register", steps)
    packages = {step.name: step.outcome for step in status.steps if step.outcome}
    taken = [size for size in sizes if packages.get(f"RegisterModel{size}")]
    if not taken:
        told = refused("nothing was registered", status)
        raise Refused(f"{told}; or {_BY_JOB}" if "registration.by" not in str(told) else str(told),
                      told.words)  # fmt: skip
    for size in taken:
        _compare(trial, packages[f"RegisterModel{size}"], size)
    if taken == list(sizes):
        return f"registered with SourceUri and cards of {_listed(taken)} characters"
    if max(taken) < CARDS[1]:
        raise Refused(
            f"a card of {max(taken):,} characters is taken, one of {CARDS[1]:,} is not: {_BY_JOB}; "
            "or registration.model_card: false, which leaves the card out",
            first_reason(status),
        )
    return (
        f"registered with SourceUri and cards of {_listed(taken)} characters; larger ones are "
        f"refused: {first_reason(status)}"
    )


def _listed(sizes: list[int]) -> str:
    return ", ".join(f"{size:,}" for size in sizes)


def _compare(trial: Trial, arn: str, size: int) -> None:
    """Is what was registered what was sent? Raises Differs."""
    package = trial.sagemaker.describe_model_package(ModelPackageName=arn)
    wanted = {"SourceUri": _source(trial), "ModelCard": _details(_card(trial, size))}
    card = package.get("ModelCard", {}).get("ModelCardContent", "")
    found = {"SourceUri": package.get("SourceUri"), "ModelCard": _details(card)}
    for member, value in wanted.items():
        if found[member] != value:
            raise Differs(
                f"{member} of {arn} is not what was sent: {_BY_JOB}",
                f"{member}: {json.dumps(found[member])[:500]}",
            )


def _details(card: str) -> Any:
    """Of a card, what AWS has no reason to complete."""
    return json.loads(card).get("evaluation_details") if card else None


def _fail(trial: Trial) -> str:
    fail = _renamed(_find(trial, "GateFailed"), "GateFailed")
    fail.pop("DependsOn", None)
    status = _run(trial, "message", [fail])
    reason = next((step.reason for step in status.steps if step.name == "GateFailed"), "")
    if not reason:
        raise refused("GateFailed did not run", status)
    if SUMMARY not in reason:
        raise Differs(f"the message of GateFailed does not tell the reason: {_BY_JOB}", reason)
    return f"the execution is {status.status}, and says: {reason}"


def _find(trial: Trial, name: str) -> dict[str, Any]:
    return next(step for step in walk(trial.definition["Steps"]) if step["Name"] == name)


def _renamed(step: dict[str, Any], name: str) -> dict[str, Any]:
    return {**copy.deepcopy(step), "Name": name}


def _run(trial: Trial, what: str, steps: list[dict[str, Any]]) -> ExecutionStatus:
    """These steps behind an EvaluateModel that copies what they read."""
    name = f"{trial.made.name}-{what}"
    folder = trial.bundle.uri("config", name)
    bucket, key = bucket_and_key(f"{folder}/{EVALUATION_FILE}")
    trial.made.note(f"s3://{bucket}/{key}", lambda: delete_below(trial, folder))
    body = json.dumps(_report(trial, steps)).encode()
    trial.session.client("s3").put_object(Bucket=bucket, Key=key, Body=body)
    definition = {name: trial.definition[name] for name in ("Version", "Parameters")}
    create(trial, name, {**definition, "Steps": [_copying(trial, folder), *steps]})
    return follow(trial, start(trial, name, {}))


def _copying(trial: Trial, folder: str) -> dict[str, Any]:
    """EvaluateModel on the machine of PrepareDataset, with `cp` in place of our code."""
    step = _renamed(_find(trial, "EvaluateModel"), "EvaluateModel")
    arguments, prepare = step["Arguments"], _find(trial, "PrepareDataset")["Arguments"]
    arguments["ProcessingResources"] = prepare["ProcessingResources"]
    arguments["AppSpecification"] |= {
        "ContainerEntrypoint": ["cp"],
        "ContainerArguments": [
            f"{INPUT_FOLDER}/config/{EVALUATION_FILE}",
            f"{OUTPUT_FOLDER}/evaluation/{EVALUATION_FILE}",
        ],
    }
    [given] = [i for i in arguments["ProcessingInputs"] if i["InputName"] == "config"]
    given["S3Input"]["S3Uri"] = folder
    arguments["ProcessingInputs"] = [given]
    outputs = arguments["ProcessingOutputConfig"]
    outputs["Outputs"] = [o for o in outputs["Outputs"] if o["OutputName"] == "evaluation"]
    arguments["StoppingCondition"] = {"MaxRuntimeInSeconds": _JOB_SECONDS}
    return step


def _report(trial: Trial, steps: list[dict[str, Any]]) -> dict[str, Any]:
    """An evaluation.json with what the steps read of it, by JsonGet."""
    known = {
        "model.source_uri": _source(trial),
        "gate.summary": SUMMARY,
        **{f"cards.of_{size}": _card(trial, size) for size in CARDS},
    }
    report: dict[str, Any] = {}
    for path in _paths(steps):
        *folders, name = path.split(".")
        at = report
        for folder in folders:
            at = at.setdefault(folder, {})
        at[name] = known.get(path, NAME)
    return report


def _paths(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if "Std:JsonGet" in node:
            yield node["Std:JsonGet"]["Path"]
        node = list(node.values())
    if isinstance(node, list):
        for value in node:
            yield from _paths(value)


def _source(trial: Trial) -> str:
    return describe_model(trial.sagemaker, trial.bundle.config.endpoint).source_uri


def _card(trial: Trial, size: int) -> str:
    """A model card of that many characters, within the schema's limits; none of 0."""
    if not size:
        return ""
    metrics: list[dict[str, Any]] = []
    details = {
        "name": NAME,
        "evaluation_observation": "",
        "metric_groups": [{"name": "Quality", "metric_data": metrics}],
    }
    overview = {"model_creator": NAME, "model_artifact": [_source(trial)]}
    card = {"model_overview": overview, "evaluation_details": [details]}
    while size - len(json.dumps(card)) > OBSERVATION:
        name = f"metric {len(metrics)}"
        metrics.append({"name": name, "notes": "n" * 300, "type": "number", "value": 0.5})
    details["evaluation_observation"] = "o" * (size - len(json.dumps(card)))
    return json.dumps(card)
