"""`mlflow.genai.evaluate` as its documentation shows it: a predict_fn, and judges by make_judge."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import boto3
import mlflow
from mlflow.genai import make_judge, scorer


@scorer
def is_brief(outputs: str) -> bool:
    return len(outputs.split()) <= 80


def main(dataset: str, judges: int, concurrency: int) -> None:
    from botocore.config import Config

    client = boto3.client("sagemaker-runtime", config=Config(max_pool_connections=concurrency))

    @mlflow.trace  # else nothing is recorded where the trial call that looks for it is left out
    def answer(question: str) -> str:
        body = {"messages": [{"role": "user", "content": question}]}
        response = client.invoke_endpoint(
            EndpointName="bench", ContentType="application/json", Body=json.dumps(body)
        )
        return str(json.loads(response["Body"].read())["choices"][0]["message"]["content"])

    rows = [json.loads(line) for line in Path(dataset).read_text(encoding="utf-8").splitlines()]
    mlflow.set_tracking_uri(os.environ["MLFLOW_TRACKING_URI"])
    mlflow.set_experiment("plain")
    mlflow.genai.evaluate(
        data=[
            {
                "inputs": {"question": row["question"]},
                "expectations": {"expected_response": row["answer"]},
            }
            for row in rows
        ],
        predict_fn=answer,
        scorers=[is_brief]
        + [
            make_judge(
                name=f"judge_{number}",
                instructions="Is {{ outputs }} a good answer to {{ inputs }}? Answer yes or no.",
                model="bedrock/converse:/bench",
                feedback_value_type=bool,
            )
            for number in range(judges)
        ],
    )


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
