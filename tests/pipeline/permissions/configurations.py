"""Configurations that between them use everything that needs a permission."""

from __future__ import annotations

from typing import Any

from judge_models import EXAMPLE_ID

ACCOUNT = "123456789012"
PROFILE = EXAMPLE_ID
APPLICATION_PROFILE = (
    f"arn:aws:bedrock:us-east-1:{ACCOUNT}:application-inference-profile/abcdefgh1234"
)
EXAMPLE: dict[str, Any] = {}
FULL: dict[str, Any] = {
    "pipeline": {"name": "full", "cache": "P30D"},
    "endpoint": {"inference_component": "component-1"},
    "dataset": {"source": "s3://their-data/questions/all.jsonl"},
    "labels": "s3://their-people/labels.csv",
    "scorers": [
        "rougeL_fmeasure",
        "Safety",
        {"Correctness": {"judge": {"model": "bedrock:/amazon.nova-pro-v1:0"}}},
        {"Equivalence": {"judge": {"model": f"bedrock:/{APPLICATION_PROFILE}"}}},
        {"RelevanceToQuery": {"judge": {"model": "openai:/gpt-x"}}},
    ],
    "thresholds": {"rougeL_fmeasure": {"min": 0.3}},
    "champion": {"metrics": {"rougeL_fmeasure": {"margin": 0.05}}},
    "candidate": {
        "model_data": ["s3://training-output/models/"],
        "images": [f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/serving:3"],
    },
    "registration": {"stamp_candidate": True},
    "trigger": {"schedule": "rate(7 days)"},
    "notify": {"bus": f"arn:aws:events:us-east-1:{ACCOUNT}:event-bus/verdicts"},
    "monitoring": {"cloudwatch": True},
    "mlflow": {
        "tracking_uri": f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:mlflow-app/app-ABC",
        "artifact_location": "s3://mlflow-artifacts/evaluations",
    },
    "secrets": {
        "OPENAI_API_KEY": f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:judges-AbCdEf:key::",
        "ANTHROPIC_API_KEY": f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:judges-AbCdEf:k::",
        "HF_TOKEN": f"arn:aws:ssm:us-east-1:{ACCOUNT}:parameter/hub/token",
    },
    "infrastructure": {
        "stamp_role": f"arn:aws:iam::{ACCOUNT}:role/llm-evaluation-stamp",
        "image": f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/team/llm-evaluation:1.2.3",
        "volume_kms_key": "1111-2222",
        "output_kms_key": f"arn:aws:kms:us-east-1:{ACCOUNT}:key/3333-4444",
        "subnets": ["subnet-1", "subnet-2"],
        "security_group_ids": ["sg-1"],
    },
}
TRACKING_SERVER: dict[str, Any] = {
    "mlflow": {"tracking_uri": f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:mlflow-tracking-server/mine"}
}
BY_JOB: dict[str, Any] = {
    "registration": {"by": "job"},
    "infrastructure": {"register_role": f"arn:aws:iam::{ACCOUNT}:role/llm-evaluation-register"},
}
ASYNCHRONOUS: dict[str, Any] = {
    "endpoint": {"asynchronous": True},
    "candidate": {"instance_type": "ml.g5.xlarge"},
    "infrastructure": {"output_kms_key": FULL["infrastructure"]["output_kms_key"]},
}
CONFIGURATIONS = {
    "example": EXAMPLE,
    "full": FULL,
    "tracking server": TRACKING_SERVER,
    "by job": BY_JOB,
    "asynchronous": ASYNCHRONOUS,
}
