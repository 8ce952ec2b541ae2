"""The CreateModelPackage request: the model that was measured, with its evaluation attached.

It is written once for both ways to register. The RegisterModel step fills it with functions that
Pipelines resolves (JsonGet), the job with what it has read in evaluation.json.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from processing.config.registration import Registration
from processing.report.evaluation_json import METADATA_KEYS


def package_request(
    registration: Registration,
    metrics: Sequence[str],
    *,
    approval_status: Any,
    evaluation_uri: Any,
    from_report: Callable[[str], Any],
) -> dict[str, Any]:
    """`metrics` are those that the package names as metadata.

    `from_report` gives a value of evaluation.json by its path, such as `model.source_uri`."""
    # Unverified on AWS: that JsonGet may give a text of some ten thousand characters.
    card = {
        "ModelCard": {
            "ModelCardContent": from_report("model_card"),
            "ModelCardStatus": "PendingReview",
        }
    }
    statistics = {"ContentType": "application/json", "S3Uri": evaluation_uri}
    return {
        "ModelPackageGroupName": registration.model_package_group,
        "ModelPackageDescription": registration.description or "Registered after its evaluation.",
        # never typed by hand: the evaluation looked up what stands behind the endpoint
        "SourceUri": from_report("model.source_uri"),
        "ModelApprovalStatus": approval_status,
        "ModelMetrics": {"ModelQuality": {"Statistics": statistics}},
        **(card if registration.model_card else {}),
        "ModelLifeCycle": {
            "Stage": registration.stage,
            "StageStatus": "Passed",
            "StageDescription": "Every threshold of its evaluation holds.",
        },
        "CustomerMetadataProperties": {
            key: from_report(f"metadata.{key}") for key in [*METADATA_KEYS, *metrics]
        },
    }
