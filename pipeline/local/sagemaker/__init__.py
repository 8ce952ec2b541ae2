"""SageMaker's pipelines, executions, endpoints and model registry in the local AWS."""
