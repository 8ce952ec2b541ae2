"""The Python files that go along with a scorer file can be imported by it, and no others."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path, PurePosixPath
from types import ModuleType

from processing.base.errors import ConfigError


class _Carried(MetaPathFinder):
    def __init__(self, paths: dict[str, Path]) -> None:
        self.paths = paths

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,  # noqa: ARG002 the interface's
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        found = self.paths.get(fullname)
        if found is None:
            return None
        folders = [str(found.parent)] if found.name == "__init__.py" else None
        return importlib.util.spec_from_file_location(
            fullname, found, submodule_search_locations=folders
        )


def make_importable(folder: Path, files: Sequence[str]) -> None:
    """`helpers.py` as `helpers`, `parts/__init__.py` as `parts`, ahead of packages of that name.

    Raises ConfigError where another module of that name is in use already.
    """
    paths = {module_name(name): folder / name for name in files if name.endswith(".py")}
    earlier = [finder for finder in sys.meta_path if isinstance(finder, _Carried)]
    ours = {name for finder in earlier for name in finder.paths}
    for name, path in paths.items():
        loaded = sys.modules.get(name)
        if loaded is None or getattr(loaded, "__file__", None) == str(path):
            continue
        if name not in ours:
            raise ConfigError(f"{path.name}: another module is called {name}; rename the file")
        del sys.modules[name]  # of another configuration that was read in this process
    if paths and not any(finder.paths == paths for finder in earlier[:1]):
        sys.meta_path.insert(0, _Carried(paths))


def module_name(file: str) -> str:
    """`parts/words.py` -> `parts.words`."""
    parts = PurePosixPath(file).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
