"""The pipeline execution operations of SageMaker: start, stop, retry, describe and list.

Executions are kept here, in memory, and each runs in threads of this process.
"""

from __future__ import annotations

import datetime as dt
import json
import secrets
import string
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pipeline.local.events.events import EventBus
from pipeline.local.jobs.processing_jobs import ProcessingJobs
from pipeline.local.sagemaker.cache import StepCache
from pipeline.local.sagemaker.definition import Definition
from pipeline.local.sagemaker.execution import Execution, Request
from pipeline.local.sagemaker.expressions import evaluate
from pipeline.local.sagemaker.parameters import ParameterError, resolve
from pipeline.local.sagemaker.pipelines import find_pipeline, parse_definition
from pipeline.local.sagemaker.refusals import Refusals
from pipeline.local.sagemaker.schedule import StepRecord
from pipeline.local.sagemaker.scope import ExecutionScope, iso
from pipeline.local.sagemaker.steps import StepContext
from pipeline.local.server.api import Call, Clients, Operation, paginate, time_filter
from pipeline.local.server.aws_errors import AwsError, ResourceNotFound, ValidationException
from pipeline.local.server.json_path import ExpressionError

_ID_LETTERS = string.ascii_lowercase + string.digits
_NOT_SUPPORTED_AT_START = ("SelectiveExecutionConfig", "PipelineVersionId")


@dataclass
class Executions:
    """All executions of this local AWS, by ARN."""

    clients: Clients
    jobs: ProcessingJobs
    bus: EventBus
    refusals: Refusals
    _cache: StepCache = field(default_factory=StepCache)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _executions: dict[str, Execution] = field(default_factory=dict)
    _tokens: dict[tuple[str, str], str] = field(default_factory=dict)

    def operations(self) -> dict[str, Operation]:
        return {
            "StartPipelineExecution": self._start,
            "RetryPipelineExecution": self._retry,
            "StopPipelineExecution": self._stop,
            "DescribePipelineExecution": lambda call: describe(self._find(call)),
            "ListPipelineExecutions": self._list,
            "ListPipelineExecutionSteps": self._list_steps,
            "DescribePipelineDefinitionForExecution": self._describe_definition,
            "ListPipelineParametersForExecution": self._list_parameters,
        }

    def stop_all(self) -> None:
        """Stops what still runs, at once."""
        with self._lock:
            executions = list(self._executions.values())
        for execution in executions:
            try:
                execution.stop(grace_seconds=0)
            except AwsError:
                continue
        for execution in executions:
            execution.finished.wait(timeout=10)

    def _start(self, call: Call) -> dict[str, Any]:
        for feature in _NOT_SUPPORTED_AT_START:
            if feature in call.request:
                raise ValidationException(f"{feature} is not supported by the local AWS")
        pipeline = find_pipeline(call)
        token = (pipeline["PipelineArn"], call.request["ClientRequestToken"])
        with self._lock:
            if token in self._tokens:
                return {"PipelineExecutionArn": self._tokens[token]}
            execution = self._make(call, pipeline)
            self._executions[execution.request.arn] = execution
            self._tokens[token] = execution.request.arn
        execution.start()
        return {"PipelineExecutionArn": execution.request.arn}

    def _make(self, call: Call, pipeline: dict[str, Any]) -> Execution:
        text = pipeline["PipelineDefinition"]
        definition = parse_definition(text)
        given = call.request.get("PipelineParameters", [])
        scope = self._scope(definition, pipeline, given, call.region)
        request = Request(
            arn=scope.variables["PipelineExecutionArn"],
            pipeline_arn=pipeline["PipelineArn"],
            definition_text=text,
            parameters=_as_parameters(scope),
            display_name=call.request.get("PipelineExecutionDisplayName"),
            description=call.request.get("PipelineExecutionDescription"),
            parallelism=call.request.get("ParallelismConfiguration")
            or pipeline.get("ParallelismConfiguration"),
            mlflow_config=_mlflow_config(definition, scope, call.request),
        )
        return Execution(
            request,
            definition=definition,
            scope=scope,
            bus=self.bus,
            region=call.region,
            context=self._context_maker(scope, call),
        )

    def _scope(
        self,
        definition: Definition,
        pipeline: dict[str, Any],
        given: list[dict[str, str]],
        region: str,
    ) -> ExecutionScope:
        try:
            values = resolve(definition.parameters, given)
        except ParameterError as error:
            raise ValidationException(str(error)) from error
        execution_id = "".join(secrets.choice(_ID_LETTERS) for _ in range(12))
        variables = {
            "PipelineName": pipeline["PipelineName"],
            "PipelineArn": pipeline["PipelineArn"],
            "PipelineExecutionId": execution_id,
            "PipelineExecutionArn": f"{pipeline['PipelineArn']}/execution/{execution_id}",
            "StartDateTime": iso(dt.datetime.now(dt.UTC)),
        }
        return ExecutionScope(definition, values, variables, self.clients.get("s3", region))

    def _context_maker(
        self, scope: ExecutionScope, call: Call
    ) -> Callable[[Execution, StepRecord], StepContext]:
        def make(execution: Execution, record: StepRecord) -> StepContext:
            return StepContext(
                scope=scope,
                account=call.account,
                region=call.region,
                sagemaker=self.clients.get("sagemaker", call.region),
                jobs=self.jobs,
                cache=self._cache,
                refusals=self.refusals,
                job_started=execution.job_started,
                tell=record.metadata.update,
                cache_hit=lambda arn: setattr(record, "cached_from", arn),
            )

        return make

    def _find(self, call: Call) -> Execution:
        arn = call.request.get("PipelineExecutionArn", "")
        with self._lock:
            execution = self._executions.get(arn)
        if execution is None:
            raise ResourceNotFound(f"Pipeline execution with ARN {arn} does not exist")
        return execution

    def of_pipeline(self, pipeline_arn: str) -> list[Execution]:
        with self._lock:
            executions = list(self._executions.values())
        return [one for one in executions if one.request.pipeline_arn == pipeline_arn]

    def _stop(self, call: Call) -> dict[str, Any]:
        execution = self._find(call)
        execution.stop()
        return {"PipelineExecutionArn": execution.request.arn}

    def _retry(self, call: Call) -> dict[str, Any]:
        execution = self._find(call)
        if "ParallelismConfiguration" in call.request:
            raise ValidationException(
                "ParallelismConfiguration is not supported by the local AWS when retrying"
            )
        execution.retry()
        return {"PipelineExecutionArn": execution.request.arn}

    def _list(self, call: Call) -> dict[str, Any]:
        request = call.request
        pipeline = find_pipeline(call)
        kept = [
            execution
            for execution in self.of_pipeline(pipeline["PipelineArn"])
            if time_filter(request, "Created", execution.created)
        ]
        by_arn = request.get("SortBy") == "PipelineExecutionArn"
        kept.sort(
            key=lambda one: one.request.arn if by_arn else one.created.isoformat(),
            reverse=request.get("SortOrder", "Descending") == "Descending",
        )
        page, token = paginate(kept, request)
        return {"PipelineExecutionSummaries": [_summary(one) for one in page], **token}

    def _list_steps(self, call: Call) -> dict[str, Any]:
        steps = self._find(call).steps()
        if call.request.get("SortOrder", "Descending") == "Descending":
            steps.reverse()
        page, token = paginate(steps, call.request)
        return {"PipelineExecutionSteps": page, **token}

    def _describe_definition(self, call: Call) -> dict[str, Any]:
        execution = self._find(call)
        return {
            "PipelineDefinition": execution.request.definition_text,
            "CreationTime": execution.created,
        }

    def _list_parameters(self, call: Call) -> dict[str, Any]:
        page, token = paginate(self._find(call).request.parameters, call.request)
        return {"PipelineParameters": page, **token}


