"""What the jobs need from the user's machine, and where in S3 it goes.

Keys hold the content's digest, so that an upload never changes what an earlier upsert refers to.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.definition.variants import Variant, read_variants
from processing.base.errors import ConfigError
from processing.config.file import config_digest, load_config
from processing.config.model import EvaluationConfig
from processing.config.variation import VARIATION_FILE, read_variation
from processing.dataset.capture_files import CapturePlace
from processing.endpoint.asynchronous import ResultPlace

if TYPE_CHECKING:
    from boto3 import Session


LOCAL_MLFLOW = "AWS_ENDPOINT_URL_MLFLOW"
"""One of the variables that `local` prints: where its MLflow is."""

LOCAL_MLFLOW_ADDRESS = "http://127.0.0.1:4569"
"""Where it is unless `local --port` says otherwise, and what the examples' files name."""


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

    `config_uploads` are evaluation.yaml and the files that it names, together in one folder of S3,
    `config_uri`. `dataset_config_uri` is the file again, under a key that changes only with what
    PrepareDataset reads of it. `dataset_uri` is where the pipeline finds the dataset: in S3, on the
    hub, or captured. `capture_place`: where that is, and `result_places` where asynchronous
    endpoints put results, once somebody has looked it up.
    """

    config: EvaluationConfig
    folder: Path
    config_uploads: list[Upload]
    config_uri: str
    dataset_config_uri: str
    dataset_upload: Upload | None
    dataset_uri: str
    variants: tuple[Variant, ...] = ()
    capture_place: CapturePlace | None = None
    result_places: tuple[ResultPlace, ...] = ()

    @property
    def uploads(self) -> list[Upload]:
        return [*self.config_uploads, *([self.dataset_upload] if self.dataset_upload else [])]

    def holds_its_content(self, dataset_uri: str) -> bool:
        """Whether the rows behind this address never change: our upload, or a hub's commit."""
        return dataset_uri.startswith((f"{self.uri('datasets')}/", "hf://"))

    def uri(self, *parts: str) -> str:
        """s3://bucket/prefix/parts..."""
        infrastructure = self.config.infrastructure
        return "/".join([f"s3://{infrastructure.bucket}", infrastructure.prefix, *parts])


def load_bundle(path: Path) -> Bundle:
    """Read the configuration and find the files it names. No AWS call.

    Raises ConfigError for a mistake in the file or one of its variants, or a local file that is
    not there.
    """
    config = _with_local_mlflow(load_config(path))
    source = config.dataset.source
    elsewhere = ("s3://", "hf://", "mlflow://", "capture://")
    local = None if source.startswith(elsewhere) else path.parent / source
    if local is not None and not local.is_file():
        raise ConfigError(
            f"{path}: dataset.source: there is no file {local}; "
            "give a path relative to the configuration file, s3://bucket/key, hf://owner/name, "
            "mlflow://dataset, or capture://endpoint"
        )
    bucket, prefix = config.infrastructure.bucket, config.infrastructure.prefix
    folder = f"{prefix}/config/{_folder_digest(path, config)[:16]}"
    dataset_folder = f"{prefix}/config/dataset-{_dataset_digest(config)[:16]}"
    named = {"evaluation.yaml": path, **{f: path.parent / f for f in config.named_files()}}
    if (variation := path.parent / VARIATION_FILE).is_file():
        named[VARIATION_FILE] = variation
    upload = (
        Upload(local, bucket, f"{prefix}/datasets/{_digest(local)[:16]}/{local.name}")
        if local
        else None
    )
    return Bundle(
        config=config,
        folder=path.parent,
        config_uploads=[
            *(Upload(p, bucket, f"{folder}/{name}") for name, p in named.items()),
            Upload(path, bucket, f"{dataset_folder}/evaluation.yaml"),
        ],
        config_uri=f"s3://{bucket}/{folder}",
        dataset_config_uri=f"s3://{bucket}/{dataset_folder}",
        dataset_upload=upload,
        dataset_uri=upload.uri if upload else source,
        variants=read_variants(path) if config.variants else (),
    )


def _with_local_mlflow(config: EvaluationConfig) -> EvaluationConfig:
    """The examples' address is the local AWS's MLflow, which may be at another port."""
    address = os.environ.get(LOCAL_MLFLOW)
    if not address or config.mlflow.tracking_uri.rstrip("/") != LOCAL_MLFLOW_ADDRESS:
        return config
    mlflow = config.mlflow.model_copy(update={"tracking_uri": address})
    return config.model_copy(update={"mlflow": mlflow})


def send(bundle: Bundle, session: Session) -> None:
    """Upload what is not in S3 yet. Raises botocore's ClientError if S3 refuses."""
    s3 = session.client("s3")
    encryption = encryption_of(bundle)
    for upload in bundle.uploads:
        s3.upload_file(str(upload.path), upload.bucket, upload.key, ExtraArgs=encryption)


def encryption_of(bundle: Bundle) -> dict[str, Any]:
    """What PutObject is told of the configured key; {} leaves it to the bucket."""
    key = bundle.config.infrastructure.output_kms_key
    return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key} if key else {}


def _folder_digest(path: Path, config: EvaluationConfig) -> str:
    """What came by `--set` is told apart from the same file as somebody wrote it."""
    digest, varied = config_digest(path, config), read_variation(path)
    if not varied:
        return digest
    return hashlib.sha256(f"{digest}{json.dumps(varied)}".encode()).hexdigest()


def _dataset_digest(config: EvaluationConfig) -> str:
    """Of what PrepareDataset goes by: a new threshold does not make it prepare the rows again."""
    read = {
        "dataset": config.dataset.model_dump(mode="json", exclude={"cluster", "on_failure"}),
        "instances": config.infrastructure.evaluate.instance_count,
        "cache": config.pipeline.cache,
    }
    if config.dataset.from_capture:  # whose calls are read by the endpoint's format
        read["endpoint"] = config.endpoint.model_dump(mode="json")
    return hashlib.sha256(json.dumps(read, sort_keys=True).encode()).hexdigest()


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
