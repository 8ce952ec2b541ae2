"""The MLflow experiment that SageMaker shows beside an execution whose pipeline is tied to MLflow.

The definition names the file's experiment. The parameter MlflowExperiment moves the runs, and
StartPipelineExecution's MlflowExperimentName moves what Studio shows. A rule's target has only
parameters, so executions that EventBridge starts stay tied to the file's experiment.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

PARAMETER = "MlflowExperiment"


def moved_experiment(pipeline: Mapping[str, Any], given: Mapping[str, Any]) -> str | None:
    """The experiment to name at start; None if none is given, or the pipeline is not tied.

    `pipeline` is DescribePipeline's answer.
    """
    tied = json.loads(str(pipeline["PipelineDefinition"])).get("MlflowConfig")
    return str(given[PARAMETER]) if tied and given.get(PARAMETER) else None
