"""The documentation site: built without a network, every page in it, nothing from other hosts."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
LOADED = re.compile(r"<(?:script|img|iframe|source)[^>]*\ssrc(?:set)?=\"?([^\" >]+)")
STYLES = re.compile(r"<link[^>]*rel=\"?(?:stylesheet|preconnect|preload)[^>]*href=\"?([^\" >]+)")


def built(repository: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(repository / "docs" / "site.py")]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the repository: the site is built into it, and others build theirs meanwhile."""
    root = tmp_path_factory.mktemp("site")
    for name in ("docs", "examples"):
        shutil.copytree(REPOSITORY / name, root / name)
    for file in REPOSITORY.glob("*.md"):
        shutil.copy(file, root)
    for name in ("pipeline", "processing", "docker", "tests", "evaluation.yaml", "LICENSE"):
        (root / name).symlink_to(REPOSITORY / name)
    return root


@pytest.mark.slow
def test_every_page_is_in_it_and_loads_nothing_from_other_hosts(copy: Path) -> None:
    done = built(copy)
    assert done.returncode == 0, done.stdout + done.stderr
    html = copy / ".site" / "html"
    for page in (*copy.glob("docs/*.md"), *copy.glob("*.md")):
        name = "index" if page.name == "README.md" else page.stem
        assert (html / page.relative_to(copy).with_name(f"{name}.html")).is_file(), page
    for page in html.rglob("*.html"):
        text = page.read_text()
        foreign = [at for at in (*LOADED.findall(text), *STYLES.findall(text)) if "//" in at]
        assert not foreign, (page, foreign)
    functions = (html / "docs" / "python.html").read_text()
    for name in ("get_pipeline", "evaluate", "evaluate_variants", "compare", "plan"):
        assert re.search(rf'<h3 id="pipeline\.[\w.]+\.{name}"', functions), name
    assert "Evaluate the endpoint on some rows of the dataset, in this process." in functions


@pytest.mark.slow
def test_a_link_that_leads_nowhere_fails_it(copy: Path) -> None:
    page = copy / "docs" / "scale.md"
    page.write_text(page.read_text() + "\n[gone](running.md#no-such-heading)\n")
    done = built(copy)
    assert done.returncode == 1
    assert "no-such-heading" in done.stdout + done.stderr
