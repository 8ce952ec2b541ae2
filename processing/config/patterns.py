"""What names and addresses in the configuration have to be like: as patterns, and in words."""

_BUCKET = r"[a-z0-9][a-z0-9.\-]{1,61}[a-z0-9]"

BUCKET = f"^{_BUCKET}$"
S3_URI = f"^s3://{_BUCKET}(/.*)?$"
NAME = r"^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$"
INSTANCE = r"^ml\..+"
REGION = r"^[a-z]{2,4}(-[a-z]+)+-\d+$"
ROLE = r"^arn:aws[a-z-]*:iam::\d{12}:role/.+$"
MLFLOW = (
    r"^(https?://.+|arn:aws[a-z-]*:sagemaker:[a-z0-9-]+:\d{12}:mlflow-(app|tracking-server)/.+)$"
)
MODEL = r"^arn:aws[a-z-]*:sagemaker:[a-z0-9-]+:\d{12}:(model/[^/]+|model-package/[^/]+(/\d+)?)$"
JUDGE = r"^[a-z0-9_\-]+(/[a-z]+)?:/.+"
# ISO 8601, of what SageMaker's step cache takes (years, months, weeks, days, hours, minutes)
NAMESPACE = r"^[0-9B-Zb-z._\-/#aA][0-9A-Za-z._\-/#: ]{0,254}$"
DURATION = (
    r"^P(\d+Y(\d+M)?(\d+W)?(\d+D)?|\d+M(\d+W)?(\d+D)?|\d+W(\d+D)?|\d+D)(T(\d+H(\d+M)?|\d+M))?$"
    r"|^PT(\d+H(\d+M)?|\d+M)$"
)

IN_WORDS = {
    BUCKET: "the name of a bucket alone, such as my-bucket",
    S3_URI: "of the form s3://bucket/key",
    NAME: "a name of at most 63 letters, digits and single hyphens",
    INSTANCE: "an instance type of SageMaker's, such as ml.m5.large",
    REGION: "a region of AWS's, such as us-east-1",
    ROLE: "the ARN of a role: arn:aws:iam::ACCOUNT:role/NAME, with the account's 12 digits",
    MLFLOW: "an http(s) address, or the ARN of a MLflow App: "
    "arn:aws:sagemaker:REGION:ACCOUNT:mlflow-app/NAME (or of a mlflow-tracking-server)",
    MODEL: "the ARN of a model or of a model package: arn:aws:sagemaker:REGION:ACCOUNT:model/NAME "
    "or model-package/GROUP/VERSION",
    NAMESPACE: "a CloudWatch namespace: letters, digits and . - _ / # : and blanks",
    DURATION: "an ISO 8601 duration, such as P30D (30 days) or PT12H (12 hours)",
    JUDGE: "provider:/model, such as bedrock:/us.amazon.nova-pro-v1:0",
}
