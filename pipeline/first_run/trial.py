"""What the steps share: the account, the configuration, and the throwaway copy of its pipeline."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pipeline.definition.bundle import Bundle
from pipeline.first_run.throwaway import Throwaway

if TYPE_CHECKING:
    from boto3 import Session
    from sagemaker.mlops.workflow.pipeline import Pipeline


@dataclass(frozen=True)
class Trial:
    """`candidate` is the ARN of a model package to deploy and stop, if one was given."""

    session: Session
    sagemaker: Any
    bundle: Bundle
    made: Throwaway
    candidate: str | None
    poll_seconds: float
    say: Callable[[str], None]

    @property
    def group(self) -> str:
        """The throwaway model package group."""
        return self.made.name

    @functools.cached_property
    def pipeline(self) -> Pipeline:
        """The whole pipeline of the configuration, under another name and for another group.

        The jobs read evaluation.yaml as it is, so what they make bears the names that their roles
        have rights to.
        """
        from pipeline.definition.build import build

        config = self.bundle.config
        group = {"model_package_group": self.group}
        changed = config.model_copy(
            update={
                "pipeline": config.pipeline.model_copy(update={"name": self.made.name}),
                "registration": config.registration.model_copy(update=group),
            }
        )
        return build(replace(self.bundle, config=changed))

    @functools.cached_property
    def definition(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.pipeline.definition())
        return document
