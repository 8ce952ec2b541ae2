"""report.html: one evaluation as one page that needs nothing besides itself.

Made from the two documents that an evaluation leaves behind, evaluation.json and rows.jsonl, so
that it can be made again at any time: `python -m processing.report.html FOLDER`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from processing.base.disk import written_to
from processing.report.evaluation_json import EVALUATION_FILE, ROWS_FILE

REPORT_FILE = "report.html"


def write_html(folder: Path, document: Mapping[str, Any] | None = None) -> Path:
    """Write report.html beside the rows.jsonl of `folder`; its path.

    `document`: what evaluation.json says or will say; without it, the file in `folder` is read.
    Raises OSError where one of the two is not there, ValueError where it is not JSON, DiskError
    where the page cannot be written.
    """
    # imported here: the plotting library takes a second that an evaluation's start need not wait
    from processing.report.html.page import page

    if document is None:
        document = json.loads((folder / EVALUATION_FILE).read_text(encoding="utf-8"))
    path = folder / REPORT_FILE
    text = page(document, folder / ROWS_FILE)
    with written_to(path):
        path.write_text(text, encoding="utf-8")
    return path
