"""Passwords, keys and tokens: found by name and by shape, refused where given, masked where shown.

What stands in evaluation.yaml or in a parameter is uploaded, recorded and shown; secrets belong in
Secrets Manager or Parameter Store, from where the job reads those that `secrets:` names.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import quote

MASK = "***"
SHORTEST = 8
"""A value of the environment with fewer characters is no secret, and would mask ordinary words."""
SHORTEST_DECLARED = 4
"""The same for a variable that is said to hold a secret."""
DECLARED = "LLM_EVALUATION_SECRETS"
"""A variable of the job's environment: which of its variables hold secrets, whatever their names.
"""

Location = tuple[str | int, ...]

_SHAPES = re.compile(
    r"\b(?:sk-[\w-]{16,}|(?:AKIA|ASIA)[A-Z0-9]{16}|eyJ[\w-]{8,2000}\.[\w-]{8,}(?:\.[\w-]*)?"
    r"|gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|hf_[A-Za-z0-9]{20,}"
    r"|xox[abprs]-[\w-]{10,}|AIza[\w-]{30,})"
)
_SHAPE_BEGINS = (
    "sk-", "AKIA", "ASIA", "eyJ", "gho_", "ghp_", "ghr_", "ghs_", "ghu_", "github_pat_", "glpat-",
    "hf_", "xox", "AIza",
)  # fmt: skip
_NAMES = (
    r"(?:[\w.-]{0,40}(?:password|passwd|secret|signature|api[_-]?key|access[_-]?key)[\w.-]{0,20}"
    r"|(?:[\w.-]{0,40}[_.-])?token|authorization)"
)
_ASSIGNS = r"(?:=|[\"']:\s?[\"'])"
_IN_ADDRESS = re.compile(r"(?<=://)[^\s/@]{1,2000}@")
_ASSIGNED = re.compile(
    rf"((?<![\w.-]){_NAMES}{_ASSIGNS})(?:(?:Bearer|Basic)\s)?[^\s\"',;&}}]+",
    re.IGNORECASE,
)
_MAY_BE_ASSIGNED = re.compile(
    r"(?=[psta])(?:pass(?:word|wd)|s(?:ecret|ignature)|token"
    rf"|a(?:uthorization|(?:pi|ccess)[_-]?key))[\w.-]{{0,20}}{_ASSIGNS}",
    re.IGNORECASE,
)
"""In every text in which _ASSIGNED is, and found in a fifth of the time: by a name's own letters,
where _ASSIGNED tries 40 characters before them at the start of each word."""
_BEARER = re.compile(r"(\b(?:Bearer|Basic)\s)[\w.~+/=-]{8,}")


def masked(text: str) -> str:
    """`text` without what looks like a secret, and without the environment's secrets."""
    return masking()(text)


def masking() -> Callable[[str], str]:
    """`masked`, for several texts at once: the environment is looked at only now."""
    values = _of_environment()
    return lambda text: _without_shapes(_without(values, text))


def without_own_secrets(text: str) -> str:
    """`text` without the environment's secrets, and else as it is: a verdict's JSON stays JSON."""
    return _without(_of_environment(), text)


def _without(values: Sequence[str], text: str) -> str:
    for value in values:
        text = text.replace(value, MASK)
    return text


@lru_cache(maxsize=10_000)
def is_secret_name(name: str) -> bool:
    """`api_key`, `apiKey`, `Authorization`, `HF_TOKEN`; not `max_tokens` or `stop_token_ids`."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    words = [word for word in re.split(r"[^a-z0-9]+", spaced.lower()) if word] or [""]
    last, before = words[-1], words[-2] if len(words) > 1 else ""
    if last == "token":  # not eos_token, pad_token, stop_token: those are words of a model
        return before not in ("eos", "bos", "pad", "unk", "sep", "cls", "mask", "stop", "end")
    if last in ("key", "keys"):
        return before in ("api", "access", "secret", "private", "subscription", "account")
    return last in _SECRET_WORDS or "secret" in words


_SECRET_WORDS = {
    "password", "passwd", "passphrase", "authorization", "apikey", "credential", "credentials",
}  # fmt: skip


def secrets_in(document: Any, location: Location = ()) -> Iterator[tuple[Location, str]]:
    """Where a YAML or JSON document holds what looks like a secret, and what to do instead."""
    if isinstance(document, dict):
        for key, value in document.items():
            at = (*location, key)
            if at == ("secrets",):  # it takes nothing but ARNs
                continue
            if isinstance(value, str) and is_secret_name(str(key)) and _may_be_one(value):
                yield at, f"is a secret by its name; {_instead(at)}"
            else:
                yield from secrets_in(value, at)
    elif isinstance(document, list):
        for number, value in enumerate(document):
            yield from secrets_in(value, (*location, number))
    elif isinstance(document, str) and is_secret_text(document):
        yield location, f"holds what looks like a password, key or token; {_instead(location)}"


def is_secret_text(text: str) -> bool:
    return _without_shapes(text) != text


def _without_shapes(text: str) -> str:
    """Each pattern is tried only where its own letters are: this runs on all that judges say."""
    if "://" in text:
        text = _IN_ADDRESS.sub(f"{MASK}@", text)
    if _MAY_BE_ASSIGNED.search(text):
        text = _ASSIGNED.sub(rf"\1{MASK}", text)
    if "Bearer" in text or "Basic" in text:
        text = _BEARER.sub(rf"\1{MASK}", text)
    if any(begin in text for begin in _SHAPE_BEGINS):
        text = _SHAPES.sub(MASK, text)
    return text


def _may_be_one(value: str) -> bool:
    return bool(value.strip()) and not value.startswith("arn:")


def _instead(location: Location) -> str:
    if location[:1] == ("mlflow",):
        return TRACKING_INSTEAD
    return (
        "leave it out: what stands here is uploaded and recorded; keep it in Secrets Manager or "
        "Parameter Store and name its ARN under secrets: (secrets: {OPENAI_API_KEY: arn:...}), "
        "from where the job reads it into its environment"
    )


TRACKING_INSTEAD = (
    "give the address without it: MLflow reads MLFLOW_TRACKING_USERNAME and "
    "MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN, from the environment, where secrets: "
    "brings them for the job"
)


def _of_environment() -> list[str]:
    """Longest first, so that none is cut by another that it holds."""
    declared = os.environ.get(DECLARED, "").split(",")
    found = {
        form
        for name in os.environ  # their values are decoded at each look: of few only
        if name in declared or is_secret_name(name)
        for form in (_forms(os.environ[name]) if name in declared else [os.environ[name]])
        if len(form) >= (SHORTEST_DECLARED if name in declared else SHORTEST)
    }
    return sorted(found, key=len, reverse=True)


def _forms(value: str) -> list[str]:
    """As it is, each of its lines, inside JSON, and inside an address."""
    return [value, *value.splitlines(), json.dumps(value)[1:-1], quote(value, safe="")]
