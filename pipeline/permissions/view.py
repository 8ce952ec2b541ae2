"""`permissions show`: the policies as JSON, ready to be pasted."""

from __future__ import annotations

import json
from collections.abc import Iterator

from pipeline.definition.bundle import Bundle
from pipeline.permissions.roles import permissions_of
from processing.base.errors import LaunchError
from processing.config.capture import read_capture


def show_lines(bundle: Bundle, who: str | None) -> Iterator[str]:
    """All, each under its name; or the policy of one alone, as plain JSON. Raises LaunchError."""
    listed = {permissions.who: permissions for permissions in permissions_of(bundle)}
    if who is not None:
        if who not in listed:
            raise LaunchError(f"nobody is called {who!r} here; there are {', '.join(listed)}")
        yield json.dumps(listed[who].policy, indent=2)
        return
    for permissions in listed.values():
        yield f"# {permissions.who}: {permissions.role_arn or 'attach to who does it'}"
        if permissions.trust:
            yield f"# trust\n{json.dumps(permissions.trust, indent=2)}\n# policy"
        yield json.dumps(permissions.policy, indent=2)
    yield from _notes(bundle)


def _notes(bundle: Bundle) -> Iterator[str]:
    mlflow = bundle.config.mlflow
    if mlflow.is_managed and mlflow.artifact_location is None:
        yield (
            "# note: mlflow.artifact_location is not set, so this job policy has no right to where "
            "MLflow keeps artifacts; `permissions create` asks the App or tracking server for it"
        )
    dataset = bundle.config.dataset
    if dataset.from_capture and read_capture(dataset.source).s3 is None:
        yield (
            "# note: where the endpoint's calls are captured is not known without AWS, so these "
            "policies have no right to it; `permissions create` asks the endpoint"
        )
    if bundle.config.endpoint.asynchronous and not dataset.answers_given:
        yield (
            "# note: where the endpoint puts its results is not known without AWS, so these "
            "policies have no right to it; `permissions create` asks the endpoint"
        )
    candidate = bundle.config.candidate
    if candidate and not (candidate.model_data and candidate.images):
        yield (
            "# note: candidate.model_data (S3 prefixes) and candidate.images (in ECR) are not both "
            "set, so the model role gets no right to read what is missing"
        )
