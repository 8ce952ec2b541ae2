"""The record in MLflow: run, traces, verdicts and prompts, written and read back."""
