"""What SageMaker Runtime says to a call that no endpoint of its can take."""

from __future__ import annotations

from starlette.requests import Request

from pipeline.local.demo.endpoint.asynchronous import wrong_kind
from pipeline.local.demo.endpoint.behaviour import EndpointBehaviour
from pipeline.local.demo.endpoint.model_error import ACCOUNT

TARGET_VARIANT = "X-Amzn-SageMaker-Target-Variant"


def refusal_of(request: Request, name: str, behaviour: EndpointBehaviour | None) -> str:
    """The ValidationError message for a call to what does not exist; empty if all is well."""
    if behaviour is None:
        return f"Endpoint {name} of account {ACCOUNT} not found."
    if refusal := wrong_kind(request, name, behaviour.asynchronous):
        return refusal
    component = request.headers.get("X-Amzn-SageMaker-Inference-Component")
    if behaviour.inference_components and component is None:
        return (
            "Inference Component Name header is required for endpoints to which you plan to deploy "
            "inference components. Please include Inference Component Name header or consider "
            "using SageMaker models."
        )
    if component is not None and component not in behaviour.inference_components:
        return f"Inference Component {component} of account {ACCOUNT} not found."
    variant = request.headers.get(TARGET_VARIANT)
    if variant is not None and variant not in behaviour.variants:
        return f"Variant {variant} not found for Endpoint {name} of account {ACCOUNT}."
    return ""
