"""`notify:`, who is told of each verdict."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from processing.config.section import Section

TopicArn = Annotated[
    str, Field(pattern=r"^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}$")
]
"""Of a standard topic: EventBridge has no FIFO topic as a rule's target."""

BusArn = Annotated[
    str,
    Field(pattern=r"^arn:aws[a-z-]*:events:[a-z0-9-]+:\d{12}:event-bus/[A-Za-z0-9._/-]{1,256}$"),
]


class Notify(Section):
    """An SNS topic, or an EventBridge bus, that gets one event for each verdict."""

    topic: TopicArn | None = None
    bus: BusArn | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.topic is None) == (self.bus is None):
            raise ValueError("needs topic: (the ARN of an SNS topic) or bus: (of an event bus)")
        if self.bus is not None and self.bus.endswith(":event-bus/default"):
            raise ValueError("bus: is the default bus, which has SageMaker's events already")
        return self

    @property
    def arn(self) -> str:
        return str(self.topic or self.bus)
