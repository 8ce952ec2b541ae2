"""What others name, or have left, is never a file outside of the folder that it belongs to.

A key of S3 may hold `..`, begin with a slash or lead through a link, and a job may leave links.
"""

from __future__ import annotations

from pathlib import Path


class OutsideError(ValueError):
    """A name or a link that leads out of its folder; the message says which, and where to."""


def below(folder: Path, name: str) -> Path:
    """The file that another's name, such as the rest of an S3 key, has in `folder`.

    Raises OutsideError for a name that leads out, or that would be the same file as another name.
    """
    parts = name.split("/")
    if "\\" in name or "\0" in name or not {"", ".", ".."}.isdisjoint(parts):
        raise OutsideError(
            f"{name!r} names no file below a folder: between slashes there must be a name other "
            "than . and .., and no backslash"
        )
    return inside(folder, folder / name)


def inside(folder: Path, path: Path) -> Path:
    """Where `path` really is, links followed. Raises OutsideError if that is not below `folder`."""
    real = path.resolve()
    if not real.is_relative_to(folder.resolve()):
        raise OutsideError(f"{path} leads out of {folder}, to {real}")
    return real
