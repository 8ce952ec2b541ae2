"""Make a run's report.html again, from its evaluation.json and rows.jsonl."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from processing.report.evaluation_json import EVALUATION_FILE, ROWS_FILE
from processing.report.html import write_html


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m processing.report.html", description=__doc__)
    parser.add_argument(
        "folder", type=Path, help=f"where {EVALUATION_FILE} and {ROWS_FILE} are; report.html too"
    )
    folder: Path = parser.parse_args().folder
    try:
        print(write_html(folder))
    except FileNotFoundError as error:
        print(
            f"{error.filename} is not there: give the folder of a run's `evaluation` output, with "
            f"{EVALUATION_FILE} and {ROWS_FILE} in it",
            file=sys.stderr,
        )
        return 2
    except (ValueError, KeyError) as error:
        print(
            f"{folder}: {EVALUATION_FILE} and {ROWS_FILE} are not what this version of the "
            f"pipeline writes ({type(error).__name__}: {error})",
            file=sys.stderr,
        )
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
