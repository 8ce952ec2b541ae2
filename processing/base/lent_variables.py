"""A job's variables, lent to the process of a command that asks as the job will ask.

`try` and `check --online` are typed on a machine with variables and a network of its own: what is
set there stays, and what leads through the jobs' network is not lent.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

_OF_THE_JOBS_NETWORK = re.compile(
    r"(?i:.*_proxy|.*ca_bundle|.*cert_file|.*cert_dir|.*path)|AWS_ENDPOINT_URL.*"
)

_lent: dict[str, str] = {}


def lend(variables: Mapping[str, str]) -> None:
    """Set them in this process, until `take_back`."""
    os.environ.update(variables)
    _lent.update(variables)


def lend_environment(environment: Mapping[str, str]) -> None:
    """Those of `infrastructure.environment` that hold here too."""
    lend(
        {
            name: value
            for name, value in environment.items()
            if name not in os.environ and not _OF_THE_JOBS_NETWORK.fullmatch(name)
        }
    )


def take_back() -> None:
    """Unset what was lent, unless somebody has set it anew: another file may follow."""
    for name, value in _lent.items():
        if os.environ.get(name) == value:
            del os.environ[name]
    _lent.clear()
