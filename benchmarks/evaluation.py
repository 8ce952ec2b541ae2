"""How much an evaluation costs on top of the services it asks: `make bench`.

Every contender does the same work against the same stub: one call a row to the endpoint, one for
each judge's verdict, 0.2 s each. ideal = calls x latency / concurrency. Each is a process of its
own, imports included; MLflow is a real server on SQLite, of two processes unless told otherwise
(its own default is four), and its processor time is shown apart.
Calls are counted at the stub: a contender that made others than it should is marked. The last
column counts what MLflow holds at the end (ours and plain: a trace a row, and on it the expectation
and a verdict from each judge and from is_brief; the other harnesses do not log to MLflow).

    python benchmarks/evaluation.py --rows 200 1000 --judges 0 4 all --concurrency 10 32 64 128
    python benchmarks/evaluation.py --contenders ours plain_mlflow_tuned --rows 1000 --judges 4
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))

from pipeline.local.mlflow_server import start_mlflow, wait_for  # noqa: E402

BENCHMARKS = REPOSITORY / "benchmarks"
LATENCY = 0.2
CALLS_OF_ALL = 20
"""Judge calls a row of evaluation.yaml's scorers but RAGAS's: ten of one, DeepEval's 3 + 3 + 4."""


@dataclass(frozen=True)
class Work:
    rows: int
    judges: str
    concurrency: int
    calls_a_row: int

    @property
    def calls(self) -> int:
        return self.rows * self.calls_a_row

    @property
    def ideal(self) -> float:
        return self.calls * LATENCY / self.concurrency


@dataclass(frozen=True)
class Servers:
    stub: str
    mlflow: str
    mlflow_pid: int


def main() -> None:
    given = _arguments()
    print(
        f"{'contender':<20} {'rows':>6} {'judges':>6} {'at once':>7} {'calls':>6} {'ideal':>6} "
        f"{'wall':>7} {'x ideal':>7} {'CPU':>6} {'CPU ms/row':>10} {'first call':>10} "
        f"{'peak MB':>7} {'MLflow CPU':>10} {'MLflow MB':>9} {'traces+verdicts':>15}"
    )
    for rows in given.rows:
        for judges in given.judges:
            for concurrency in given.concurrency:
                for contender in given.contenders:
                    _measure(contender, rows, judges, concurrency, given.mlflow_workers)


def _measure(contender: str, rows: int, judges: str, concurrency: int, mlflow_workers: int) -> None:
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    try:
        with running_servers(folder, mlflow_workers=mlflow_workers) as servers:
            work = Work(rows, judges, concurrency, 1 + _judge_calls(judges))
            command, environment = CONTENDERS[contender](work, folder, servers)
            if command is None:
                print(f"{contender:<20} left out: not installed, or not made for this work")
                return
            timed = timed_run(command, environment, folder)
            _tell(contender, work, servers, timed, folder / "mlflow")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _judge_calls(judges: str) -> int:
    return CALLS_OF_ALL if judges == "all" else int(judges)


@dataclass(frozen=True)
class Timed:
    started: float
    wall: float
    cpu: float
    peak_mb: float
    returncode: int


def timed_run(command: list[str], environment: dict[str, str], folder: Path) -> Timed:
    started = time.monotonic()
    command = [*os.environ.get("BENCH_UNDER", "").split(), *command]  # a profiler
    if keep := os.environ.get("BENCH_LOG"):
        folder = Path(keep)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=REPOSITORY)
        _, status, usage = os.wait4(process.pid, 0)
    return Timed(
        started,
        time.monotonic() - started,
        usage.ru_utime + usage.ru_stime,
        usage.ru_maxrss / 1024,
        os.waitstatus_to_exitcode(status),
    )


def _tell(contender: str, work: Work, servers: Servers, timed: Timed, state: Path) -> None:
    told = get_json(f"{servers.stub}/calls")
    made = sum(told["calls"].values())
    stored = sum(file.stat().st_size for file in state.glob("mlflow.db*"))
    first = told["curve"][0][0] - timed.started if told["curve"] else float("nan")
    print(
        f"{contender:<20} {work.rows:>6} {work.judges:>6} {work.concurrency:>7} {made:>6} "
        f"{work.ideal:>6.1f} {timed.wall:>7.1f} {timed.wall / work.ideal:>7.2f} "
        f"{timed.cpu:>6.1f} {timed.cpu / work.rows * 1000:>10.1f} {first:>10.1f} "
        f"{timed.peak_mb:>7.0f} {_cpu_of(servers.mlflow_pid):>10.1f} "
        f"{stored / 1e6:>9.1f} {_recorded(state):>15}"
        + ("" if made == work.calls else f"  CALLS: {work.calls} were due")
        + (f"  EXIT CODE {timed.returncode}" if timed.returncode else ""),
        flush=True,
    )


