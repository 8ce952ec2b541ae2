"""What candidate mode adds: to the job that deploys, for the candidate, and for the stamp."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.definition.account import account_of
from pipeline.definition.bundle import Bundle
from pipeline.permissions.asynchronous import container_statements, invoke_action
from pipeline.permissions.platform import (
    image_statements,
    log_statements,
    platform_statements,
)
from pipeline.permissions.statements import (
    Document,
    Statement,
    allow,
    document,
    key_use,
    list_statement,
    object_or_below,
    pass_role,
)
from processing.candidate.deployment import name_prefix

_DELETE = [f"sagemaker:Delete{kind}" for kind in ("Endpoint", "EndpointConfig", "Model")]


def deploy_statements(bundle: Bundle) -> Iterator[Statement]:
    """The job makes and deletes endpoints whose names begin as its candidates' do, and no other."""
    account, config = account_of(bundle), bundle.config
    if config.candidate is None:
        return
    yield allow(
        "Deploy",
        [
            *(f"sagemaker:Create{kind}" for kind in ("Endpoint", "EndpointConfig", "Model")),
            *_DELETE,
            *("sagemaker:AddTags", "sagemaker:DescribeEndpoint", "sagemaker:ListTags"),
            invoke_action(config.endpoint),
        ],
        _made_for_candidates(bundle),
    )
    yield list_deployments_statement()
    yield allow(
        "CandidatePackage",
        ["sagemaker:DescribeModelPackage"],
        account.sagemaker(f"model-package/{candidates_of(bundle)}"),
    )
    # is the execution still running that says it evaluates the same candidate?
    yield allow(
        "OtherExecutions",
        ["sagemaker:DescribePipelineExecution"],
        account.sagemaker(f"pipeline/{config.pipeline.name}/execution/*"),
    )
    infrastructure = config.infrastructure
    yield allow(
        "Verdicts",
        ["s3:DeleteObject"],
        account.s3(infrastructure.bucket, f"{infrastructure.prefix}/store/evaluations/*"),
    )
    if infrastructure.model_role:
        yield pass_role("PassModelRole", [infrastructure.model_role], "sagemaker.amazonaws.com")


def sweep_statements(bundle: Bundle) -> Iterator[Statement]:
    """For `pipeline_definition.py sweep`, and for the job that does the same."""
    if bundle.config.candidate is None:
        return
    yield allow("Sweep", [*_DELETE, "sagemaker:ListTags"], _made_for_candidates(bundle))
    yield list_deployments_statement()


def sweep_policy(bundle: Bundle) -> Document:
    """The sweep pipeline's job: it deletes what is named as this pipeline's candidates."""
    account = account_of(bundle)
    return document(
        [
            *sweep_statements(bundle),
            allow(
                "Running",
                ["sagemaker:DescribePipelineExecution"],
                account.sagemaker(f"pipeline/{bundle.config.pipeline.name}/execution/*"),
            ),
            *platform_statements(bundle, account, job=True),
        ]
    )


def _made_for_candidates(bundle: Bundle) -> list[str]:
    prefix = name_prefix(bundle.config.pipeline.name)
    kinds = ("endpoint", "endpoint-config", "model")
    return account_of(bundle).sagemaker(*(f"{kind}/{prefix}*" for kind in kinds))


def list_deployments_statement() -> Statement:
    """IAM allows no names for lists."""
    kinds = ("EndpointConfigs", "Endpoints", "Models")
    return allow("ListDeployments", [f"sagemaker:List{kind}" for kind in kinds], ["*"])


def model_policy(bundle: Bundle) -> Document:
    """A candidate's container: its image, its data, its log, and what goes through its queue.

    It is code nobody has judged yet.
    """
    account, config = account_of(bundle), bundle.config
    assert config.candidate is not None
    logs = f"log-group:/aws/sagemaker/Endpoints/{name_prefix(config.pipeline.name)}*"
    statements = log_statements(account, logs, [logs], "/aws/sagemaker/Endpoints")
    for number, uri in enumerate(config.candidate.model_data, start=1):
        bucket, keys = object_or_below(uri)
        statements += [
            allow(f"Data{number}", ["s3:GetObject"], account.s3(bucket, *keys)),
            list_statement(f"DataList{number}", account, bucket, keys),
        ]  # fmt: skip
    statements += image_statements(account, config.candidate.images)
    statements += container_statements(config, account)
    return document([*statements, *platform_statements(bundle, account)])


def stamp_policy(bundle: Bundle) -> Document:
    """The only role that approves, and only candidates."""
    account, infrastructure = account_of(bundle), bundle.config.infrastructure
    bucket, prefix = infrastructure.bucket, infrastructure.prefix
    return document(
        [
            allow(
                "Stamp",
                ["sagemaker:UpdateModelPackage"],
                account.sagemaker(f"model-package/{candidates_of(bundle)}"),
            ),
            allow("Verdict", ["s3:GetObject"], account.s3(bucket, f"{prefix}/runs/*")),
            list_statement("List", account, bucket, [f"{prefix}/runs/*"]),
            *platform_statements(bundle, account, job=True),
            *key_use("OutputKey", account, infrastructure.output_kms_key, ["kms:Decrypt"]),
        ]
    )


def candidates_of(bundle: Bundle) -> str:
    """Packages of the trigger's group; of any group where no trigger names one."""
    trigger = bundle.config.trigger
    return f"{trigger.candidates_group}/*" if trigger and trigger.candidates_group else "*"
