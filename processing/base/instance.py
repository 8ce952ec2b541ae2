"""Which of a processing job's instances this one is.

Source: SageMaker developer guide, "How Amazon SageMaker Processing configures your container",
/opt/ml/config/resourceconfig.json.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from processing.base import container
from processing.base.errors import InstanceError

RESOURCE_CONFIG = container.OPT_ML / "config" / "resourceconfig.json"


@dataclass(frozen=True)
class Instance:
    """`current` is one of `hosts`, which all instances have in the same order."""

    current: str
    hosts: tuple[str, ...]

    @property
    def leader(self) -> str:
        return self.hosts[0]

    @property
    def is_leader(self) -> bool:
        return self.current == self.leader

    @property
    def is_alone(self) -> bool:
        return len(self.hosts) == 1

    @property
    def others(self) -> tuple[str, ...]:
        return tuple(host for host in self.hosts if host != self.current)


def this_instance() -> Instance:
    """Alone where there is no resourceconfig.json, which is outside SageMaker.

    Raises InstanceError for one that does not say who is who.
    """
    try:
        text = RESOURCE_CONFIG.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Instance("algo-1", ("algo-1",))
    try:
        told = json.loads(text)
        instance = Instance(str(told["current_host"]), tuple(sorted(map(str, told["hosts"]))))
    except (ValueError, KeyError, TypeError) as error:
        raise InstanceError(f"{RESOURCE_CONFIG} cannot be read: {error!r}: {text[:200]}") from error
    if instance.current not in instance.hosts or len(set(instance.hosts)) != len(instance.hosts):
        raise InstanceError(
            f"{RESOURCE_CONFIG}: {instance.current} is not one of {', '.join(instance.hosts)}"
        )
    return instance


def file_stem(job: str, instance: Instance) -> str:
    """What this instance's files in the store are called, so that no other's are written over."""
    return job if instance.is_alone else f"{job}-{instance.current}"
