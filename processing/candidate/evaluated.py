"""Which candidates have been evaluated, or are being: one object in S3 for each fingerprint.

An evaluation first claims its fingerprint, by S3's conditional write, so that of two executions
that a duplicate event has started at the same moment only one goes on. When it has a verdict, it
writes that in the claim's place; when it fails, it takes the claim back. A claim whose execution
has ended without either (a killed job) counts for nothing.

Only candidates are looked up: an endpoint that is evaluated again (a schedule, a person) is meant
to be evaluated again.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from processing.base.s3 import bucket_and_key

if TYPE_CHECKING:
    from boto3 import Session

    from processing.evaluation.job import EvaluationJob
    from processing.report.evaluation import Evaluation

FOLDER = "evaluations"
RUNNING = {"Executing", "Stopping"}
SLACK = dt.timedelta(hours=1)

Record = dict[str, Any]


@dataclass
class VerdictRegister:
    """The register of one job's fingerprint. Methods raise botocore's ClientError."""

    session: Session
    job: EvaluationJob
    fingerprint: str
    _s3: Any = field(init=False)

    def __post_init__(self) -> None:
        self._s3 = self.session.client("s3")

    def claim(self) -> Record | None:
        """None if this job may evaluate; else the record of who has done it, or is doing it."""
        while True:
            held = self._read()
            if held is None:
                condition = {"IfNoneMatch": "*"}
            else:
                record, etag = held
                if not self.job.reevaluate and self._counts(record):
                    return record
                condition = {"IfMatch": etag}
            if self._write(self._record("running"), condition):
                return None

    def keep(self, evaluation: Evaluation) -> None:
        """The verdict, whether passed or not, in the claim's place."""
        run, verdict = evaluation.run, evaluation.verdict
        record = {
            **self._record("done"),
            "passed": verdict.passed,
            "summary": verdict.summary,
            "mlflow": {"tracking_uri": run.tracking_uri, "run_id": run.run_id, "url": run.url},
        }
        self._write(record, {})

    def release(self) -> None:
        """Take this job's claim back; another's, or a verdict, stays."""
        held = self._read()
        if held and held[0]["state"] == "running" and held[0]["job"] == self.job.store.job:
            self._s3.delete_object(Bucket=self._bucket, Key=self._key)

    def _counts(self, record: Record) -> bool:
        """Whether a record stands for an evaluation that has been done or is under way."""
        if record["execution_arn"] == self.job.execution_arn:
            return False  # a step or execution that is retried is meant to go on
        status = self._execution_status(record["execution_arn"])
        if record["state"] == "running":
            return status in RUNNING if status else self._is_recent(record)
        # passed, but then not registered: to be done again, with what has been paid for
        return not (record["passed"] and status in ("Failed", "Stopped"))

    def _execution_status(self, arn: str) -> str | None:
        """None where nobody knows: an execution that is gone, one by hand, a role that may not."""
        from botocore.exceptions import BotoCoreError, ClientError

        if not arn:
            return None
        try:
            client = self.session.client("sagemaker")
            described = client.describe_pipeline_execution(PipelineExecutionArn=arn)
            return str(described["PipelineExecutionStatus"])
        except (ClientError, BotoCoreError):
            return None

    def _is_recent(self, record: Record) -> bool:
        """No job lives longer than its MaxRuntimeInSeconds."""
        longest = self.job.config.infrastructure.evaluate.max_runtime_seconds
        age = dt.datetime.now(dt.UTC) - dt.datetime.fromisoformat(record["at"])
        return age < dt.timedelta(seconds=longest) + SLACK

    def _record(self, state: str) -> Record:
        return {
            "state": state,
            "fingerprint": self.fingerprint,
            "model_package_arn": self.job.model_package_arn,
            "execution_arn": self.job.execution_arn,
            "job": self.job.store.job,
            "at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        }

    def _read(self) -> tuple[Record, str] | None:
        from botocore.exceptions import ClientError

        try:
            answer = self._s3.get_object(Bucket=self._bucket, Key=self._key)
        except ClientError as error:
            if error.response["Error"].get("Code") in ("NoSuchKey", "404"):
                return None
            raise
        return json.loads(answer["Body"].read()), answer["ETag"]

    def _write(self, record: Record, condition: dict[str, str]) -> bool:
        """False if somebody else was faster."""
        from botocore.exceptions import ClientError

        key = self.job.config.infrastructure.output_kms_key
        encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key} if key else {}
        try:
            self._s3.put_object(
                Bucket=self._bucket,
                Key=self._key,
                Body=json.dumps(record, indent=2).encode(),
                ContentType="application/json",
                **encryption,
                **condition,
            )
        except ClientError as error:
            lost = ("PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey", "412", "409")
            if condition and error.response["Error"].get("Code") in lost:
                return False
            raise
        return True

    @property
    def uri(self) -> str:
        return f"s3://{self._bucket}/{self._key}"

    @property
    def _bucket(self) -> str:
        return bucket_and_key(self.job.store.uri or "")[0]

    @property
    def _key(self) -> str:
        prefix = bucket_and_key(self.job.store.uri or "")[1].rstrip("/")
        return f"{prefix}/{FOLDER}/{self.fingerprint}.json"
