"""What a command lends its process of the jobs' variables, and what stays the user's own."""

from __future__ import annotations

import os

import pytest

from processing.base.lent_variables import lend, lend_environment, take_back


@pytest.fixture(autouse=True)
def own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "https://mine")
    for name in ("AZURE_API_VERSION", "HTTPS_PROXY", "https_proxy", "REQUESTS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


def test_what_is_set_here_and_what_is_of_the_jobs_network_stays() -> None:
    before = dict(os.environ)
    lend_environment(
        {
            "AZURE_API_VERSION": "2026-01-01",
            "HF_ENDPOINT": "https://theirs",
            **dict.fromkeys(("HTTPS_PROXY", "https_proxy", "NO_PROXY"), "http://proxy:3128"),
            **dict.fromkeys(("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "PYTHONPATH"), "/opt/x"),
            "AWS_ENDPOINT_URL_S3": "https://vpce-1",
        }
    )
    assert dict(os.environ) == {**before, "AZURE_API_VERSION": "2026-01-01"}
    take_back()
    assert dict(os.environ) == before


def test_what_somebody_has_set_anew_is_not_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    lend({"AZURE_API_VERSION": "theirs", "OPENAI_API_KEY": "theirs"})
    monkeypatch.setitem(os.environ, "AZURE_API_VERSION", "mine")
    take_back()
    assert os.environ["AZURE_API_VERSION"] == "mine"
    assert "OPENAI_API_KEY" not in os.environ
