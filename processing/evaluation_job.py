"""What one run of EvaluateModel was asked to do: the file, and the pipeline's parameters."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from processing import container
from processing.config import Endpoint, EvaluationConfig
from processing.config_file import config_digest, load_config
from processing.dataset import MANIFEST_FILE, Manifest, read_manifest_file
from processing.endpoint import MeasuredModel
from processing.instances import file_stem, this_instance
from processing.store import Store
from processing.thresholds import ThresholdParameter, override, threshold_parameters


@dataclass(frozen=True)
class EvaluationJob:
    """`config_folder` holds evaluation.yaml and whatever files it names."""

    config: EvaluationConfig
    config_folder: Path
    endpoint: Endpoint
    thresholds: list[ThresholdParameter]
    dataset: Path
    output: Path
    store: Store
    tracking_uri: str
    experiment: str
    execution_arn: str
    manifest: Manifest
    parts_uri: str | None
    config_sha256: str

    @property
    def dataset_sha256(self) -> str:
        return self.manifest.sha256

    @property
    def run_name(self) -> str:
        return f"{self.endpoint.name} {self.execution_arn.rpartition('/')[2]}".strip()

    def params(self, rows: int) -> dict[str, object]:
        """The MLflow run's parameters."""
        judge = self.config.judge
        return {
            "endpoint": self.endpoint.name,
            "endpoint_format": self.endpoint.format,
            "endpoint_parameters": self.endpoint.parameters,
            "system_prompt": self.endpoint.system_prompt or "",
            "judge": judge.model if judge else "none",
            "judge_parameters": judge.parameters if judge else {},
            "scorers": ", ".join(spec.name for spec in self.config.scorers),
            "dataset_source": self.config.dataset.source,
            "rows": rows,
            **{f"threshold_{p.name}": p.bound for p in self.thresholds},
        }

    def tags(self, model: MeasuredModel) -> dict[str, str]:
        """The MLflow run's tags."""
        return {
            "pipeline_execution_arn": self.execution_arn,
            "endpoint_arn": model.endpoint_arn,
            "model_name": model.model_name,
            "source_uri": model.source_uri,
            "dataset_sha256": self.dataset_sha256,
            "config_sha256": self.config_sha256,
        }


def read_arguments(argv: Sequence[str] | None, description: str | None) -> EvaluationJob:
    """Parse the container's arguments, which are the step's, and read the files they name.

    Raises ConfigError or DatasetError.
    """
    arguments = _parser(description).parse_args(argv)
    config = load_config(arguments.config)
    manifest = read_manifest_file(arguments.manifest or arguments.dataset / MANIFEST_FILE)
    names = {"name": arguments.endpoint_name, "inference_component": arguments.inference_component}
    return EvaluationJob(
        config=config,
        config_folder=arguments.config.parent,
        endpoint=config.endpoint.model_copy(update={k: v for k, v in names.items() if v}),
        thresholds=override(threshold_parameters(config.thresholds), arguments.threshold),
        dataset=arguments.dataset,
        output=arguments.output,
        store=Store(
            folder=arguments.store,
            job=file_stem(container.job_name(), this_instance()),
            uri=arguments.store_uri,
            reuse=arguments.reuse == "yes",
        ),
        tracking_uri=arguments.mlflow_tracking_uri or config.mlflow.tracking_uri,
        experiment=arguments.mlflow_experiment or config.mlflow.experiment,
        execution_arn=arguments.execution_arn,
        manifest=manifest,
        parts_uri=arguments.parts_uri,
        config_sha256=config_digest(arguments.config, config),
    )


def _parser(description: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m processing.evaluate", description=description)
    add = parser.add_argument
    add("--config", type=Path, default=container.CONFIG_FILE)
    add("--dataset", type=Path, default=container.PREPARED_DATASET, help="dataset.jsonl's folder")
    add("--manifest", type=Path, help="manifest.json (default: the one in --dataset)")
    add("--parts-uri", help="where several instances put their parts together (s3://...)")
    add("--output", type=Path, default=container.EVALUATION_OUTPUT)
    add("--store", type=Path, default=container.STORE_OUTPUT, help="answers and verdicts, kept")
    add("--store-uri", help="where earlier jobs' answers and verdicts are (s3://...)")
    add("--reuse", choices=["yes", "no"], default="yes", help="no: pay for everything again")
    add("--endpoint-name", help="instead of endpoint.name")
    add("--inference-component", help="instead of endpoint.inference_component")
    add("--mlflow-tracking-uri", help="instead of mlflow.tracking_uri")
    add("--mlflow-experiment", help="instead of mlflow.experiment")
    add("--execution-arn", default="", help="the pipeline execution, for the record")
    add("--threshold", action="append", default=[], metavar="NAME=NUMBER",
        help="a threshold's pipeline parameter, e.g. MinCorrectness=0.8")  # fmt: skip
    return parser