def describe(execution: Execution) -> dict[str, Any]:
    """The execution as DescribePipelineExecution shows it; None where there is no value."""
    request = execution.request
    return {
        "PipelineArn": request.pipeline_arn,
        "PipelineExecutionArn": request.arn,
        "PipelineExecutionDisplayName": request.display_name,
        "PipelineExecutionDescription": request.description,
        "PipelineExecutionStatus": execution.status,
        "FailureReason": execution.failure_reason,
        "CreationTime": execution.created,
        "LastModifiedTime": execution.modified,
        "ParallelismConfiguration": request.parallelism,
        "MLflowConfig": request.mlflow_config,
    }


def _summary(execution: Execution) -> dict[str, Any]:
    return {
        "PipelineExecutionArn": execution.request.arn,
        "StartTime": execution.created,
        "PipelineExecutionStatus": execution.status,
        "PipelineExecutionDescription": execution.request.description,
        "PipelineExecutionDisplayName": execution.request.display_name,
        "PipelineExecutionFailureReason": execution.failure_reason,
    }


def _as_parameters(scope: ExecutionScope) -> list[dict[str, str]]:
    return [
        {"Name": name, "Value": value if isinstance(value, str) else json.dumps(value)}
        for name, value in scope.parameters.items()
    ]


def _mlflow_config(
    definition: Definition, scope: ExecutionScope, request: dict[str, Any]
) -> dict[str, Any] | None:
    experiment = request.get("MlflowExperimentName")
    try:
        config = evaluate(dict(definition.mlflow_config or {}), scope)
    except ExpressionError as error:
        raise ValidationException(f"MlflowConfig: {error}") from error
    named = {"MlflowExperimentName": experiment} if experiment else {}
    return {**config, **named} or None
