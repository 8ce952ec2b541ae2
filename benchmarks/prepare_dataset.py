"""PrepareDataset against the `datasets` library at the same work, on this machine.

python -m benchmarks.prepare_dataset --rows 1000000 --sample 500000 --shards 5

Both validate (question and expected response are texts that are not empty), drop duplicates, draw a
sample with a seed and write it as JSON Lines in shards. Each is a process of its own, with a cold
interpreter and cache, in turn. The floor is reading the file once and hashing it (SHA-256), which
is part of ours: the manifest names the source by its digest.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

ROOT = Path(__file__).parents[1]
TEXT = (
    "about after again blood breathing call cause daily doctor does exercise fever fluid heart "
    "hours ibuprofen illness keep medicine most muscles nausea often pain pharmacist pressure rest "
    "risk safe sleep stress sugar swelling symptoms take temperature über usually water weeks with"
)
WORDS = TEXT.split()

FLOOR_NAME, OURS_NAME = "read + SHA-256", "PrepareDataset"
SAMPLE_SHARE = 2
DUPLICATES_IN = 50
EMPTY_IN = 1000

FLOOR = """
import hashlib, sys
with open(sys.argv[1], "rb") as file:
    print(hashlib.file_digest(file, "sha256").hexdigest()[:12])
"""

DATASETS = """
import sys
import datasets, numpy
source, output, cache = sys.argv[1:4]
sample, shards, processes = map(int, sys.argv[4:])
processes = None if processes == 1 else processes
datasets.disable_progress_bars()
rows = datasets.load_dataset("json", data_files=source, split="train", cache_dir=cache)
rows = rows.filter(
    lambda batch: [
        isinstance(q, str) and isinstance(a, str) and bool(q.strip()) and bool(a.strip())
        for q, a in zip(batch["question"], batch["answer"])
    ],
    batched=True, num_proc=processes,
)
seen = set()
def first(batch):
    keep = []
    for pair in zip(batch["question"], batch["answer"]):
        key = hash(pair)
        keep.append(key not in seen)
        seen.add(key)
    return keep
rows = rows.filter(first, batched=True)
if 0 < sample < len(rows):
    drawn = numpy.random.default_rng(7).choice(len(rows), sample, replace=False)
    rows = rows.select(numpy.sort(drawn))
for number in range(shards):
    shard = rows.shard(shards, number, contiguous=True)
    shard.to_json(f"{output}/{number}.jsonl", num_proc=processes)
