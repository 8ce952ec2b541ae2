"""DatasetVersion: what tells the step cache that a dataset at the same address is another one."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pipeline.definition.bundle import Bundle
from processing.dataset.source_version import source_version

if TYPE_CHECKING:
    from boto3 import Session

PARAMETER = "DatasetVersion"


def with_dataset_version(
    session: Session, pipeline: Mapping[str, Any], bundle: Bundle, given: Mapping[str, Any]
) -> dict[str, Any]:
    """The parameters of an execution, with the version of the dataset in S3 that it will read.

    `pipeline` is DescribePipeline's answer. Nothing is added if the pipeline is not cached or the
    address itself tells the content. A dataset that cannot be listed here gets a version of its
    own, so that PrepareDataset runs again.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    declared = json.loads(str(pipeline["PipelineDefinition"])).get("Parameters", [])
    defaults = {parameter["Name"]: parameter.get("DefaultValue") for parameter in declared}
    uri = str({**defaults, **given}.get("DatasetUri"))
    if PARAMETER not in defaults or PARAMETER in given or bundle.holds_its_content(uri):
        return dict(given)
    try:
        version = source_version(session.client("s3"), uri)
    except (BotoCoreError, ClientError):
        version = uuid.uuid4().hex
    return {**given, PARAMETER: version}
