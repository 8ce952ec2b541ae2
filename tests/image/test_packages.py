"""The packages of the image: their licences, and a reason for each that we ask for."""

from __future__ import annotations

import importlib.metadata
import re

import pytest
from package_licences import refused
from packaging.markers import Marker
from running_aws import REPOSITORY


def locked() -> list[str]:
    text = (REPOSITORY / "docker/requirements.lock").read_text()
    lines = re.findall(r"^([A-Za-z0-9._-]+)==\S+(?: ; (.+?))? \\$", text, re.MULTILINE)
    return [name for name, marker in lines if not marker or Marker(marker).evaluate()]


def test_every_package_has_a_licence_that_we_may_use() -> None:
    packages = locked()
    assert len(packages) > 100
    assert refused(map(importlib.metadata.metadata, packages)) == {}


@pytest.mark.parametrize(
    ("file", "least"),
    [
        ("requirements.txt", 2),
        ("docker/requirements.txt", 10),
        ("docker/bill-requirements.txt", 1),
        ("pipeline/local/requirements.txt", 4),
        ("tests/requirements.txt", 10),
        ("pipeline/local/demo/llm/requirements.txt", 2),
    ],
)
def test_every_direct_dependency_is_pinned_and_says_why_it_is_there(file: str, least: int) -> None:
    lines = (REPOSITORY / file).read_text().splitlines()
    asked = [line for line in lines if line and not line.startswith(("#", "-r "))]
    assert len(asked) >= least
    for line in asked:
        assert re.fullmatch(r"[\w.\[\]-]+==[\w.]+ +# .+", line), line


def test_what_is_excluded_is_not_in_the_image() -> None:
    text = (REPOSITORY / "docker/excluded.txt").read_text()
    excluded = set(re.findall(r"^([a-z][a-z0-9-]+)", text, re.MULTILINE))
    assert "posthog" in excluded
    assert not excluded & set(locked())
