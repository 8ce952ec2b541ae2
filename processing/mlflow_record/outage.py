"""MLflow away for a while: waited for, wherever in a run that happens, and not for ever.

Managed servers restart, and a run that has been paid for must not end with them. MLflow's own
retries know no end but their number, and hold up a job that SageMaker stops; here the time is
bounded for all threads together, and the waiting ends when the job does.
"""

from __future__ import annotations

import os
import re
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

from processing.base.errors import TrackingError
from processing.mlflow_record.errors import short_reason

OUTAGE_VARIABLE = "LLM_EVALUATION_MLFLOW_OUTAGE_SECONDS"
"""A variable of the environment: how long a server that has answered before is waited for."""

OUTAGE_SECONDS = 150.0
FIRST_CONTACT_SECONDS = 8.0
"""A server that has not answered yet may have a wrong address, and nothing is paid for yet."""

PAUSE_SECONDS = 2.0
QUIET_SECONDS = 3.0
"""An outage that is shorter is not worth a line."""

RACES = 5

_AWAY = re.compile(
    r"NewConnectionError|ConnectionRefused|Connection refused|ConnectTimeout|ReadTimeout|timed out"
    r"|timeout exception|Connection aborted|RemoteDisconnected|Connection reset|ProtocolError"
    r"|IncompleteRead|NameResolutionError|EndpointConnectionError|ProxyError"
    r"|too many (429|502|503|504) error responses|\b(502|503|504) Server Error"
    r"|\(HTTP (502|503|504)\)"
)

_DOING = {
    "log_batch": "writing parameters, metrics and tags",
    "set_tag": "writing tags",
    "log_inputs": "recording the dataset",
    "start_trace": "writing traces",
    "get_trace_info": "writing traces",
    "delete_traces": "writing traces",
    "log_spans": "writing traces",
    "link_traces_to_run": "writing traces",
    "search_traces": "reading the record back",
    "get_run": "reading the record back",
    "update_run_info": "ending the run",
    "search_runs": "looking for abandoned runs",
}

Result = TypeVar("Result")


def outage_seconds() -> float:
    """OUTAGE_SECONDS, or what the environment says."""
    return float(os.environ.get(OUTAGE_VARIABLE) or OUTAGE_SECONDS)


class Outage:
    """How long the server at `uri` has been away, and how long to wait. Safe between threads."""

    def __init__(self, uri: str, seconds: float = OUTAGE_SECONDS) -> None:
        self.uri = uri
        self._seconds = seconds
        self._reached = False
        self._since: float | None = None
        self._announced = False
        self._line = ""
        self._ended = threading.Event()
        self._lock = threading.Lock()

    @property
    def away(self) -> bool:
        """Whether the server is being waited for."""
        return self._since is not None

    @property
    def lost(self) -> bool:
        """Whether the server has been waited for in vain."""
        return bool(self._line)

    def reached(self) -> None:
        """The server is there: from now on an outage may last for the whole time."""
        self._reached = True

    def end(self) -> None:
        """Wait no longer: the job ends, and what is left to tell MLflow is told once or not."""
        self._ended.set()

    def survive(self, doing: str, call: Callable[[], Result]) -> Result:
        """`call`, made again while the server is away.

        Raises TrackingError when it has been away for too long, and whatever else `call` raises.
        """
        failed_first = None
        while True:
            try:
                result = call()
            except Exception as error:
                if not is_away(error):
                    raise
                failed_first = failed_first or time.monotonic()
                if not self._wait(failed_first):
                    if not self._reached:
                        raise
                    raise TrackingError(self._lost(doing, error)) from error
            else:
                if self._since is not None:
                    self._back()
                return result

    def _wait(self, failed_first: float) -> bool:
        """A pause, if there is time for one: in this outage, and for this call in any of them."""
        seconds = self._seconds if self._reached else min(FIRST_CONTACT_SECONDS, self._seconds)
        with self._lock:
            now = time.monotonic()
            self._since = self._since or now
            over = now - min(self._since, failed_first) >= seconds
            if now - self._since >= QUIET_SECONDS and not self._announced and self._reached:
                self._announced = True
                _say(f"MLflow does not answer: waiting up to {seconds:.0f} s for it")
        return not over and not self._ended.wait(min(PAUSE_SECONDS, seconds / 4))

    def _back(self) -> None:
        with self._lock:
            if self._since is not None and self._announced:
                _say(f"MLflow answers again, after {time.monotonic() - self._since:.0f} s")
            self._since, self._announced = None, False

    def _lost(self, doing: str, error: Exception) -> str:
        """The line for the first call that was lost, which is the one to be told of all of them."""
        with self._lock:
            away = time.monotonic() - (self._since or time.monotonic())
            self._line = self._line or (
                f"MLflow at {self.uri} was lost while {doing}: {short_reason(str(error))}, for "
                f"{away:.0f} s; every answer and verdict that was paid for is kept: start again "
                "when it answers, and nothing of that is asked a second time"
            )
            return self._line


class PatientStore:
    """MLflow's tracking store `inner`, each of whose calls survives an outage."""

    def __init__(self, inner: Any, outage: Outage) -> None:
        self._inner = inner
        self._outage = outage
        self._takes_datasets = True

    def __getattr__(self, name: str) -> Any:
        member = getattr(self._inner, name)
        if name.startswith("_") or not callable(member):
            return member
        doing = _DOING.get(name, f"asking it for {name}")
        return lambda *args, **options: self._outage.survive(
            doing, lambda: member(*args, **options)
        )

    def log_inputs(self, *args: Any, **options: Any) -> None:
        """Again where another evaluation is just writing the same dataset: then it is there.

        Two at once both find no dataset of that name, and of the two that are made one breaks a
        constraint of the database, whose words differ from one to the next. A server that takes no
        datasets is not asked again: nothing of the verdict rests on them.
        """
        from mlflow.exceptions import MlflowException

        if not self._takes_datasets:
            return
        log = self.__getattr__("log_inputs")
        for attempt in range(1, RACES + 1):
            try:
                log(*args, **options)
            except MlflowException as error:
                if attempt == RACES:
                    self._takes_datasets = False
                    _say(f"MLflow takes no datasets: {short_reason(str(error))}")
                    return
                time.sleep(0.1 * attempt)
            else:
                return


def is_away(error: Exception) -> bool:
    """Whether the server could not be reached, rather than having said no."""
    return _AWAY.search(f"{type(error).__name__}: {error}") is not None


def _say(line: str) -> None:
    # standard output is silenced while MLflow evaluates, since it advertises there
    print(line, file=sys.stderr, flush=True)
