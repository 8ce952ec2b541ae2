"""The SDK's Pipeline, which also brings to S3 what its jobs need from this machine."""

from __future__ import annotations

from typing import Any

from sagemaker.mlops.workflow.pipeline import Pipeline

from pipeline.bundle import Bundle, send
from pipeline.processing_step import sdk_tags


class EvaluationPipeline(Pipeline):  # type: ignore[misc]
    """A Pipeline that belongs to a configuration file."""

    def __init__(self, bundle: Bundle, **sdk_arguments: Any) -> None:
        super().__init__(**sdk_arguments)
        self.bundle = bundle

    def create(self, role_arn: str | None = None, *args: Any, **kwargs: Any) -> dict[str, Any]:
        send(self.bundle, self.sagemaker_session.boto_session)
        created: dict[str, Any] = super().create(self._role(role_arn), *args, **kwargs)
        return created

    def update(self, role_arn: str | None = None, *args: Any, **kwargs: Any) -> dict[str, Any]:
        send(self.bundle, self.sagemaker_session.boto_session)
        updated: dict[str, Any] = super().update(self._role(role_arn), *args, **kwargs)
        return updated

    def upsert(
        self,
        role_arn: str | None = None,
        description: str | None = None,
        tags: Any = None,
        parallelism_config: Any = None,
    ) -> dict[str, Any]:
        config = self.bundle.config
        upserted: dict[str, Any] = super().upsert(
            self._role(role_arn),
            description or config.pipeline.description or None,
            tags or sdk_tags(config.infrastructure) or None,
            parallelism_config,
        )
        return upserted

    def _role(self, role_arn: str | None) -> str:
        return role_arn or self.bundle.config.infrastructure.pipeline_role
