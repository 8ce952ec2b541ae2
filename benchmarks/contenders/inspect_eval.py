"""inspect_ai on the same work: generate, and one model-graded verdict a judge."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from inspect_ai import Task, eval
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import GenerateConfig, get_model
from inspect_ai.scorer import Score, Scorer, Target, accuracy, scorer
from inspect_ai.solver import TaskState, generate


@scorer(metrics=[accuracy()])
def judged(number: int) -> Scorer:
    async def score(state: TaskState, target: Target) -> Score:
        asked = f"Judge {number}: is this a good answer? {state.output.completion} {target.text}"
        said = await get_model().generate(asked)
        return Score(value="C" if said.completion else "I")

    return score


def main(dataset: str, judges: int, concurrency: int) -> None:
    rows = [json.loads(line) for line in Path(dataset).read_text(encoding="utf-8").splitlines()]
    samples = [Sample(input=row["question"], target=row["answer"]) for row in rows]
    os.environ["BENCH_API_KEY"] = "bench"
    os.environ["BENCH_BASE_URL"] = f"{os.environ['BENCH_URL']}/v1"
    eval(
        Task(
            dataset=MemoryDataset(samples),
            solver=generate(),
            scorer=[judged(number) for number in range(judges)] or None,
        ),
        model=get_model("openai-api/bench/bench", config=GenerateConfig(max_retries=0)),
        max_connections=concurrency,
        max_samples=concurrency * 2,
        display="none",
        log_dir=str(Path(dataset).parent / "inspect"),
    )


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
