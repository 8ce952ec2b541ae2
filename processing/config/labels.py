"""`labels:` and `judges:`, what people say of answers, and how far judges must agree with them."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from processing.base.suggestion import did_you_mean
from processing.config.section import Section

FORMATS = (".csv", ".jsonl")
IN_MLFLOW = "mlflow"
"""Instead of a file: the feedback that people give in MLflow's page."""


def _is_labels_file(text: str) -> str:
    if text != IN_MLFLOW and not text.endswith(FORMATS):
        raise ValueError(
            f"must be a file of people's labels that ends in {' or '.join(FORMATS)}, beside this "
            f"file or in S3 (s3://bucket/labels.csv), or {IN_MLFLOW}, not {text!r}"
        )
    return text


LabelsFile = Annotated[str, Field(min_length=1), AfterValidator(_is_labels_file)]


class Judges(Section):
    """How well a judge has to agree with people before anything that it says can open the gate.

    `scorers`: whose judges; by default every scorer that asks one and can close the gate.
    """

    min_kappa: float = Field(default=0.6, ge=-1, le=1, allow_inf_nan=False)
    min_labels: int = Field(default=50, ge=2)
    scorers: list[str] | None = Field(default=None, min_length=1)

    def unknown(self, names: list[str]) -> str:
        """What is wrong with `scorers`, if it names one that is none; empty if nothing is."""
        wrong = [name for name in self.scorers or () if name not in names]
        if not wrong:
            return ""
        hint = did_you_mean(wrong[0], names)
        return f"no scorer is called {wrong[0]!r}{hint}; there are {', '.join(names)}"
