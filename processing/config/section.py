"""What all sections of evaluation.yaml have in common."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from processing.config import patterns

Share = Annotated[float, Field(ge=0, le=1)]
S3Uri = Annotated[str, Field(pattern=patterns.S3_URI)]


class Section(BaseModel):
    """One section of the file. Unknown keys are errors, and nothing changes after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)
