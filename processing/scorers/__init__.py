"""Scorers: what each is called in the configuration, and the MLflow scorer that it becomes."""
