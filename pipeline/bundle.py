"""What the jobs need from the user's machine, and where in S3 it goes.

Keys hold the content's digest, so that an upload never changes what an earlier upsert refers to.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from processing.config import EvaluationConfig
from processing.config_file import load_config
from processing.errors import ConfigError

if TYPE_CHECKING:
    from boto3 import Session


@dataclass(frozen=True)
class Upload:
    path: Path
    bucket: str
    key: str

    @property
    def uri(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


@dataclass(frozen=True)
class Bundle:
    """A configuration file with everything that it refers to on this machine.

    `dataset_uri` is where the pipeline finds the dataset: in S3, or on the hub (hf://).
    """

    config: EvaluationConfig
    config_upload: Upload
    dataset_upload: Upload | None
    dataset_uri: str

    @property
    def uploads(self) -> list[Upload]:
        return [self.config_upload, *([self.dataset_upload] if self.dataset_upload else [])]

    def run_uri(self, *parts: str) -> str:
        """s3://bucket/prefix/parts..."""
        infrastructure = self.config.infrastructure
        return "/".join([f"s3://{infrastructure.bucket}", infrastructure.prefix, *parts])


def load_bundle(path: Path) -> Bundle:
    """Read the configuration and find the files it names. No AWS call.

    Raises ConfigError for a mistake in the file, or a local dataset that is not there.
    """
    config = load_config(path)
    source = config.dataset.source
    local = None if source.startswith(("s3://", "hf://")) else path.parent / source
    if local is not None and not local.is_file():
        raise ConfigError(
            f"{path}: dataset.source: there is no file {local}; "
            "give a path relative to the configuration file, s3://bucket/key, or hf://owner/name"
        )
    upload = _upload(config, local, "datasets", local.name) if local else None
    return Bundle(
        config=config,
        config_upload=_upload(config, path, "config", "evaluation.yaml"),
        dataset_upload=upload,
        dataset_uri=upload.uri if upload else source,
    )


def send(bundle: Bundle, session: Session) -> None:
    """Upload what is not in S3 yet. Raises botocore's ClientError if S3 refuses."""
    s3 = session.client("s3")
    key = bundle.config.infrastructure.output_kms_key
    encryption: dict[str, Any] = (
        {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key} if key else {}
    )
    for upload in bundle.uploads:
        s3.upload_file(str(upload.path), upload.bucket, upload.key, ExtraArgs=encryption)


def _upload(config: EvaluationConfig, path: Path, folder: str, name: str) -> Upload:
    infrastructure = config.infrastructure
    digest = _digest(path)[:16]
    return Upload(path, infrastructure.bucket, f"{infrastructure.prefix}/{folder}/{digest}/{name}")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
