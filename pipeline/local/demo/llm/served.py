"""The model's server as a process of another Python, for as long as a block runs."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from processing.base.errors import LaunchError

REPOSITORY = Path(__file__).resolve().parents[4]
_END_SECONDS = 10.0


@contextmanager
def model_served(python: Path, log: Path) -> Iterator[str]:
    """Its address on loopback. `python` is the one that has the packages, as an absolute path.

    Raises LaunchError naming the log if it does not start.
    """
    # OpenMP's threads wait for each other after every layer. By default they do so by computing:
    # beside any other program that is ten times slower.
    environment = {**os.environ, "OMP_WAIT_POLICY": "passive"}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [python, "-m", "pipeline.local.demo.llm.server"],
            cwd=REPOSITORY,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=output,
            start_new_session=True,
        )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        address = process.stdout.readline().decode().strip()
        if not address:
            raise LaunchError(f"the model's server did not start: its log {log} says why")
        yield address
    finally:
        process.stdin.close()  # it ends with its standard input, also when this process is killed
        try:
            process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
