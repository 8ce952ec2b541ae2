"""Lets the demo endpoint answer for endpoints that are created in the local AWS.

What answers is said, openly, by the environment of the model's container:

    DEMO_MODEL          good (the default) or worse
    DEMO_KNOWLEDGE      the folder of examples/ that it knows about (health)
    DEMO_SERVER         the address of an OpenAI-compatible server, which answers instead
    DEMO_FAULTS         JSON of demo_faults.Faults: slow, failing, dying
    DEMO_STREAMING      JSON of response_stream.Streaming: how streams come and break
    DEMO_START_SECONDS  how long the endpoint is Creating (1)
    DEMO_START_FAILURE  the reason with which it then is Failed

A name for which the demo endpoint has been told something already keeps that.
"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.error import HTTPError

from pipeline.local.sagemaker.endpoints import CREATING_SECONDS, DATA_CAPTURE

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
        if self._is_known(endpoint):
            return
        behaviour = {
            "model": environment.get("DEMO_MODEL", "good"),
            "knowledge": environment.get("DEMO_KNOWLEDGE"),
            "server": environment.get("DEMO_SERVER"),
            "faults": json.loads(environment.get("DEMO_FAULTS", "{}")),
            "streaming": json.loads(environment.get("DEMO_STREAMING", "{}")),
            "data_capture": json.loads(environment.get(DATA_CAPTURE, "null")),
        }
        self._send("PUT", endpoint, json.dumps(behaviour).encode())

    def stop(self, endpoint: str) -> None:
        if self._is_known(endpoint):
            self._send("DELETE", endpoint)

    def _is_known(self, endpoint: str) -> bool:
        try:
            self._send("GET", endpoint)
        except HTTPError as error:
            if error.code == 404:
                return False
            raise
        return True

    def _send(self, method: str, endpoint: str, body: bytes | None = None) -> None:
        address = f"{self.url}/_demo/endpoints/{endpoint}"
        request = urllib.request.Request(address, data=body, method=method)
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:
            answer.read()
