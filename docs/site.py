"""The documentation site, out of README.md, docs/ and examples/ as they stand: `make site`.

They are copied side by side, and with them each file that they link to, so that their links hold on
the site as they do in the repository. Warnings are errors: a link or an anchor that leads nowhere
ends it. No network.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
SITE = REPOSITORY / ".site"
PAGES = ("*.md", "docs/*.md", "examples/*/README.md")
CONFIG = REPOSITORY / "docs" / "mkdocs.yml"
_LINK = re.compile(r"(?:\]\(|src(?:set)?=\")([^)\s\"#]+)")


def main() -> int:
    shutil.rmtree(SITE, ignore_errors=True)
    for pattern in PAGES:
        for page in REPOSITORY.glob(pattern):
            _copy(page)
            for link in _LINK.findall(page.read_text(encoding="utf-8")):
                _copy(page.parent / link)
    command = [sys.executable, "-m", "mkdocs", "build", "--strict"]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run([*command, "--config-file", str(CONFIG)], env=environment, check=False)
    if done.returncode == 0:
        print(f"the site: {SITE / 'html' / 'index.html'}")
    return done.returncode


def _copy(file: Path) -> None:
    """To the same place below the site's source; a page, or a file that one links to."""
    if file.is_file():
        target = SITE / "source" / os.path.relpath(file, REPOSITORY)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, target)


if __name__ == "__main__":
    sys.exit(main())
