"""The processor architecture of the jobs' instances, which their image has to have, too.

botocore 1.44.5 lists no Arm instances for processing jobs; an arm64 image serves this machine.
"""

from __future__ import annotations

import re
from typing import Literal

from processing.config.infrastructure import Infrastructure

Architecture = Literal["amd64", "arm64"]  # as Docker calls them

# ml.m7g.large, ml.c6gn.xlarge: Graviton; ml.p6e-gb200.36xlarge: Grace
_ARM = re.compile(r"ml\.([a-z]+\d+g[a-z]*|[a-z]\d+e?-gb\d+)\.")


def architecture(instance_type: str) -> Architecture:
    return "arm64" if _ARM.match(instance_type) else "amd64"


def architectures(infrastructure: Infrastructure) -> dict[str, Architecture]:
    """By the key in evaluation.yaml, with its value."""
    machines = {"prepare": infrastructure.prepare, "evaluate": infrastructure.evaluate}
    return {
        f"infrastructure.{name}.instance_type {machine.instance_type}": architecture(
            machine.instance_type
        )
        for name, machine in machines.items()
    }
