"""What the variants came to, at the end of `try --variants` and `start --variants --wait`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.comparison.variants import ComparedVariants


def show_compared(compared: ComparedVariants, folder: Path, config: Path) -> Path | None:
    """Print the comparison, write its page and JSON, log it to MLflow; the page's path.

    Where fewer than two have a verdict, say why instead.
    """
    from pipeline.comparison.parent_run import log_comparison
    from pipeline.comparison.run import ComparisonError
    from pipeline.comparison.table import print_comparison

    comparison = compared.comparison
    print()
    if comparison is None:
        for absent in compared.absent:
            print(f"NO VERDICT: {absent.name}: {absent.why}")
        print("nothing to compare: fewer than two variants have a verdict", flush=True)
        return None
    print_comparison(comparison.findings)
    folder.mkdir(parents=True, exist_ok=True)
    told, page = folder / "compare.json", folder / "compare.html"
    comparison.write_json(told)
    comparison.write_html(page)
    print(f"json:       {told}\npage:       {page.resolve().as_uri()}", flush=True)
    try:
        print(f"MLflow:     {log_comparison(comparison, config)}", flush=True)
    except ComparisonError as error:
        print(f"note: the comparison is not in MLflow: {error}", file=sys.stderr)
    return page
