"""Draws docs/report-light.png and -dark.png again: .venv/bin/python docs/report_pictures.py

Opens the report of the model that `make demo` stopped. Needs Chromium, and `make demo` before.
"""

from __future__ import annotations

import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY / "tests"))

from browser import chromium  # noqa: E402

REPORT = REPOSITORY / ".demo" / "report-worse.html"


def main() -> None:
    with chromium() as browser:
        for scheme in ("light", "dark"):
            browser.open(REPORT, width=1180, height=1330, dark=scheme == "dark")
            picture = REPOSITORY / "docs" / f"report-{scheme}.png"
            browser.screenshot(picture)
            print(f"{picture}: {picture.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
