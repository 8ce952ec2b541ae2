"""Read the results in MLflow: runs and traces as DataFrames, the worst rows first.

    python -m examples.python.read_mlflow

MLflow itself reads MLFLOW_TRACKING_URI: an address, or on AWS the ARN of an MLflow App, for which
sagemaker-mlflow has to be installed. Environment: see README.md in this folder.
"""

import logging
import os

import mlflow
import pandas as pd

missing = [
    name for name in ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME") if name not in os.environ
]
if missing:
    raise SystemExit(f"set {', '.join(missing)}: README.md in examples/python says to what")

# sagemaker-mlflow warns of each address that is no ARN, such as that of the local AWS.
logging.getLogger("mlflow.tracking.request_header.registry").setLevel(logging.ERROR)

# Each evaluation is a run: its parameters say what was evaluated, its metrics what came of it.
runs = mlflow.search_runs(
    experiment_names=[os.environ["MLFLOW_EXPERIMENT_NAME"]], order_by=["start_time DESC"]
)
means = runs.filter(regex=r"^metrics\..*/mean$").rename(columns=lambda name: name[8:-5])
print(means.set_index(runs["run_id"]).round(3).T.to_string())

# Each row is a trace: what was asked and answered, and an assessment for each scorer.
newest = runs.iloc[0]
traces = mlflow.search_traces(
    locations=[newest["experiment_id"]], run_id=newest["run_id"], max_results=10_000
)
verdicts = pd.DataFrame(
    [
        {
            "question": trace.request["question"],
            "answer": trace.response,
            "scorer": assessment["assessment_name"],
            "value": assessment["feedback"]["value"],
            "reason": assessment.get("rationale", ""),
        }
        for trace in traces.itertuples()
        for assessment in trace.assessments
        if "feedback" in assessment  # an expectation has none
    ]
)
print(f"{len(traces)} rows, {len(verdicts)} verdicts")

# Worst first: the rows that most scorers said no to, and why.
failed = verdicts[verdicts["value"].isin(["no", False])]  # a number of 0 is False too
by_question = failed.groupby("question")["scorer"]
worst = by_question.agg(count="count", scorers=", ".join).nlargest(5, "count")
for question, row in worst.iterrows():
    print(f"{row['count']} scorers: {question} ({row['scorers']})")
for verdict in failed[failed["question"].isin(worst.index[:1])].itertuples():
    print(f"- {verdict.scorer}: {verdict.reason}")
