"""An AWS error's body in the form that botocore reads; a proxy in between may send any other.

botocore would raise a TypeError or the like, and the error's status and words would be lost.
"""

from __future__ import annotations

import json
from typing import Any

_TEXTS = ("Message", "message", "code", "__type")


def make_error_readable(response_dict: dict[str, Any], **_: Any) -> None:
    """For botocore's event `before-parse`. A response that is no error stays as it is."""
    if response_dict["status_code"] < 300:
        return
    body = response_dict["body"]
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        document = None
    told = document if isinstance(document, dict) else {}
    found = {key: told[key] for key in _TEXTS if isinstance(told.get(key), str)}
    status = told.get("OriginalStatusCode")
    if isinstance(status, int):
        found["OriginalStatusCode"] = status
    if not {"Message", "message"} & found.keys():
        said = " ".join(body[:300].decode("utf-8", "replace").split())
        found |= {"Message": said, "message": said}  # each service reads one of them
    response_dict["body"] = json.dumps(found).encode()
