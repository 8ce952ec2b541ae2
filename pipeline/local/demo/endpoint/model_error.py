"""ModelError in the words of SageMaker, which wraps what the container said."""

from pipeline.local.demo.calls import WireError

ACCOUNT = "123456789012"
MODEL_ERROR_STATUS = 424


def model_error(endpoint: str, status: int, message: str) -> WireError:
    """`status` and `message` are the container's; status 0 is a container that did not answer."""
    side = "client" if 400 <= status < 500 else "server"
    group = f"/aws/sagemaker/Endpoints/{endpoint}"
    return WireError(
        "ModelError",
        MODEL_ERROR_STATUS,
        Message=f'Received {side} error ({status}) from primary with message "{message}". '
        f"See log group {group} in account {ACCOUNT} for more information.",
        OriginalStatusCode=status,
        OriginalMessage=message,
        LogStreamArn=f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:{group}",
    )
