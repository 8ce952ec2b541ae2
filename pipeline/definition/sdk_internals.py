"""What is replaced inside the SageMaker SDK (3.27), which the SDK does not document.

tests/pipeline/definition/test_sdk_internals.py says by name what the SDK has changed.
"""

from __future__ import annotations

import functools
from typing import Any


@functools.cache
def validate_defaults_once() -> None:
    """Let the SDK validate the same `sagemaker_config` of a session once, and not at each look-up.

    One definition takes some 35 look-ups, and for each the SDK checks its own schema, too: that was
    2 s of the 3 s of processor time that it took to build a definition. Done once in a process.
    """
    from sagemaker.core.config.config_manager import SageMakerConfig

    validate = SageMakerConfig.validate_sagemaker_config
    valid: set[str] = set()

    def validate_new(sagemaker_config: dict[str, Any] | None = None) -> None:
        if (text := repr(sagemaker_config)) not in valid:
            validate(sagemaker_config)
            valid.add(text)

    SageMakerConfig.validate_sagemaker_config = staticmethod(validate_new)
