"""The same calls through boto3 and nothing else: no scorer reads them, nothing is recorded.

What the AWS SDK for Python itself takes of this machine, and so the floor for whoever uses it.
"""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

INSTRUCTIONS = "Is this a good answer to the question? Say yes or no, and why."


def main(dataset: str, judges: int, concurrency: int) -> None:
    config = Config(max_pool_connections=concurrency)
    endpoint = boto3.client("sagemaker-runtime", config=config)
    bedrock = boto3.client("bedrock-runtime", config=config)

    def judge(question: str, answer: str) -> None:
        prompt = f"{INSTRUCTIONS}\n\n{question}\n\n{answer}"
        bedrock.converse(
            modelId="bench",
            messages=[{"role": "user", "content": [{"text": prompt}]}],
            inferenceConfig={"maxTokens": 1000},
        )

    def evaluate(row: dict[str, Any]) -> None:
        body = {"messages": [{"role": "user", "content": row["question"]}]}
        response = endpoint.invoke_endpoint(
            EndpointName="bench", ContentType="application/json", Body=json.dumps(body)
        )
        answer = json.loads(response["Body"].read())["choices"][0]["message"]["content"]
        for _ in range(judges):
            judge(row["question"], answer)

    rows = [json.loads(line) for line in Path(dataset).read_text(encoding="utf-8").splitlines()]
    with ThreadPoolExecutor(concurrency) as pool:
        list(pool.map(evaluate, rows))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
