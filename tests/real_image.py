"""The image that docker tests run in, or why there is none."""

from __future__ import annotations

import subprocess

from processing.base.code_digest import code_digest

IMAGE = "llm-evaluation:local"
_DIGEST = '{{index .Config.Labels "llm-evaluation.code-digest"}}'


def docker(*arguments: str, seconds: float = 120) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["docker", *arguments], capture_output=True, text=True, timeout=seconds, check=False
    )


def what_is_missing() -> str:
    """What has to be done before `make test` can run the docker tests; empty if nothing."""
    try:
        answered = docker("info", seconds=30).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        answered = False
    if not answered:
        return "Docker does not answer: start it, then make image"
    inspected = docker("image", "inspect", "--format", _DIGEST, IMAGE)
    if inspected.returncode:
        return f"there is no image {IMAGE}: make image"
    if inspected.stdout.strip() != code_digest():
        return f"the image {IMAGE} was built from other code: make image"
    return ""
