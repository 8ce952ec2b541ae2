"""DeepEval on the same work: answers first, then one GEval verdict a judge, its client reused.

DeepEval as shipped makes a client for each metric call; this one is its `deepeval_reuse` variant.
"""

from __future__ import annotations

import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import openai
from deepeval import evaluate
from deepeval.evaluate.configs import AsyncConfig, CacheConfig, DisplayConfig
from deepeval.metrics import GEval
from deepeval.models import DeepEvalBaseLLM
from deepeval.test_case import LLMTestCase, SingleTurnParams

URL = os.environ["BENCH_URL"]


class Stub(DeepEvalBaseLLM):  # type: ignore[no-untyped-call]
    def __init__(self) -> None:
        self._client = openai.AsyncOpenAI(base_url=f"{URL}/v1", api_key="bench", max_retries=0)
        super().__init__("bench")

    def load_model(self) -> Stub:
        return self

    def generate(self, prompt: str, schema: Any = None) -> Any:
        raise NotImplementedError

    async def a_generate(self, prompt: str, schema: Any = None) -> Any:
        form = {"name": "verdict", "schema": schema.model_json_schema()}
        response = await self._client.chat.completions.create(
            model="bench",
            messages=[{"role": "user", "content": prompt}],
            response_format={"type": "json_schema", "json_schema": form},
        )
        return schema.model_validate_json(response.choices[0].message.content)

    def get_model_name(self) -> str:
        return "bench"


def main(dataset: str, judges: int, concurrency: int) -> None:
    rows = [json.loads(line) for line in Path(dataset).read_text(encoding="utf-8").splitlines()]
    client = openai.OpenAI(base_url=f"{URL}/v1", api_key="bench", max_retries=0)

    def answered(row: dict[str, Any]) -> LLMTestCase:
        asked = [{"role": "user", "content": row["question"]}]
        response = client.chat.completions.create(model="bench", messages=asked)
        said = response.choices[0].message.content
        return LLMTestCase(input=row["question"], actual_output=said)

    with ThreadPoolExecutor(concurrency) as pool:
        cases = list(pool.map(answered, rows))
    if not judges:
        return
    model = Stub()
    evaluate(
        cases,
        metrics=[
            GEval(
                name=f"judge {number}",
                evaluation_steps=["Is the output a good answer to the input?"],
                evaluation_params=[SingleTurnParams.INPUT, SingleTurnParams.ACTUAL_OUTPUT],
                model=model,
            )
            for number in range(judges)
        ],
        async_config=AsyncConfig(max_concurrent=max(1, concurrency // judges), throttle_value=0),
        display_config=DisplayConfig(show_indicator=False, print_results=False),
        cache_config=CacheConfig(write_cache=False),
    )


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
