"""Which licences packages may have, by what their own metadata say."""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib.metadata import PackageMetadata

# as the packages spell them: SPDX's names, and those of PyPI's classifiers
ALLOWED = {
    *("mit", "mit license", "mit-0", "mit-cmu", "0bsd", "isc license (iscl)", "zlib", "cc0-1.0"),
    *("bsd-2-clause", "bsd-3-clause", "bsd license", "3-clause bsd license"),
    *("apache-2.0", "apache license", "apache software license"),
    *("psf-2.0", "python software foundation license", "cnri-python"),
    # Mozilla's asks for the source of changes to its own files, and we change none
    *("mpl-2.0", "mozilla public license 2.0 (mpl 2.0)"),
}


def refused(packages: Iterable[PackageMetadata]) -> dict[str, list[str]]:
    """Package -> its licences that are not allowed, for those packages that have any."""
    found = {each["Name"]: [x for x in _licences(each) if x not in ALLOWED] for each in packages}
    return {name: unknown for name, unknown in found.items() if unknown}


def _licences(metadata: PackageMetadata) -> list[str]:
    """An SPDX expression, or else classifiers."""
    classified = [
        entry.rpartition(" :: ")[2]
        for entry in metadata.get_all("Classifier", [])
        if entry.startswith("License :: ") and entry != "License :: OSI Approved"
    ]
    expression = metadata.get("License-Expression") or " AND ".join(classified)
    expression = expression or (metadata.get("License") or "none given").splitlines()[0]
    parts = re.split(r" and | or ", expression.lower())
    return [part if part in ALLOWED else part.strip("() ") for part in parts]
