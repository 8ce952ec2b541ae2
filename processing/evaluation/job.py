"""What one run of EvaluateModel was asked to do: the file, and the pipeline's parameters."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from processing.base import container
from processing.base.errors import ConfigError
from processing.base.instance import file_stem, this_instance
from processing.base.secrets import TRACKING_INSTEAD, is_secret_text, masked
from processing.base.this_process import this_process
from processing.calls.paid_store import Store, key_of
from processing.config.endpoint import Endpoint
from processing.config.file import config_digest, load_config
from processing.config.judge import Judge
from processing.config.model import EvaluationConfig
from processing.config.stop_early import StopEarly
from processing.config.thresholds import ThresholdParameter, override, threshold_parameters
from processing.config.variation import VARIANT, read_variation
from processing.dataset.manifest import MANIFEST_FILE, Manifest, read_manifest_file
from processing.endpoint.client import MeasuredModel
from processing.evaluation.fingerprint import fingerprint
from processing.labels.label import Label
from processing.labels.sources import labels_of_file
from processing.mlflow_record.abandoned_runs import JOB_TAG, PIPELINE_TAG, PROCESS_TAG

NO_PACKAGE = "none"
"""ModelPackageArn's default, which stands for no model package: an endpoint is evaluated."""


@dataclass(frozen=True)
class EvaluationJob:
    """`config_file` is evaluation.yaml; beside it are whatever files it names.

    With a `model_package_arn` a candidate is evaluated: `endpoint` is then the one that it has been
    deployed to, if it is `deployed` yet.
    """

    config: EvaluationConfig
    config_file: Path
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
    model_package_arn: str | None = None
    deployed: bool = False
    only_tries_mlflow: bool = False
    reevaluate: bool = False
    labels: Sequence[Label] = ()
    measures: bool = False

    @property
    def stop_early(self) -> StopEarly:
        """The file's; without a word of it, what is run to measure is measured to its end.

        That is a run of `try` or `evaluate()` (`measures`), and of one variant among several.
        """
        chosen = self.config.stop_early
        asked_for = "stop_early" in self.config.model_fields_set
        if (self.measures or VARIANT in self.varied) and not asked_for:
            return StopEarly(mode="none")
        return chosen

    @property
    def may_stop(self) -> bool:
        """Whether the run may end before every row has been asked."""
        return self.config.budgets.capped or self.stop_early.mode != "none"

    @property
    def config_folder(self) -> Path:
        return self.config_file.parent

    @property
    def dataset_sha256(self) -> str:
        return self.manifest.sha256

    @property
    def run_name(self) -> str:
        """What is evaluated, on which rows, and the execution that does it."""
        package = (self.model_package_arn or "").partition(":model-package/")[2]
        execution = self.execution_arn.rpartition("/")[2]
        name = f"{package or self.endpoint.name} on {self.manifest.title}"
        if self.config.dataset.answers_given:
            name = f"answers of {self.manifest.title}"
        if variant := self.varied.get(VARIANT):
            name = f"{variant}: {name}"
        return f"{name} ({execution})" if execution else name

    @property
    def prepared_rows(self) -> str:
        """Where they lie, `s3://...` as long as SageMaker says so."""
        manifest = container.input_uri("manifest")  # there if several instances share the rows
        return (
            manifest.removesuffix(f"/{MANIFEST_FILE}")
            or container.input_uri("dataset")
            or str(self.dataset.resolve())
        )

    @property
    def varied(self) -> dict[str, str]:
        """What this run varies of somebody's evaluation.yaml: key path -> value."""
        return read_variation(self.config_file)

    def params(self) -> dict[str, object]:
        """The MLflow run's parameters. Some of MLflow's pages sort them by name."""
        judge = self.config.judge
        return {
            "dataset.source": self.manifest.source,
            "dataset.rows": self.manifest.counts.written,
            "dataset.sample_size": self.manifest.sample_size,
            "dataset.seed": self.manifest.seed,
            "dataset.answers": self.config.dataset.answers,
            "endpoint.name": self.endpoint.name,
            "endpoint.format": self.endpoint.format,
            "endpoint.parameters": json.dumps(self.endpoint.parameters, ensure_ascii=False),
            "endpoint.prompt": self.endpoint.prompt,
            "endpoint.system_prompt": self.endpoint.system_prompt or "",
            "judge.model": judge.model if judge else "none",
            "judge.parameters": json.dumps(_sent(judge), ensure_ascii=False),
            **({"labels": self.config.labels} if self.config.labels else {}),
            "scorers": ", ".join(spec.name for spec in self.config.scorers),
            **{f"threshold.{p.name}": p.bound for p in self.thresholds},
            **{f"varied.{key}": value for key, value in self.varied.items()},
        }

    def tags(self, model: MeasuredModel) -> dict[str, str]:
        """The MLflow run's tags."""
        return {
            PIPELINE_TAG: self.config.pipeline.name,
            JOB_TAG: container.job_arn(),
            **({} if container.job_arn() else {PROCESS_TAG: this_process()}),
            "pipeline_execution_arn": self.execution_arn,
            "endpoint_arn": model.endpoint_arn,
            "model_name": model.model_name,
            "source_uri": model.source_uri,
            "dataset_sha256": self.dataset_sha256,
            "config_sha256": self.config_sha256,
            "evaluation_fingerprint": self.fingerprint(model.identity),
        }

    def fingerprint(self, model_identity: str) -> str:
        """Of the evaluation of that model by this job."""
        return fingerprint(
            model_identity=model_identity,
            dataset_sha256=self.dataset_sha256,
            config_sha256=self.config_sha256,
            thresholds=self.thresholds,
        )


