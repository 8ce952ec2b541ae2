#!/usr/bin/env python3
"""Evaluate an LLM behind a SageMaker endpoint; register it only if it is good enough.

From Python:

    from pipeline_definition import get_pipeline

    pipeline = get_pipeline("evaluation.yaml")
    pipeline.upsert()
    execution = pipeline.start(parameters={"EndpointName": "my-endpoint"})

On the command line: `python pipeline_definition.py --help`.
"""

from __future__ import annotations

import sys

try:
    from pipeline.cli.main import main
    from pipeline.definition.build import get_pipeline

    if __name__ != "__main__":  # a command imports what it needs, so that --help answers at once
        from pipeline.comparison.compare import compare
        from pipeline.in_process.evaluate import evaluate
        from pipeline.in_process.plan import plan
        from pipeline.in_process.variants import evaluate_variants
except (ImportError, SyntaxError) as missing:
    if __name__ != "__main__":
        raise
    print(
        f"error: this Python ({sys.executable}, {sys.version.split()[0]}) cannot run it "
        f"({missing}): use .venv/bin/python, which `make launch` sets up (if that is it: "
        "rm -r .venv, and again)",
        file=sys.stderr,
    )
    sys.exit(2)

__all__ = ["compare", "evaluate", "evaluate_variants", "get_pipeline", "plan"]

if __name__ == "__main__":
    from processing.base.job import end_process

    end_process(main())
