"""`make demo-llm`: a real language model on this machine, evaluated with two prompts and compared.

Serves SmolLM2-135M-Instruct behind the local SageMaker endpoint and types what a user would type:
`try` with the file's prompt, `try` with another one, `compare`. The words, tokens and latencies are
real; the judge is the demo judge, which is no model. Exit code 0 only if the model answered every
question both times and the two were compared.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from pipeline.definition.bundle import load_bundle
from pipeline.local.demo.__main__ import CONFIG, STATE, run, say
from pipeline.local.demo.llm.served import model_served
from pipeline.local.demo.llm.server import MODEL, PARALLEL
from pipeline.local.demo.services import four_free_ports, local_aws
from pipeline.local.mlflow_server import end_on_signals
from processing.base.errors import LaunchError
from processing.config.variation import write_varied

ENDPOINT = "smollm2"
ANOTHER_PROMPT = "Answer the question about health in one short sentence."
STAND_IN = "bedrock:/demo-judge-which-is-no-model"
ROWS = 30  # with fewer the gate has no verdict: budgets.min_rows


def main(python: Path, state: Path, rows: int) -> int:
    started = time.monotonic()
    folder = state / "llm"
    # its own folder for results and paid answers, empty: each time the model answers anew
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    say(f"starting {MODEL}, the local AWS, MLflow and a demo judge on loopback")
    file = write_file(folder)
    config = load_bundle(file).config
    first_port = four_free_ports(4566)
    with (
        model_served(python, folder / "server.log") as url,
        local_aws(config, first_port, state, servers={ENDPOINT: url}) as addresses,
    ):
        print(f"{MODEL} at {url} is behind the SageMaker endpoint {ENDPOINT}.")
        print("Its words, tokens and latencies are real. The judge is a program and no model: its")
        print("scores say nothing about the answers.")
        say("with the file's system prompt")
        first = try_in(folder, file, rows)
        say("with another one")
        second = try_in(folder, file, rows, "--set", f"endpoint.system_prompt={ANOTHER_PROMPT}")
        if not (first and second):
            return 1
        say("which differences are real?")
        page = folder / "compare.html"
        names = (first.name, second.name, "--html", page.name)
        compared = run("compare", *names, folder=folder) == 0
    answered = all(answered_rows(each) == rows for each in (first, second))
    say(f"done in {time.monotonic() - started:.0f} s; the model and the local AWS are gone")
    print(f"model:      {MODEL}, 135 million weights of 4 bits, Apache-2.0")
    print("real:       ROUGE, chrF, BLEU, lengths, tokens, latencies")
    print("not real:   what the demo judge says")
    print("reports:    open in a browser; the last one has both prompts side by side")
    for path in (first / "report.html", second / "report.html", page):
        print(f"            {path.resolve()}")
    print(f"MLflow:     make mlflow PORT={addresses.first_port + 3}")
    return 0 if compared and answered else 1


def write_file(folder: Path) -> Path:
    """The example's file with this model and, by a name that says so, the demo judge."""
    varied = {
        "endpoint.name": ENDPOINT,
        "endpoint.concurrency": PARALLEL,
        "endpoint.parameters.max_tokens": 128,  # it seldom ends by itself
        "judge.model": STAND_IN,
        "mlflow.experiment": ENDPOINT,
        "labels": None,  # they are of another model's answers
    }
    written = write_varied(CONFIG, varied, folder / "file")
    return written.rename(folder / f"{ENDPOINT}.yaml")


def try_in(folder: Path, file: Path, rows: int, *options: str) -> Path | None:
    """`try` in the folder. Returns the folder of its results; None if there are none."""
    before = set(folder.glob(".runs/2*"))
    run("try", "--config", file.name, "--rows", str(rows), *options, folder=folder)
    made = set(folder.glob(".runs/2*")) - before
    return next((path for path in made if (path / "evaluation.json").exists()), None)


def answered_rows(results: Path) -> int:
    """How many rows the model answered."""
    document: dict[str, Any] = json.loads((results / "evaluation.json").read_text())
    return int(document["counts"]["answered"])


if __name__ == "__main__":
    end_on_signals()
    parser = argparse.ArgumentParser(description="A real language model, evaluated twice.")
    parser.add_argument("--python", type=Path, required=True, help="the one with the packages")
    parser.add_argument("--state", type=Path, default=STATE, help="where results are kept")
    parser.add_argument("--rows", type=int, default=ROWS)
    given = parser.parse_args()
    try:
        sys.exit(main(given.python.absolute(), given.state, given.rows))
    except LaunchError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit("\nstopped")
