"""MLflow's errors as one line: the server, what it said, how to fix it."""

from __future__ import annotations

import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from processing.base.aws_hints import who_acts
from processing.base.errors import TrackingError
from processing.mlflow_record.internals import TRACE_SEARCH, search_traces_answer

_WHERE = "see mlflow.tracking_uri and MlflowTrackingUri"
_LONGEST_MESSAGE = 300
_REFUSED = r"PERMISSION_DENIED|UNAUTHENTICATED|AccessDenied|not authorized|error code 40[13]\b"
_OF_ANY = (
    (
        r"deleted experiment",
        "restore it (`mlflow experiments restore`), or name another in mlflow.experiment or "
        "MlflowExperiment",
    ),
    (
        r"not in a valid JSON format|error code 404",
        f"is it an MLflow server that answers? {_WHERE}",
    ),
    (
        r"failed with exception|Max retries exceeded|timed out",
        f"does a server run there, and can the job reach it (VPC, port)? {_WHERE}",
    ),
)
_OF_SAGEMAKER = (
    (
        r"S3UploadFailedError|NoSuchBucket|PutObject",
        "the job writes artifacts itself: name their place in mlflow.artifact_location, and "
        "`pipeline_definition.py permissions create` lets the job role write there",
    ),
    (
        _REFUSED,
        "who asks needs the right to: `pipeline_definition.py permissions show {who}` prints the "
        "policy",
    ),
    (
        r"error code 404|ResourceNotFound|does not exist",
        f"is there such an App or server, in this region and account? {_WHERE}",
    ),
    *_OF_ANY,
)
_OF_OTHERS = (
    (_REFUSED, f"it must let the jobs in without a login of their own; {_WHERE}"),
    *_OF_ANY,
)


@contextmanager
def told_by_mlflow(uri: str) -> Iterator[None]:
    """MLflow's exceptions within the block become TrackingErrors of one line."""
    from mlflow.exceptions import MlflowException
    from requests import RequestException  # what uploading an artifact raises as it is

    try:
        yield
    except (MlflowException, RequestException) as error:
        raise TrackingError(tracking_line(uri, str(error))) from error


def require_verdicts_can_be_kept(uri: str, experiment_id: str) -> None:
    """Raise TrackingError for a server before MLflow 3, which keeps traces without verdicts.

    MLflow's client would fall back to the older API without a word, and the record would turn out
    to be incomplete only when everybody has been paid.
    """
    answer = search_traces_answer(experiment_id)
    if answer is None:
        return
    if answer.status_code in (401, 403):
        said = f"error code {answer.status_code}: {' '.join(answer.text.split())}"
        raise TrackingError(tracking_line(uri, said))
    if answer.status_code in (404, 405, 501) and "RESOURCE_DOES_NOT_EXIST" not in answer.text:
        version = _version(uri)
        raise TrackingError(
            f"MLflow at {uri} is {f'version {version}' if version else 'too old'}: it knows no "
            f"{TRACE_SEARCH}, and the record needs MLflow 3 or newer: upgrade the server, "
            f"or {_WHERE}"
        )


_LOOKED_AT = 4_000


def tracking_line(uri: str, said: str) -> str:
    """`said` is MLflow's own message, of which the beginning is looked at."""
    said = said[:_LOOKED_AT]
    head = f"MLflow at {uri} cannot be used: {short_reason(said)}"
    for pattern, hint in _OF_SAGEMAKER if uri.startswith("arn:") else _OF_OTHERS:
        if re.search(pattern, said):
            return f"{head}; {hint.replace('{who}', who_acts())}"
    return f"{head}; {_WHERE}"


def short_reason(said: str) -> str:
    """Of a connection that failed only the last cause, without the pools and retries."""
    line = " ".join(said[:_LOOKED_AT].split())
    cause = re.search(r"Caused by (\w+)\((.*)\)", line)
    if cause:
        reason = cause[2].rpartition(": ")[2].strip("\"')( ")
        reason = re.sub(r"\s*\(?\[Errno -?\d+\] ", ": ", reason).lstrip(": ")
        return f"{reason or cause[1]} ({cause[1]})"
    return line[:_LONGEST_MESSAGE].rstrip(".")


def _version(uri: str) -> str:
    """What the server says it is; empty if it does not, or is an App, which is asked otherwise."""
    if not uri.startswith("http"):
        return ""
    try:
        with urllib.request.urlopen(f"{uri.rstrip('/')}/version", timeout=3) as answer:
            text = answer.read(40).decode("ascii", "replace").strip()
    except (urllib.error.URLError, OSError):
        return ""
    return text if re.fullmatch(r"\d+\.\d+[\w.+-]*", text) else ""
