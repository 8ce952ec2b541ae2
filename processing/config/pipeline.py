"""`pipeline:`, what the pipeline is called in SageMaker."""

from __future__ import annotations

from pydantic import Field

from processing.config import patterns
from processing.config.section import Section


class PipelineSection(Section):
    """`cache`: for so long PrepareDataset is not run again on the same dataset, sample and seed."""

    # SageMaker documents 256 characters; sagemaker-python-sdk issue 2933 saw 82 enforced.
    name: str = Field(
        default="llm-evaluation", max_length=82, pattern=r"^[a-zA-Z0-9](-*[a-zA-Z0-9])*$"
    )
    description: str = Field(default="", max_length=3072)
    cache: str | None = Field(default=None, pattern=patterns.DURATION)
