"""The packages of the image: their licences, and a reason for each that we ask for."""

from __future__ import annotations

import importlib.metadata
import re

import pytest
from packaging.markers import Marker
from running_aws import REPOSITORY

# as the packages spell them: SPDX's names, and those of PyPI's classifiers
ALLOWED = {
    *("mit", "mit license", "mit-0", "mit-cmu", "0bsd", "isc license (iscl)", "zlib", "cc0-1.0"),
    *("bsd-2-clause", "bsd-3-clause", "bsd license", "3-clause bsd license"),
    *("apache-2.0", "apache license", "apache software license"),
    *("psf-2.0", "python software foundation license", "cnri-python"),
    # Mozilla's asks for the source of changes to its own files, and we change none
    *("mpl-2.0", "mozilla public license 2.0 (mpl 2.0)"),
}


def locked() -> list[str]:
    text = (REPOSITORY / "docker/requirements.lock").read_text()
    lines = re.findall(r"^([A-Za-z0-9._-]+)==\S+(?: ; (.+?))? \\$", text, re.MULTILINE)
    return [name for name, marker in lines if not marker or Marker(marker).evaluate()]


def licences(package: str) -> list[str]:
    """As the package's own metadata has them: an SPDX expression, or else classifiers."""
    metadata = importlib.metadata.metadata(package)
    classified = [
        entry.rpartition(" :: ")[2]
        for entry in metadata.get_all("Classifier", [])
        if entry.startswith("License :: ") and entry != "License :: OSI Approved"
    ]
    expression = metadata.get("License-Expression") or " AND ".join(classified)
    expression = expression or (metadata.get("License") or "none given").splitlines()[0]
    parts = re.split(r" and | or ", expression.lower())
    return [part if part in ALLOWED else part.strip("() ") for part in parts]


def test_every_package_has_a_licence_that_we_may_use() -> None:
    packages = locked()
    assert len(packages) > 100
    refused = {
        package: unknown
        for package in packages
        if (unknown := [name for name in licences(package) if name not in ALLOWED])
    }
    assert refused == {}


@pytest.mark.parametrize("file", ["requirements.txt", "docker/requirements.txt"])
def test_every_direct_dependency_is_pinned_and_says_why_it_is_there(file: str) -> None:
    lines = (REPOSITORY / file).read_text().splitlines()
    asked = [line for line in lines if line and not line.startswith(("#", "-r "))]
    assert len(asked) > 10
    for line in asked:
        assert re.fullmatch(r"[\w.\[\]-]+==[\w.]+ +# .+", line), line


def test_what_is_excluded_is_not_in_the_image() -> None:
    text = (REPOSITORY / "docker/excluded.txt").read_text()
    excluded = set(re.findall(r"^([a-z][a-z0-9-]+)", text, re.MULTILINE))
    assert "posthog" in excluded
    assert not excluded & set(locked())
