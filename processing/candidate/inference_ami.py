"""InferenceAmiVersion: which NVIDIA driver a candidate's instances start with.

Older GPU families start with driver 470 (CUDA 11.4), on which images of today fail before they have
written a line of log (CannotStartContainerError). SageMaker changes no driver by itself. Source:
developer guide, "Best practices to minimize interruptions during GPU driver upgrades"; the families
for CUDA 13 are also in the SDK, sagemaker.serve.model_builder_servers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

CUDA_12 = "al2-ami-sagemaker-inference-gpu-3-1"
"""Driver 550, CUDA 12.4; a driver also runs images of older CUDA versions."""
CUDA_13 = "al2023-ami-sagemaker-inference-gpu-4-1"
"""Driver 580, CUDA 13.0."""
NONE = "none"
"""In evaluation.yaml: what SageMaker takes by itself."""

_START_WITH_DRIVER_470 = {"g4dn", "g5", "p4d", "p4de"}
_START_BELOW_CUDA_13 = _START_WITH_DRIVER_470 | {"g6", "g6e", "p5", "p5e", "p5en"}
_CUDA_13_IMAGE = re.compile(r"(^|[-_.])cu13\d([-_.]|$)")


def inference_ami_version(
    instance_type: str, given: str | None, images: Iterable[str] = ()
) -> str | None:
    """For a production variant; None where it needs none. `given` is the configuration's word.

    AWS's images say their CUDA version in the tag, as in `...-cu130-...`.
    """
    if given is not None:
        return None if given == NONE else given
    family = instance_type.removeprefix("ml.").partition(".")[0]
    tags = [image.rpartition("/")[2].partition(":")[2] for image in images]
    if family in _START_BELOW_CUDA_13 and any(_CUDA_13_IMAGE.search(tag) for tag in tags):
        return CUDA_13
    return CUDA_12 if family in _START_WITH_DRIVER_470 else None
