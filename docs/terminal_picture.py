"""Draws docs/terminal.svg again from a real run: .venv/bin/python docs/terminal_picture.py

Runs `start --wait` for a small example on a terminal of 100 columns, against the local AWS, and
draws what the terminal shows at the end, from the result on: about one screen. The picture brings
no web font along, because every reader has a monospaced one.
"""

from __future__ import annotations

import io
import os
import re
import sys
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "tests")]

from rich.console import Console  # noqa: E402
from rich.text import Text  # noqa: E402
from terminal_screen import on_terminal  # noqa: E402

from pipeline.definition.bundle import load_bundle  # noqa: E402
from pipeline.local.demo.services import four_free_ports, local_aws  # noqa: E402

CONFIG = "examples/health/evaluation.yaml"  # small: its result fits a screen
ROWS = 60  # of its 500, which would take minutes
COLUMNS = 100
RESULT = "Evaluation of "  # the result's first line begins so
TARGET = REPOSITORY / "docs" / "terminal.svg"


def main() -> None:
    bundle = load_bundle(REPOSITORY / CONFIG)
    command = [sys.executable, "pipeline_definition.py"]
    with (
        tempfile.TemporaryDirectory() as state,
        local_aws(bundle.config, four_free_ports(4566), Path(state), echo=lambda _: None) as aws,
    ):
        environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
        on_terminal([*command, "upsert", "--config", CONFIG], environment, REPOSITORY)
        worse = bundle.config.endpoint.name.replace("-good", "-worse")
        typed = ["start", "--wait", "--config", CONFIG]
        typed += ["-p", f"EndpointName={worse}", "-p", f"SampleSize={ROWS}"]
        given = [*typed, "-p", f"MlflowTrackingUri={aws.mlflow}"]
        done = on_terminal([*command, *given], environment, REPOSITORY, columns=COLUMNS)
    console = Console(record=True, width=COLUMNS, file=io.StringIO())
    command_line = f"$ python pipeline_definition.py {' '.join(typed)}"
    console.print(command_line.replace(" -p", " \\\n    -p"), style="bold", highlight=False)
    first = next(i for i, line in enumerate(done.screen.lines) if line.startswith(RESULT))
    for line in done.screen.ansi.rstrip().split("\n")[first:]:
        console.print(Text.from_ansi(line), soft_wrap=True)
    svg = console.export_svg(title="", unique_id="terminal")
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    TARGET.write_text(svg, encoding="utf-8")
    print(f"{TARGET}: {TARGET.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
