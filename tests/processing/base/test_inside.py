"""No name and no link leads to a file outside of the folder that it belongs to."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processing.base.inside import OutsideError, below, inside

parts = st.one_of(st.sampled_from(["", ".", "..", "a", "..a", "link", "up", "\\", "C:"]), st.text())
names = st.lists(parts, min_size=1, max_size=6).map("/".join)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With a link to a place outside, one to its parent, and one that stays within."""
    made = tmp_path_factory.mktemp("outer") / "folder"
    (made / "a").mkdir(parents=True)
    (made / "link").symlink_to("/etc")
    (made / "up").symlink_to("..")
    (made / "stays").symlink_to("a")
    return made


@given(name=names, other=names)
def test_every_name_is_a_file_below_the_folder_or_is_refused(
    folder: Path, name: str, other: str
) -> None:
    try:
        found = below(folder, name)
    except OutsideError:
        return
    assert found != folder
    assert folder in found.resolve().parents
    try:
        again = below(folder, other)
    except OutsideError:
        return
    assert (again == found) == (other == name)


@pytest.mark.parametrize(
    "name",
    [
        *("/etc/passwd", "//etc/passwd", "../x", "a/../../x", "a/..", "..", ".", "", "a//b"),
        *("a/", "./a", "..\\x", "C:\\x", "a\0", "link/passwd", "link", "up/x", "stays/../../x"),
    ],
)
def test_refused(folder: Path, name: str) -> None:
    with pytest.raises(OutsideError):
        below(folder, name)


@pytest.mark.parametrize("name", ["a", "a/b/c.jsonl", "stays/x", "..a", "a..", "a b", "ü", "..."])
def test_taken(folder: Path, name: str) -> None:
    assert below(folder, name).is_relative_to(folder.resolve())


def test_a_link_within_the_folder_is_followed(folder: Path) -> None:
    assert inside(folder, folder / "stays") == (folder / "a").resolve()
