"""Lets the demo endpoint answer for endpoints that are created in the local AWS.

What answers is said, openly, by the environment of the model's container:

    DEMO_MODEL          good (the default) or worse
    DEMO_KNOWLEDGE      the folder of examples/ that it knows about (health)
    DEMO_SERVER         the address of an OpenAI-compatible server, which answers instead
    DEMO_FAULTS         JSON of demo_faults.Faults: slow, failing, dying
    DEMO_STREAMING      JSON of response_stream.Streaming: how streams come and break
    DEMO_ASYNCHRONOUS   JSON of asynchronous.Asynchronous: what an asynchronous endpoint does amiss
    DEMO_START_SECONDS  how long the endpoint is Creating (1)
    DEMO_START_FAILURE  the reason with which it then is Failed

A name for which the demo endpoint has been told something already keeps that, but where the results
of an asynchronous endpoint go, which its configuration says.
"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError

from pipeline.local.sagemaker.endpoints import ASYNCHRONOUS, CREATING_SECONDS, DATA_CAPTURE

_TIMEOUT_SECONDS = 10


@dataclass(frozen=True)
class DemoHosting:
    """`url` is that of the demo endpoint. Methods raise OSError if it does not answer."""

    url: str

    def seconds_to_start(self, environment: Mapping[str, str]) -> float:
        return float(environment.get("DEMO_START_SECONDS", CREATING_SECONDS))

    def reason_to_fail(self, environment: Mapping[str, str]) -> str:
        return environment.get("DEMO_START_FAILURE", "")

    def start(self, endpoint: str, environment: Mapping[str, str]) -> None:
        known = self._known(endpoint)
        if known is not None:
            queued = _asynchronous(environment, known["asynchronous"] or {})
            if queued != known["asynchronous"]:
                self._send("PUT", endpoint, json.dumps({**known, "asynchronous": queued}).encode())
            return
        behaviour = {
            "model": environment.get("DEMO_MODEL", "good"),
            "knowledge": environment.get("DEMO_KNOWLEDGE"),
            "server": environment.get("DEMO_SERVER"),
            "faults": json.loads(environment.get("DEMO_FAULTS", "{}")),
            "streaming": json.loads(environment.get("DEMO_STREAMING", "{}")),
            "data_capture": json.loads(environment.get(DATA_CAPTURE, "null")),
            "asynchronous": _asynchronous(
                environment, json.loads(environment.get("DEMO_ASYNCHRONOUS", "{}"))
            ),
        }
        self._send("PUT", endpoint, json.dumps(behaviour).encode())

    def stop(self, endpoint: str) -> None:
        if self._known(endpoint) is not None:
            self._send("DELETE", endpoint)

    def _known(self, endpoint: str) -> dict[str, Any] | None:
        try:
            told: dict[str, Any] = json.loads(self._send("GET", endpoint))
        except HTTPError as error:
            if error.code == 404:
                return None
            raise
        return told

    def _send(self, method: str, endpoint: str, body: bytes | None = None) -> bytes:
        address = f"{self.url}/_demo/endpoints/{endpoint}"
        request = urllib.request.Request(address, data=body, method=method)
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:
            told: bytes = answer.read()
        return told


def _asynchronous(
    environment: Mapping[str, str], habits: Mapping[str, Any]
) -> dict[str, Any] | None:
    """None for an endpoint that answers in real time."""
    config = json.loads(environment.get(ASYNCHRONOUS, "{}"))
    if not config:
        return None
    output = config["OutputConfig"]
    at_once = config.get("ClientConfig", {}).get("MaxConcurrentInvocationsPerInstance")
    return {
        **habits,
        "output": output["S3OutputPath"],
        "failure": output.get("S3FailurePath"),
        **({"at_once": at_once} if at_once else {}),
    }
