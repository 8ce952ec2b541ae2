"""Prints what the image is made of, as CycloneDX 1.6 in JSON.

bill_of_materials.py VERSION VENV DEBIAN: the Python packages of a virtual environment, by
CycloneDX's own tool, with their licences and what needs what; and Debian's packages, of a file with
a line "name version architecture" for each. The same inputs give the same text.
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL


def main(version: str, venv: str, debian: str) -> None:
    bom = of_python(f"{venv}/bin/python3")
    bom.metadata.component = Component(
        name="llm-evaluation", version=version, type=ComponentType.CONTAINER, bom_ref="image"
    )
    bom.components.update(of_debian(Path(debian).read_text()))
    bom.register_dependency(bom.metadata.component, bom.components)
    named = "\n".join(sorted(str(component.bom_ref.value) for component in bom.components))
    bom.serial_number = uuid.uuid5(uuid.NAMESPACE_OID, f"{version}\n{named}")
    print(JsonV1Dot6(bom).output_as_string(indent=1))


def of_python(python: str) -> Bom:
    tool = [sys.executable, "-m", "cyclonedx_py", "environment", "--output-reproducible"]
    written = subprocess.run(
        [*tool, "--spec-version", "1.6", "--output-format", "JSON", python],
        stdout=subprocess.PIPE,
        check=True,
    )
    return Bom.from_json(json.loads(written.stdout))


def of_debian(installed: str) -> Iterator[Component]:
    """With package URLs of type deb, by which scanners look for known vulnerabilities."""
    system = platform.freedesktop_os_release()
    distribution = f"{system['ID']}-{system.get('VERSION_ID', '')}"
    for line in installed.splitlines():
        name, version, architecture = line.split()
        at = {"arch": architecture, "distro": distribution}
        url = PackageURL("deb", system["ID"], name, version, at)
        yield Component(
            name=name,
            version=version,
            type=ComponentType.LIBRARY,
            purl=url,
            bom_ref=url.to_string(),
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
