"""The SDK's Pipeline, which also brings to S3 what its jobs need from this machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sagemaker.mlops.workflow.pipeline import Pipeline

from pipeline.definition.bundle import Bundle, send
from pipeline.definition.dataset_version import with_dataset_version
from pipeline.definition.descriptions import pipeline_description
from pipeline.definition.execution_name import name_execution
from pipeline.definition.package_group import put_group
from pipeline.definition.steps.processing_job import sdk_tags
from pipeline.definition.sweep_pipeline import update_sweep
from pipeline.definition.tied_experiment import moved_experiment


class EvaluationPipeline(Pipeline):  # type: ignore[misc]
    """A Pipeline that belongs to a configuration file."""

    def __init__(self, bundle: Bundle, **sdk_arguments: Any) -> None:
        super().__init__(**sdk_arguments)
        self.bundle = bundle

    def create(
        self,
        role_arn: str | None = None,
        description: str | None = None,
        tags: Any = None,
        parallelism_config: Any = None,
        **sdk_arguments: Any,
    ) -> dict[str, Any]:
        self._bring()
        created: dict[str, Any] = super().create(
            self._role(role_arn),
            self._description(description),
            self._tags(tags),
            parallelism_config,
            **sdk_arguments,
        )
        return created

    def update(
        self,
        role_arn: str | None = None,
        description: str | None = None,
        parallelism_config: Any = None,
    ) -> dict[str, Any]:
        self._bring()
        updated: dict[str, Any] = super().update(
            self._role(role_arn), self._description(description), parallelism_config
        )
        update_sweep(self.bundle, self.sagemaker_session)
        return updated

    def upsert(
        self,
        role_arn: str | None = None,
        description: str | None = None,
        tags: Any = None,
        parallelism_config: Any = None,
    ) -> dict[str, Any]:
        upserted: dict[str, Any] = super().upsert(
            self._role(role_arn),
            self._description(description),
            self._tags(tags),
            parallelism_config,
        )
        return upserted

    def start(
        self,
        parameters: Mapping[str, str | bool | int | float] | None = None,
        execution_display_name: str | None = None,
        execution_description: str | None = None,
        **sdk_arguments: Any,
    ) -> Any:
        """With a display name and a description that say what is evaluated, if none are given."""
        described = self.describe()
        named = name_execution(described, self.bundle, parameters or {})
        session = self.sagemaker_session.boto_session
        return super().start(
            with_dataset_version(session, described, self.bundle, parameters or {}),
            execution_display_name or named.display_name,
            execution_description or named.description,
            **{
                "mlflow_experiment_name": moved_experiment(described, parameters or {}),
                **sdk_arguments,
            },
        )

    def _bring(self) -> None:
        send(self.bundle, self.sagemaker_session.boto_session)
        put_group(self.sagemaker_session.sagemaker_client, self.bundle.config)

    def _description(self, given: str | None) -> str:
        return given or pipeline_description(self.bundle.config)

    def _tags(self, given: Any) -> Any:
        return given or sdk_tags(self.bundle.config.infrastructure) or None

    def _role(self, role_arn: str | None) -> str:
        return role_arn or self.bundle.config.infrastructure.pipeline_role
