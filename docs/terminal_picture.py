"""Makes docs/terminal.svg anew, of what a terminal really shows: python docs/terminal_picture.py

Types `start --wait` on a terminal of 100 columns, against the local AWS, and draws what stands
there at the end. No web font: whoever looks at it has a monospaced one.
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
from pipeline.local.demo.services import WORSE, four_free_ports, local_aws  # noqa: E402

COLUMNS = 100
TARGET = REPOSITORY / "docs" / "terminal.svg"


def main() -> None:
    bundle = load_bundle(REPOSITORY / "evaluation.yaml")
    command = [sys.executable, "pipeline_definition.py"]
    with (
        tempfile.TemporaryDirectory() as state,
        local_aws(bundle.config, four_free_ports(4566), Path(state), echo=lambda _: None) as aws,
    ):
        environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
        on_terminal([*command, "upsert"], environment, REPOSITORY)
        typed = ["start", "--wait", "-p", f"EndpointName={WORSE}"]
        given = [*typed, "-p", f"MlflowTrackingUri={aws.mlflow}"]
        done = on_terminal([*command, *given], environment, REPOSITORY, columns=COLUMNS)
    console = Console(record=True, width=COLUMNS, file=io.StringIO())
    console.print(
        f"$ python pipeline_definition.py {' '.join(typed)}", style="bold", highlight=False
    )
    console.print(Text.from_ansi(done.screen.ansi), soft_wrap=True)
    svg = console.export_svg(title="", unique_id="terminal")
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    TARGET.write_text(svg, encoding="utf-8")
    print(f"{TARGET}: {TARGET.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
