"""What runs inside the processing containers: prepare a dataset, evaluate a model, judge it.

Nothing in here imports `pipeline` or the SageMaker SDK.
"""