def _recorded(state: Path) -> str:
    """What MLflow holds in the end: traces and assessments."""
    with contextlib.closing(sqlite3.connect(state / "mlflow.db")) as database:
        count = "SELECT (SELECT COUNT(*) FROM trace_info), (SELECT COUNT(*) FROM assessments)"
        traces, assessments = database.execute(count).fetchone()
    return f"{traces}+{assessments}"


def get_json(address: str) -> Any:
    with urllib.request.urlopen(address) as response:
        return json.load(response)


def _cpu_of(pid: int) -> float:
    """Processor seconds of the process group's leader and all its children, so far."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, IndexError):
            fields = stat.read_text().rpartition(")")[2].split()
            if int(fields[2]) == pid:  # the process group
                ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def running_servers(folder: Path, at_once: int = 0, mlflow_workers: int = 1) -> Iterator[Servers]:
    port = _free_port()
    command = [sys.executable, str(BENCHMARKS / "stub.py"), str(port), "--at-once", str(at_once)]
    stub = subprocess.Popen([*command, "--latency", str(LATENCY)])
    mlflow = start_mlflow(_free_port(), folder / "mlflow", workers=mlflow_workers)
    try:
        wait_for(mlflow)
        yield Servers(f"http://127.0.0.1:{port}", mlflow.url, mlflow.process.pid)
    finally:
        mlflow.stop()
        stub.kill()
        stub.wait()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _environment(servers: Servers, **more: object) -> dict[str, str]:
    return {
        **os.environ,
        "PYTHONPATH": str(REPOSITORY),
        "AWS_ENDPOINT_URL": servers.stub,
        "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": servers.stub,
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": servers.stub,
        "AWS_BEDROCK_RUNTIME_ENDPOINT": servers.stub,
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
        "AWS_DEFAULT_REGION": "us-east-1",
        "MLFLOW_TRACKING_URI": servers.mlflow,
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_MODEL_CATALOG_URI": "",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "DO_NOT_TRACK": "true",
        "DEEPEVAL_TELEMETRY_OPT_OUT": "1",
        "BENCH_URL": servers.stub,
        **{name: str(value) for name, value in more.items()},
    }


Prepared = tuple[list[str] | None, dict[str, str]]
Contender = Callable[[Work, Path, Servers], Prepared]


def _ours(work: Work, folder: Path, servers: Servers, **mlflow: object) -> Prepared:
    config: dict[str, Any] = yaml.safe_load((REPOSITORY / "evaluation.yaml").read_text())
    config["endpoint"] |= {"name": "bench", "concurrency": {"max": work.concurrency}}
    config["judge"] = {"model": "bedrock:/bench", "concurrency": work.concurrency}
    config["mlflow"] |= {"tracking_uri": servers.mlflow, **mlflow}
    if work.judges == "all":
        config["scorers"] = [s for s in config["scorers"] if "FactualCorrectness" not in str(s)]
    else:
        judges = ["Safety", "RelevanceToQuery", "Equivalence", "Correctness"]
        config["scorers"] = [{"is_brief": {"max_words": 80}}, *judges[: int(work.judges)]]
    config["thresholds"] = {"is_brief": {"min": 0.1}}
    for section in ("slices", "labels"):
        config.pop(section, None)
    (folder / "evaluation.yaml").write_text(yaml.safe_dump(config))
    dataset = _dataset(work, folder)
    command = [sys.executable, "-m", "processing.evaluate"]
    for option, value in {
        "config": folder / "evaluation.yaml",
        "dataset": dataset,
        "output": folder / "output",
        "store": folder / "store",
    }.items():
        command += [f"--{option}", str(value)]
    return command, _environment(servers)


def _ours_without_spans(work: Work, folder: Path, servers: Servers) -> Prepared:
    """What the spans of the judges' calls cost is the difference."""
    return _ours(work, folder, servers, judge_spans="none")


