"""What scorer files import, against what the image has: found before a job ends with ImportError.

The image has docker/requirements.lock and docker/extra-requirements.txt. Which package an import
comes from is what this Python's installed packages say; `make` installs both lists here, too.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from packaging.markers import Marker
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from processing.base.errors import LaunchError

REPOSITORY = Path(__file__).resolve().parents[2]
LOCK = REPOSITORY / "docker" / "requirements.lock"
EXTRA = REPOSITORY / "docker" / "extra-requirements.txt"
OUR_OWN = {"processing"}
_LOCKED = re.compile(r"^([A-Za-z0-9._-]+)==\S+(?: ; (.+?))? \\$", re.MULTILINE)
_IMAGE = {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix"}
_EXPECTED = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}


@dataclass(frozen=True)
class Import:
    module: str
    line: int


def check_imports(
    files: list[Path], lock: Path = LOCK, extra: Path = EXTRA, folder: Path | None = None
) -> list[str]:
    """A line for each import that the image will not have; [] if there is none.

    `files` go along to the job, those in Python as modules below `folder`. A file that is no Python
    is left to what loads it. Raises LaunchError for a line of the extra requirements that is no
    requirement.
    """
    if not files:
        return []
    packages = image_packages(lock.read_text(encoding="utf-8"), extra)
    files = [path for path in files if path.suffix == ".py"]
    known = sys.stdlib_module_names | OUR_OWN | {_module(path, folder) for path in files}
    found = [(path, one) for path in files for one in imports_of(path.read_bytes())]
    asked = [(path, one) for path, one in found if one.module not in known]
    sources = metadata.packages_distributions() if asked else {}
    return [
        f"{path}:{one.line}: import {one.module}: {_reason(path, one.module, sources)}"
        for path, one in asked
        if not {canonicalize_name(n) for n in sources.get(one.module, [one.module])} & packages
    ]


def imports_of(source: bytes) -> Iterator[Import]:
    """The top-level modules that a file needs, wherever in it they are imported.

    Not what it can do without: imports for type checkers, and those whose ImportError it handles.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return
    yield from _needed(tree)


def image_packages(lock: str, extra: Path) -> set[str]:
    """Canonical names: what is locked, and the extra requirements with all that they require."""
    markers = {name: Marker(text) if text else None for name, text in _LOCKED.findall(lock)}
    locked = {n for n, marker in markers.items() if not marker or marker.evaluate(_IMAGE)}
    wanted: list[str] = [canonicalize_name(one.name) for one in _requirements(extra)]
    found: set[str] = {canonicalize_name(name) for name in locked}
    while wanted:
        name = wanted.pop()
        if name not in found:
            found.add(name)
            wanted += _required_by(name)
    return found


def _requirements(extra: Path) -> Iterator[Requirement]:
    for number, line in enumerate(extra.read_text(encoding="utf-8").splitlines(), start=1):
        text = re.sub(r"(^|\s)#.*", "", line).strip()
        if not text:
            continue
        try:
            yield Requirement(text)
        except InvalidRequirement as error:
            raise LaunchError(
                f"{extra}:{number}: {text!r} is no requirement such as textstat==0.7.8"
            ) from error


def _required_by(name: str) -> Iterator[str]:
    """Of a package that is installed here; nothing is known of another."""
    try:
        required = metadata.requires(name) or []
    except metadata.PackageNotFoundError:
        return
    for text in required:
        requirement = Requirement(text)
        if not requirement.marker or requirement.marker.evaluate({**_IMAGE, "extra": ""}):
            yield canonicalize_name(requirement.name)


def _module(path: Path, folder: Path | None) -> str:
    return path.relative_to(folder).parts[0].removesuffix(".py") if folder else path.stem


def _reason(path: Path, module: str, sources: Mapping[str, list[str]]) -> str:
    if path.with_name(f"{module}.py").is_file():
        return (
            f"{module}.py lies beside it and does not go along to the job: "
            f"name it in the scorer's entry, files: [{module}.py]"
        )
    if module == "pipeline":
        return "the image has processing/ and not pipeline/"
    named = [f"{name}=={metadata.version(name)}" for name in sources.get(module, [])]
    package = f"{named[0]} " if named else f"its package, such as {module}==1.2.3, "
    return (
        f"the image will not have it: add {package}to docker/extra-requirements.txt, then "
        "make image"
    )


def _needed(node: ast.AST) -> Iterator[Import]:
    if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
        for alternative in node.orelse:
            yield from _needed(alternative)
        return
    if isinstance(node, ast.Try) and any(_handles_missing(h) for h in node.handlers):
        for other in [*node.handlers, *node.finalbody]:
            yield from _needed(other)
        return
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield Import(alias.name.partition(".")[0], node.lineno)
    elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
        yield Import(node.module.partition(".")[0], node.lineno)
    for child in ast.iter_child_nodes(node):
        yield from _needed(child)


def _handles_missing(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    return any(isinstance(n, ast.Name) and n.id in _EXPECTED for n in ast.walk(handler.type))