print(len(rows))
"""


Command = Callable[[str], list[str]]
"""From the folder for its output to the command line."""


@dataclass(frozen=True)
class Cost:
    """Seconds, seconds, MB. The memory is the largest sum over the process and its children."""

    wall: float
    cpu: float
    memory: float


def main() -> None:
    asked = _arguments()
    with tempfile.TemporaryDirectory(prefix="bench-prepare-") as name:
        folder = Path(name)
        source, config = folder / "rows.jsonl", folder / "evaluation.yaml"
        write_rows(source, asked.rows)
        config.write_text(json.dumps(_config(asked.sample, asked.shards)))
        size = source.stat().st_size / 1e6
        drawn = asked.sample or "all"
        print(f"{asked.rows} rows, {size:.0f} MB; {drawn} drawn, {asked.shards} shards")
        commands = _commands(asked, source, config)
        for _ in range(asked.repeat):
            _table({name: _run(command, folder) for name, command in commands.items()})


def _commands(asked: argparse.Namespace, source: Path, config: Path) -> dict[str, Command]:
    def ours(out: str) -> list[str]:
        job = [sys.executable, "-m", "processing.prepare_dataset", "--config", str(config)]
        return [*job, "--output", out, "--input", f"{out}/none"]

    def theirs(processes: int, out: str) -> list[str]:
        numbers = (str(asked.sample), str(asked.shards), str(processes))
        return [sys.executable, "-c", DATASETS, str(source), out, f"{out}/cache", *numbers]

    return {
        FLOOR_NAME: lambda _: [sys.executable, "-c", FLOOR, str(source)],
        OURS_NAME: ours,
        **{f"datasets, num_proc {n}": partial(theirs, n) for n in asked.datasets_processes},
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--sample", type=int, help="rows drawn, 0 for all (default: half)")
    parser.add_argument("--shards", type=int, default=5)
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--datasets-processes", type=int, nargs="*", default=[1, 2])
    asked = parser.parse_args()
    if asked.sample is None:
        asked.sample = asked.rows // SAMPLE_SHARE
    return asked


def write_rows(path: Path, count: int) -> None:
    """About 500 bytes a row; one in DUPLICATES_IN again, one in EMPTY_IN without an answer."""
    draw = random.Random(1)
    topics = [f"topic {n}" for n in range(20)]
    with path.open("w", encoding="utf-8") as file:
        line = ""
        for number in range(count):
            if number % DUPLICATES_IN or not line:
                row = {
                    "id": number,
                    "question": f"{' '.join(draw.choices(WORDS, k=15))} {number}?",
                    "answer": "" if number % EMPTY_IN == 1 else " ".join(draw.choices(WORDS, k=45)),
                    "topic": draw.choice(topics),
                    "difficulty": draw.randrange(5),
                }
                line = json.dumps(row, ensure_ascii=bool(number % 2)) + "\n"
            file.write(line)


def _config(sample: int, shards: int) -> dict[str, object]:
    role = "arn:aws:iam::123456789012:role/r"
    return {
        "dataset": {
            "source": "rows.jsonl",
            "columns": {"question": "question", "expected_response": "answer"},
            "sample_size": sample,
            "seed": 7,
            "max_unusable_share": 0.01,
        },
        "endpoint": {"name": "model"},
        "scorers": ["rougeL_fmeasure"],
        "thresholds": {"rougeL_fmeasure": {"min": 0.1}},
        "registration": {"model_package_group": "group"},
        "mlflow": {"tracking_uri": "http://127.0.0.1:1"},
        "infrastructure": {
            "bucket": "bucket",
            "pipeline_role": role,
            "job_role": role,
            "image": "image",
            "evaluate": {"instance_count": shards},
        },
    }


def _run(command: Command, folder: Path) -> Cost:
    with tempfile.TemporaryDirectory(dir=folder) as out:
        started = time.monotonic()
        process = subprocess.Popen(
            command(out),
            cwd=ROOT,
            env={**os.environ, "HF_DATASETS_OFFLINE": "1", "HF_HUB_OFFLINE": "1", "HF_HOME": out},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        peak = [0.0]
        threading.Thread(target=_watch, args=(process.pid, peak), daemon=True).start()
        said = process.stdout.read() if process.stdout else ""
        _, status, used = os.wait4(process.pid, 0)
        wall = time.monotonic() - started
    if status:
        raise SystemExit(f"{' '.join(command('OUT'))[:300]}\n{said}")
    return Cost(wall, used.ru_utime + used.ru_stime, max(peak[0], used.ru_maxrss / 1024))


def _watch(pid: int, peak: list[float]) -> None:
    """The process's memory and its children's, twenty times a second (Linux; proportional set)."""
    while True:
        total = sum(_memory(each) for each in [pid, *_children(pid)])
        if not total:
            return
        peak[0] = max(peak[0], total)
        time.sleep(0.05)


def _memory(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    kilobytes = {line.split(":")[0]: line.split()[1] for line in lines[1:]}
    return int(kilobytes["Pss_Anon"]) / 1024


def _children(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [int(child) for child in task.read_text().split()]
        except OSError:
            continue
    return found


def _table(costs: dict[str, Cost]) -> None:
    floor, ours = costs[FLOOR_NAME], costs[OURS_NAME]
    print(f"{'':26}{'wall s':>8}{'CPU s':>8}{'peak MB':>9}{'x floor':>9}{'x ours':>8}")
    for name, cost in costs.items():
        print(
            f"{name:26}{cost.wall:8.1f}{cost.cpu:8.1f}{cost.memory:9.0f}"
            f"{cost.wall / floor.wall:9.1f}{cost.wall / ours.wall:8.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
