"""report.html: one evaluation as one page that needs nothing besides itself.

Made from the two documents that an evaluation leaves behind, evaluation.json and rows.jsonl, so
that it can be made again at any time: `python -m processing.report.html FOLDER`.
"""

from __future__ import annotations

import json
from pathlib import Path

from processing.report.evaluation_json import EVALUATION_FILE, ROWS_FILE

REPORT_FILE = "report.html"


def write_html(folder: Path) -> Path:
    """Write report.html beside the evaluation.json and rows.jsonl of `folder`; its path.

    Raises OSError where one of the two is not there, ValueError where it is not JSON.
    """
    # imported here: the plotting library takes a second that an evaluation's start need not wait
    from processing.report.html.page import page

    document = json.loads((folder / EVALUATION_FILE).read_text(encoding="utf-8"))
    path = folder / REPORT_FILE
    path.write_text(page(document, folder / ROWS_FILE), encoding="utf-8")
    return path