def _dataset(work: Work, folder: Path) -> Path:
    """As PrepareDataset leaves it."""
    rows = folder / "raw.jsonl"
    with rows.open("w") as lines:
        for number in range(work.rows):
            row = {
                "question": f"What helps against a fever of {number / 100 + 30:.2f} degrees, and "
                "when does somebody who has one have to see a doctor about it?",
                "answer": "Rest and enough to drink help; see a doctor after three days of it, "
                f"or at once where breathing is hard or a rash appears (case {number}).",
                "passages": ["Fever is the body's defence.", "Drink enough, and rest."],
            }
            lines.write(json.dumps(row) + "\n")
    config = {
        "dataset": {
            "source": str(rows),
            "columns": {
                "question": "question",
                "expected_response": "answer",
                "context": "passages",
            },
        }
    }
    whole = yaml.safe_load((REPOSITORY / "evaluation.yaml").read_text()) | config
    (folder / "prepare.yaml").write_text(yaml.safe_dump(whole))
    prepare = [sys.executable, "-m", "processing.prepare_dataset"]
    options = ["--config", str(folder / "prepare.yaml"), "--output", str(folder / "dataset")]
    subprocess.run([*prepare, *options], check=True, stdout=subprocess.DEVNULL, cwd=REPOSITORY)
    return folder / "dataset"


def _script(name: str, work: Work, folder: Path, python: str = sys.executable) -> list[str] | None:
    """The command of a contender's script; None for work that it is not made for."""
    if work.judges == "all":
        return None
    script = BENCHMARKS / "contenders" / f"{name}.py"
    rows = _dataset(work, folder).parent / "raw.jsonl"
    return [python, str(script), str(rows), work.judges, str(work.concurrency)]


def _plain(work: Work, folder: Path, servers: Servers, **settings: object) -> Prepared:
    return _script("plain_mlflow", work, folder), _environment(servers, **settings)


def _plain_mlflow(work: Work, folder: Path, servers: Servers) -> Prepared:
    return _plain(work, folder, servers)


def _plain_mlflow_tuned(work: Work, folder: Path, servers: Servers) -> Prepared:
    """Every knob that MLflow has turned up: see peers-speed in the facts, and its environment."""
    return _plain(
        work,
        folder,
        servers,
        MLFLOW_GENAI_EVAL_MAX_WORKERS=work.concurrency,
        MLFLOW_GENAI_EVAL_MAX_SCORER_WORKERS=work.concurrency,
        MLFLOW_GENAI_EVAL_PREDICT_RATE_LIMIT=0,
        MLFLOW_GENAI_EVAL_SKIP_TRACE_VALIDATION="true",
        MLFLOW_HTTP_POOL_MAXSIZE=work.concurrency * 5,
    )


def _boto3_alone(work: Work, folder: Path, servers: Servers) -> Prepared:
    """The calls and nothing else: the physical limit of whoever uses the AWS SDK for Python."""
    return _script("boto3_alone", work, folder), _environment(servers)


def _peer(name: str, is_there: Callable[[str], bool]) -> Contender:
    """Another harness, if it is installed: in this environment, or in that of BENCH_PYTHON."""

    def prepare(work: Work, folder: Path, servers: Servers) -> Prepared:
        python = os.environ.get("BENCH_PYTHON", sys.executable)
        command = _script(f"{name}_eval", work, folder, python) if is_there(python) else None
        return command, _environment(servers)

    return prepare


def _imports(module: str) -> Callable[[str], bool]:
    def is_there(python: str) -> bool:
        found = f"import importlib.util as u; raise SystemExit(not u.find_spec({module!r}))"
        return subprocess.run([python, "-c", found], check=False).returncode == 0

    return is_there


CONTENDERS: dict[str, Contender] = {
    "ours": _ours,
    "ours_without_judge_spans": _ours_without_spans,
    "plain_mlflow": _plain_mlflow,
    "plain_mlflow_tuned": _plain_mlflow_tuned,
    "boto3_alone": _boto3_alone,
    "inspect": _peer("inspect", _imports("inspect_ai")),
    "deepeval": _peer("deepeval", _imports("deepeval")),
    "promptfoo": _peer("promptfoo", lambda _: shutil.which("promptfoo") is not None),
}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, nargs="+", default=[200, 1000])
    parser.add_argument("--judges", nargs="+", default=["0", "4", "all"])
    parser.add_argument("--concurrency", type=int, nargs="+", default=[10, 32, 64, 128])
    parser.add_argument("--contenders", nargs="+", choices=[*CONTENDERS], default=["ours"])
    parser.add_argument("--mlflow-workers", type=int, default=2, help="the server's processes")
    return parser.parse_args()


if __name__ == "__main__":
    main()
