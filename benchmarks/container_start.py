"""How long a job takes from `docker run` to its first useful line.

    python -m benchmarks.container_start [options of docker run]

PrepareDataset: until it has read the example's rows. EvaluateModel: until it has found the model
and says what it evaluates; the scorers are built after that. The best of several runs, each a new
container.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pipeline.definition.bundle import load_bundle
from pipeline.local.demo.services import four_free_ports, local_aws

IMAGE = "llm-evaluation:local"
RUNS = 5


def first_line(folder: Path, environment: dict[str, str], useful: str, *command: str) -> float:
    """Seconds until a line that starts with `useful`. Raises RuntimeError if none does."""
    variables = [part for name, value in environment.items() for part in ("-e", f"{name}={value}")]
    started = time.monotonic()
    process = subprocess.Popen(
        ["docker", "run", "--rm", "--network", "host", "-v", f"{folder}:/opt/ml/processing",
         *variables, *sys.argv[1:], IMAGE, *command],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    lines = []
    for line in process.stdout or ():
        lines.append(line)
        if line.startswith(useful):
            seconds = time.monotonic() - started
            process.communicate()
            return seconds
    raise RuntimeError("".join(lines))


def main() -> None:
    bundle = load_bundle(Path("evaluation.yaml"))
    with (
        tempfile.TemporaryDirectory() as made,
        local_aws(bundle.config, four_free_ports(4666), Path(made) / "state") as addresses,
    ):
        folder = Path(made) / "processing"
        for name, source in {
            "config/evaluation.yaml": bundle.folder / "evaluation.yaml",
            **{f"config/{name}": bundle.folder / name for name in bundle.config.named_files()},
            "raw/questions.jsonl": bundle.folder / bundle.config.dataset.source,
        }.items():
            copy = folder / "input" / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(source.read_bytes())
        prepare = ("processing.prepare_dataset", "--output", "/opt/ml/processing/input/dataset")
        evaluate = ("processing.evaluate", "--mlflow-tracking-uri", addresses.mlflow)
        environment = addresses.environment()
        for useful, command in {"read ": prepare, "evaluating ": evaluate}.items():
            seconds = [first_line(folder, environment, useful, *command) for _ in range(RUNS)]
            print(f"{command[0]}, {useful}...: {min(seconds):.1f} s (of {RUNS}: "
                  f"{', '.join(f'{s:.1f}' for s in sorted(seconds))})", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
