"""What is made for the first run: named and tagged so that it is known, and always deleted.

with deleting(Throwaway()) as made:
    made.note("queue first-run-...", lambda: sqs.delete_queue(...))
    sqs.create_queue(...)
"""

from __future__ import annotations

import datetime as dt
import secrets
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from pipeline.permissions.roles import MADE_BY

NAME = "first-run"
_GONE = (
    "does not exist",
    "could not find",
    "cannot be found",
    "not found",
    "nosuch",
    "nonexistent",
)


@dataclass
class Throwaway:
    """`name` is that of all that is made, or begins it. `left` are what could not be deleted."""

    name: str = field(
        default_factory=lambda: f"{NAME}-{dt.datetime.now(dt.UTC):%m%d%H%M}-{secrets.token_hex(3)}"
    )
    left: list[str] = field(default_factory=list)
    _deletions: list[tuple[str, Callable[[], object]]] = field(default_factory=list)

    @property
    def tags(self) -> dict[str, str]:
        return {MADE_BY: NAME}

    @property
    def tag_list(self) -> list[dict[str, str]]:
        return [{"Key": key, "Value": value} for key, value in self.tags.items()]

    def note(self, what: str, delete: Callable[[], object]) -> None:
        """Before it is made, so that nothing is left if the answer to the call is lost.

        What has been noted already is deleted once, at its first place.
        """
        if what not in (noted for noted, _ in self._deletions):
            self._deletions.append((what, delete))

    def delete(self, say: Callable[[str], None]) -> None:
        """The newest first; one that cannot be deleted does not keep the others."""
        while self._deletions:
            what, delete = self._deletions.pop()
            try:
                delete()
            except Exception as error:  # noqa: BLE001 the others have to go all the same
                if not _is_gone(error):
                    self.left.append(f"{what}: {error}")
                    say(f"LEFT     {what}: {error}")
                continue
            say(f"deleted  {what}")


@contextmanager
def deleting(made: Throwaway, say: Callable[[str], None]) -> Iterator[Throwaway]:
    """Deletes what was noted when the block ends, however it ends; SIGTERM ends it as Ctrl-C does.

    A second Ctrl-C does not keep it from deleting.
    """
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield made
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        interrupt = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            made.delete(say)
        finally:
            signal.signal(signal.SIGINT, interrupt)
            signal.signal(signal.SIGTERM, before)


def _is_gone(error: Exception) -> bool:
    said = f"{type(error).__name__} {error}".lower()
    return any(words in said for words in _GONE)
