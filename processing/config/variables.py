"""Names of variables for the jobs' environment: those of `secrets:` and of `environment:`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeVar

from processing.base.code_digest import VARIABLE
from processing.base.secrets import DECLARED

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,255}")
_OURS = DECLARED.rpartition("_")[0] + "_"
_OF_THE_ROLE = re.compile(
    r"AWS_(ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN|PROFILE|CONTAINER_.*|ROLE_.*)"
)

Variables = TypeVar("Variables", bound=Mapping[str, object])


def require_variables(given: Variables) -> Variables:
    """Raises ValueError for a name that a processing job does not take, or that is taken."""
    for name in given:
        if not _NAME.fullmatch(name):
            raise ValueError(
                f"{name!r} is no name of a variable: letters, digits and underscores, and no digit "
                "first, as in OPENAI_API_KEY"
            )
        if name.startswith(_OURS) or name in ("OPT_ML", VARIABLE):
            raise ValueError(f"{name} is set by the pipeline itself; leave it out")
        if _OF_THE_ROLE.fullmatch(name):
            raise ValueError(
                f"{name} would have the job act as somebody else: it acts as "
                "infrastructure.job_role; leave it out"
            )
    return given
