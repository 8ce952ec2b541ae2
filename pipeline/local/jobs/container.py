"""One instance of a processing job: what it is to run, and what the runner of it must offer.

`process_runner` runs it as a plain process, `docker_runner` in the job's image.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

LineWriter: TypeAlias = Callable[[str], None]


class JobFault(Exception):
    """The instance could not be run; the message becomes the job's FailureReason.

    It starts as SageMaker's do: `ClientError:` (not retried), `CapacityError:`,
    `ResourceLimitExceeded:` or `InternalServerError:`.
    """


@dataclass(frozen=True)
class Container:
    """What one instance runs.

    `command` is ContainerEntrypoint followed by ContainerArguments. `opt_ml` is the folder on this
    machine that the code must see as /opt/ml. `scratch` is its private folder for TMPDIR.
    """

    job_name: str
    host: str
    image_uri: str
    entrypoint: tuple[str, ...]
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    opt_ml: Path
    scratch: Path
    network_isolated: bool
    instance_type: str


class RunningContainer(Protocol):
    """A started instance; all three may be called from different threads."""

    def wait(self) -> int:
        """Blocks until every line is written and the process is gone; returns its exit code."""
        ...

    def terminate(self) -> None:
        """Sends SIGTERM to the whole process group, if it still runs."""
        ...

    def kill(self) -> None:
        """Sends SIGKILL to the whole process group, if it still runs."""
        ...


JobRunner: TypeAlias = Callable[[Container, LineWriter], RunningContainer]
