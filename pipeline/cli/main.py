"""The command line's outermost door: one command in, its exit code out, an error as one line."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from pipeline.cli.command import INTERRUPTED, MISUSED
from pipeline.cli.parser import parse
from processing.base.errors import DEBUG
from processing.base.secrets import masked
from processing.base.visible_text import visible_lines


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: one of those in `pipeline.cli.command`."""
    arguments = parse(sys.argv[1:] if argv is None else argv)
    if arguments.debug:
        os.environ[DEBUG] = "1"  # for the jobs too, once they are upserted with it
    try:
        exit_code: int = arguments.run(arguments)
    except KeyboardInterrupt:
        print("interrupted; what runs on AWS goes on: see `status` and `stop`", file=sys.stderr)
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 the outermost door
        from pipeline.cli.error_line import error_line

        if os.environ.get(DEBUG):
            import traceback

            print(masked(visible_lines(traceback.format_exc())), end="", file=sys.stderr)
        line = masked(visible_lines(error_line(error, str(arguments.config))))
        print(f"error: {line}", file=sys.stderr)
        return MISUSED
    return exit_code