def _sent(judge: Judge | None) -> dict[str, Any]:
    """What each of its calls has besides the messages; by model where several judge."""
    if judge is None or not judge.panel:
        return judge.sent_parameters if judge else {}
    return {each.model: each.sent_parameters for each in judge.panel}


def read_arguments(argv: Sequence[str] | None, description: str | None) -> EvaluationJob:
    """Parse the container's arguments, which are the step's, and read the files they name.

    Raises ConfigError or DatasetError.
    """
    arguments = _parser(description).parse_args(argv)
    config = load_config(arguments.config)
    manifest = read_manifest_file(arguments.manifest or arguments.dataset / MANIFEST_FILE)
    package = arguments.model_package_arn
    labels, labels_sha256 = labels_of_file(config, arguments.config.parent)
    config_sha256 = config_digest(arguments.config, config)
    return EvaluationJob(
        config=config,
        config_file=arguments.config,
        endpoint=_endpoint(config.endpoint, arguments),
        model_package_arn=None if package in ("", NO_PACKAGE) else package,
        deployed=arguments.deployed_endpoint is not None,
        only_tries_mlflow=arguments.only_try_mlflow,
        reevaluate=arguments.reevaluate == "yes",
        thresholds=override(
            threshold_parameters(config.thresholds), arguments.threshold, config.scorers
        ),
        dataset=arguments.dataset,
        output=arguments.output,
        store=Store(
            folder=arguments.store,
            job=file_stem(container.job_name(), this_instance()),
            uri=arguments.store_uri,
            reuse=arguments.reuse == "yes",
        ),
        tracking_uri=_tracking_uri(arguments.mlflow_tracking_uri or config.mlflow.tracking_uri),
        experiment=arguments.mlflow_experiment or config.mlflow.experiment,
        execution_arn=arguments.execution_arn,
        manifest=manifest,
        parts_uri=arguments.parts_uri,
        config_sha256=key_of([config_sha256, labels_sha256]) if labels_sha256 else config_sha256,
        labels=labels,
    )


def _tracking_uri(uri: str) -> str:
    """Raises ConfigError for one with a password: it would stand in the record and in reports."""
    if is_secret_text(uri):
        raise ConfigError(
            f"MlflowTrackingUri={masked(uri)} holds a password or token: {TRACKING_INSTEAD}"
        )
    return uri


def _endpoint(endpoint: Endpoint, arguments: argparse.Namespace) -> Endpoint:
    if arguments.deployed_endpoint:  # has one variant, and no inference components
        names = {"name": arguments.deployed_endpoint, "variant": None, "inference_component": None}
        return endpoint.model_copy(update=names)
    given = {"name": arguments.endpoint_name, "inference_component": arguments.inference_component}
    return endpoint.model_copy(update={k: v for k, v in given.items() if v})


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
    add("--model-package-arn", default=NO_PACKAGE, help="deploy and evaluate this instead")
    add("--reevaluate", choices=["yes", "no"], default="no",
        help="yes: also a candidate that has already been evaluated")  # fmt: skip
    add("--deployed-endpoint", help=argparse.SUPPRESS)  # of processing.candidate.run's own
    add("--only-try-mlflow", action="store_true", help=argparse.SUPPRESS)  # likewise
    add("--mlflow-tracking-uri", help="instead of mlflow.tracking_uri")
    add("--mlflow-experiment", help="instead of mlflow.experiment")
    add("--execution-arn", default="", help="the pipeline execution, for the record")
    add("--threshold", action="append", default=[], metavar="NAME=NUMBER",
        help="a threshold's pipeline parameter, e.g. MinCorrectness=0.8")  # fmt: skip
    return parser
