"""Every policy, linted offline: cfn-lint's rules, and its copy of AWS's own list of IAM actions."""

from __future__ import annotations

import functools
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from configurations import ACCOUNT, APPLICATION_PROFILE, ASYNCHRONOUS, CONFIGURATIONS, FULL, PROFILE
from running_aws import REPOSITORY, ConfigWriter

from pipeline.definition.bundle import load_bundle
from pipeline.local.server.iam_policy import Request, allows
from pipeline.permissions.roles import Permissions, permissions_of
from processing.candidate.deployment import name_prefix
from processing.endpoint.asynchronous import ResultPlace

NO_NAME_POSSIBLE = {
    # The authorization reference has a resource for metrics of OpenTelemetry only; the namespace is
    # what limits it.
    "cloudwatch:PutMetricData": "cloudwatch:namespace",
}
ABOUT_TEMPLATES = {"I4010"}


@functools.cache
def services() -> dict[str, Any]:
    """AWS's own list of actions and resources, by service."""
    from cfnlint.data import AdditionalSpecs  # seconds, which not every worker has to spend
    from cfnlint.helpers import load_resource

    found: dict[str, Any] = load_resource(AdditionalSpecs, "Policies.json")
    return found


@pytest.fixture(params=CONFIGURATIONS)
def everyone(request: pytest.FixtureRequest, write_config: ConfigWriter) -> list[Permissions]:
    return permissions_of(load_bundle(write_config(**CONFIGURATIONS[request.param])))


def statements(everyone: list[Permissions]) -> Iterator[dict[str, Any]]:
    for permissions in everyone:
        yield from permissions.policy["Statement"]


def known(action: str) -> dict[str, Any]:
    service, _, name = action.partition(":")
    assert name.lower() in services()[service]["Actions"], f"{action} is no action of IAM's"
    found: dict[str, Any] = services()[service]["Actions"][name.lower()]
    return found


def forms(action: str) -> list[str]:
    """Regular expressions of the ARNs that the action can be allowed on; none if on no name."""
    service = services()[action.partition(":")[0]]
    arns = [
        form
        for resource in known(action).get("Resources", [])
        for form in service["Resources"][resource.lower()]["ARNFormats"]
    ]
    return [re.sub(r"\$\{\w+\}", "[^:]*", form) for form in arns]


def test_only_who_has_tags_to_give_makes_the_package_group(write_config: ConfigWriter) -> None:
    def about_groups(tags: dict[str, str]) -> list[str]:
        config = write_config(infrastructure={"tags": tags})
        [caller] = [p for p in permissions_of(load_bundle(config)) if p.who == "caller"]
        return [a for s in caller.policy["Statement"] for a in s["Action"] if "PackageGroup" in a]

    assert about_groups({"team": "qa"}).count("sagemaker:CreateModelPackageGroup") == 1
    assert "sagemaker:CreateModelPackageGroup" not in about_groups({})


def test_every_action_exists_and_names_what_it_is_about(everyone: list[Permissions]) -> None:
    for statement in statements(everyone):
        for action in statement["Action"]:
            if action in NO_NAME_POSSIBLE:
                assert statement["Condition"]["StringEquals"][NO_NAME_POSSIBLE[action]]
                assert statement["Action"] == [action]
            elif forms(action):
                assert any(
                    re.fullmatch(form, resource)
                    for form in forms(action)
                    for resource in statement["Resource"]
                ), f"{action} cannot be allowed on {statement['Resource']}"
                assert "*" not in statement["Resource"], f"{action} can be allowed on a name"
            else:
                assert statement["Resource"] == ["*"], f"{action} is allowed on everything or not"


def test_every_resource_is_one_of_its_actions_and_has_region_account_and_name(
    everyone: list[Permissions],
) -> None:
    for statement in statements(everyone):
        for resource in set(statement["Resource"]) - {"*"}:
            # the reference lists packages under their own ARN, older policies under their group's
            listed = "sagemaker:ListModelPackages" in statement["Action"]
            assert (listed and ":model-package-group/" in resource) or any(
                re.fullmatch(form, resource)
                for action in statement["Action"]
                for form in forms(action)
            ), f"{resource} fits none of {statement['Action']}"
            service, region, account, name = resource.split(":", 5)[2:]
            assert "*" not in account
            assert "*" not in region or service == "bedrock"  # a profile routes to several
            kind, _, rest = name.partition("/")
            assert "*" not in kind or service == "logs"
            if rest == "*":
                # names that AWS gives at run time, or that stand behind an endpoint of our choice
                known_by = ("bedrock:InferenceProfileArn", "kms:EncryptionContext:")
                assert kind in {"endpoint-config", "model", "network-interface"} or any(
                    key in json.dumps(statement.get("Condition")) for key in known_by
                )


def lint(everyone: list[Permissions]) -> list[str]:
    """What all of cfn-lint's rules, also the informational ones, say of the roles."""
    from cfnlint.api import lint_all

    resources = {}
    for permissions in everyone:
        trust = permissions.trust or {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
                           "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}}],
        }  # fmt: skip
        resources[permissions.who.capitalize()] = {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "AssumeRolePolicyDocument": trust,
                "Policies": [
                    {"PolicyName": permissions.policy_name, "PolicyDocument": permissions.policy}
                ],
            },
        }
    template = json.dumps({"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources})
    return [f"{match.rule.id} {match.message}" for match in lint_all(template)
            if match.rule.id not in ABOUT_TEMPLATES]  # fmt: skip


@pytest.mark.integration
def test_cfn_lint_finds_nothing(everyone: list[Permissions]) -> None:
    assert lint(everyone) == []


@pytest.mark.integration
@pytest.mark.parametrize(
    ("action", "resource", "rule"),
    [
        ("sagemaker:StartPipeline", f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:pipeline/p", "W3037"),
        ("sagemaker:StartPipelineExecution", f"arn:aws:sqs:us-east-1:{ACCOUNT}:q", "I3510"),
        ("sagemaker:StartPipelineExecution", "pipeline/p", "E3510"),
    ],
)
def test_cfn_lint_would_find_a_mistake(action: str, resource: str, rule: str) -> None:
    statement = {"Effect": "Allow", "Action": [action], "Resource": [resource]}
    mistaken = Permissions("caller", {"Version": "2012-10-17", "Statement": [statement]})
    assert rule in " ".join(lint([mistaken]))


def test_roles_trust_one_service_for_one_account_only(everyone: list[Permissions]) -> None:
    for permissions in everyone:
        assert (permissions.trust is None) == (
            permissions.who in {"caller", "approver", "administrator"}
        )
        for statement in (permissions.trust or {"Statement": []})["Statement"]:
            assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": ACCOUNT}
            for arn in statement["Condition"]["ArnLike"]["aws:SourceArn"]:
                assert f":us-east-1:{ACCOUNT}:" in arn


def test_only_the_roles_of_the_configuration_can_be_passed_and_each_to_its_service(
    everyone: list[Permissions],
) -> None:
    roles = {p.who: p.role_arn for p in everyone}
    passed = {
        (permissions.who, resource, statement["Condition"]["StringEquals"]["iam:PassedToService"])
        for permissions in everyone
        for statement in permissions.policy["Statement"]
        if "iam:PassRole" in statement["Action"]
        for resource in statement["Resource"]
    }
    expected = {
        ("caller", roles["pipeline"], "sagemaker.amazonaws.com"),
        ("caller", roles["trigger"], "events.amazonaws.com"),
        ("pipeline", roles["job"], "sagemaker.amazonaws.com"),
        ("pipeline", roles.get("stamp"), "sagemaker.amazonaws.com"),
        ("pipeline", roles.get("register"), "sagemaker.amazonaws.com"),
        ("pipeline", roles["sweep"], "sagemaker.amazonaws.com"),
        ("job", roles["model"], "sagemaker.amazonaws.com"),
    }
    assert passed == {entry for entry in expected if entry[1]}


def test_what_evaluates_cannot_register_or_approve(everyone: list[Permissions]) -> None:
    """It makes and deletes its candidates' endpoints, and passes on the role they run with."""
    changing = re.compile(r"sagemaker:(Create|Update|Delete|Start|Stop|Add).*|iam:.*")
    for permissions in everyone:
        actions = {action for s in permissions.policy["Statement"] for action in s["Action"]}
        changes = {action for action in actions if changing.fullmatch(action)}
        if permissions.who == "job":
            deployed = ("Endpoint", "EndpointConfig", "Model")
            assert changes == {
                *(f"sagemaker:{verb}{kind}" for verb in ("Create", "Delete") for kind in deployed),
                *("sagemaker:AddTags", "iam:PassRole"),
            }
        deciding = permissions.who in {"stamp", "approver"}
        assert ("sagemaker:UpdateModelPackage" in actions) == deciding
        registers = "register" if any(p.who == "register" for p in everyone) else "pipeline"
        assert ("sagemaker:CreateModelPackage" in actions) == (permissions.who == registers)
        if permissions.who == "model":
            assert not changes
        if permissions.who == "sweep":
            kinds = ("Endpoint", "EndpointConfig", "Model")
            assert changes == {f"sagemaker:Delete{kind}" for kind in kinds}


def test_endpoints_of_candidates_only_are_deleted(write_config: ConfigWriter) -> None:
    bundle = load_bundle(write_config())
    here = f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:endpoint"
    candidate = f"{here}/{name_prefix(bundle.config.pipeline.name)}abc-123"
    for who in ("job", "caller", "sweep"):
        [policy] = [p.policy for p in permissions_of(bundle) if p.who == who]
        assert allows([policy], Request("sagemaker:DeleteEndpoint", candidate))
        served = f"{here}/{bundle.config.endpoint.name}"
        assert not allows([policy], Request("sagemaker:DeleteEndpoint", served))


def test_eventbridge_may_start_this_pipeline_and_its_sweep_for_their_rules(
    write_config: ConfigWriter,
) -> None:
    bundle = load_bundle(write_config())
    [trigger] = [p for p in permissions_of(bundle) if p.who == "trigger"]
    assert trigger.policy["Statement"] == [
        {
            "Sid": "Start",
            "Effect": "Allow",
            "Action": ["sagemaker:StartPipelineExecution"],
            "Resource": [
                f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:pipeline/{bundle.config.pipeline.name}{end}"
                for end in ("", "-sweep")
            ],
        }
    ]
    assert trigger.trust is not None
    ours = ("candidates", "schedule", "sweep-ended", "sweep-hourly")
    for rule, taken in {**dict.fromkeys(ours, True), "other": False}.items():
        source = f"arn:aws:events:us-east-1:{ACCOUNT}:rule/{bundle.config.pipeline.name}-{rule}"
        context = {"aws:SourceArn": source, "aws:SourceAccount": ACCOUNT}
        request = Request("sts:AssumeRole", str(trigger.role_arn), context, "events.amazonaws.com")
        assert allows([trigger.trust], request) is taken


ANYWHERE, HERE = "arn:aws:bedrock:", f"arn:aws:bedrock:us-east-1:{ACCOUNT}"
MODEL = PROFILE.partition(".")[2]
JUDGES = [
    # what is asked, through which profile, and whether the job may
    (f"arn:aws:bedrock:us-east-1:{ACCOUNT}:inference-profile/{PROFILE}", None, True),
    (f"{ANYWHERE}us-west-2::foundation-model/{MODEL}", f"{HERE}:inference-profile/{PROFILE}", True),
    (f"{ANYWHERE}::foundation-model/{MODEL}", f"{HERE}:inference-profile/{PROFILE}", True),
    (f"{ANYWHERE}us-west-2::foundation-model/{MODEL}", None, False),
    (f"arn:aws:bedrock:us-east-1:{ACCOUNT}:inference-profile/us.anthropic.other", None, False),
    ("arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-pro-v1:0", None, True),
    ("arn:aws:bedrock:us-west-2::foundation-model/amazon.nova-pro-v1:0", None, False),
    ("arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0", None, False),
    (APPLICATION_PROFILE, None, True),
    ("arn:aws:bedrock:eu-west-1::foundation-model/anything", APPLICATION_PROFILE, True),
    ("arn:aws:bedrock:eu-west-1::foundation-model/anything", None, False),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "profile", "allowed"), JUDGES)
def test_the_job_asks_the_judges_of_the_configuration_and_no_other_model(
    asked: str, profile: str | None, allowed: bool, write_config: ConfigWriter
) -> None:
    [job] = [p for p in permissions_of(load_bundle(write_config(**FULL))) if p.who == "job"]
    context = {"bedrock:InferenceProfileArn": profile} if profile else {}
    assert allows([job.policy], Request("bedrock:InvokeModel", asked, context)) is allowed


def test_a_judge_that_only_compare_asks_is_the_caller_s_and_not_the_job_s(
    write_config: ConfigWriter,
) -> None:
    entry = {"kind": "pairwise", "judge": {"model": "bedrock:/amazon.nova-pro-v1:0"}}
    config = write_config(
        scorers=["Safety", {"preferred": entry}], thresholds={"Safety": {"min": 0.5}}
    )
    model = f"{ANYWHERE}us-east-1::foundation-model/amazon.nova-pro-v1:0"
    may = {
        permissions.who: allows([permissions.policy], Request("bedrock:InvokeModel", model, {}))
        for permissions in permissions_of(load_bundle(config))
    }
    assert [who for who, allowed in may.items() if allowed] == ["caller"]


@pytest.mark.parametrize("area", ["us", "eu", "apac", "jp", "us-gov", "global"])
@pytest.mark.parametrize("by_arn", [False, True])
def test_a_profile_is_asked_with_its_model_in_the_regions_that_it_routes_to(
    area: str, by_arn: bool, write_config: ConfigWriter
) -> None:
    """A global profile is also authorised without a region, and the guide has it named as such."""
    profile = f"{HERE}:inference-profile/{area}.amazon.nova-2-lite-v1:0"
    model = f"bedrock:/{profile if by_arn else profile.partition('/')[2]}"
    [job] = [
        permissions.policy
        for permissions in permissions_of(load_bundle(write_config(judge={"model": model})))
        if permissions.who == "job"
    ]

    def may(resource: str, through: str = profile) -> bool:
        context = {"bedrock:InferenceProfileArn": through}
        return allows([job], Request("bedrock:InvokeModel", resource, context))

    assert may(profile)
    assert may(f"{ANYWHERE}eu-west-3::foundation-model/amazon.nova-2-lite-v1:0")
    without_region = f"{ANYWHERE}::foundation-model/amazon.nova-2-lite-v1:0"
    assert may(without_region) or area != "global"
    assert (f'"{without_region}"' in json.dumps(job)) is (area == "global")
    assert not may(f"{ANYWHERE}eu-west-3::foundation-model/amazon.nova-pro-v1:0")
    assert not may(f"{ANYWHERE}eu-west-3::foundation-model/amazon.nova-2-lite-v1:0", "another")


@pytest.mark.parametrize("model", ["openai.gpt-5.6-luna", "zai.glm-4.7", "meta.llama3-3-70b:0"])
def test_a_model_with_a_point_in_its_version_is_no_profile(
    model: str, write_config: ConfigWriter
) -> None:
    config = write_config(judge={"model": f"bedrock:/{model}"})
    [job] = [p.policy for p in permissions_of(load_bundle(config)) if p.who == "job"]
    [statement] = [s for s in job["Statement"] if s["Action"] == ["bedrock:InvokeModel"]]
    assert statement["Resource"] == [f"{ANYWHERE}us-east-1::foundation-model/{model}"]


SECRET = f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:judges-AbCdEf"
PARAMETER = f"arn:aws:ssm:us-east-1:{ACCOUNT}:parameter/hub/token"
KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/5555-6666"


@pytest.mark.parametrize(
    ("action", "resource", "context", "allowed"),
    [
        ("secretsmanager:GetSecretValue", SECRET, {}, True),
        ("secretsmanager:GetSecretValue", f"{SECRET}x", {}, False),
        ("ssm:GetParameter", PARAMETER, {}, True),
        ("ssm:GetParameter", f"{PARAMETER}/x", {}, False),
        ("kms:Decrypt", KEY, {"kms:EncryptionContext:SecretARN": SECRET}, True),
        ("kms:Decrypt", KEY, {"kms:EncryptionContext:SecretARN": f"{SECRET}x"}, False),
        ("kms:Decrypt", KEY, {"kms:EncryptionContext:PARAMETER_ARN": PARAMETER}, True),
        ("kms:Decrypt", KEY, {}, False),
    ],
)
def test_the_job_alone_reads_the_secrets_that_the_file_names_and_no_other(
    action: str, resource: str, context: dict[str, str], allowed: bool, write_config: ConfigWriter
) -> None:
    for permissions in permissions_of(load_bundle(write_config(**FULL))):
        can = allows([permissions.policy], Request(action, resource, context))
        assert can is (allowed and permissions.who == "job"), permissions.who


def test_a_role_of_ones_own_name_and_path_is_used_as_it_is(write_config: ConfigWriter) -> None:
    own = f"arn:aws:iam::{ACCOUNT}:role/teams/llm/events"
    everyone = permissions_of(load_bundle(write_config(infrastructure={"trigger_role": own})))
    [trigger] = [p for p in everyone if p.who == "trigger"]
    assert trigger.role_arn == own


def test_a_key_given_by_alias_is_allowed_by_that_alias_only(write_config: ConfigWriter) -> None:
    bundle = load_bundle(write_config(infrastructure={"output_kms_key": "alias/evaluation"}))
    [job] = [p for p in permissions_of(bundle) if p.who == "job"]
    [key] = [s for s in job.policy["Statement"] if s["Sid"] == "OutputKey"]
    assert key["Resource"] == [f"arn:aws:kms:us-east-1:{ACCOUNT}:key/*"]
    assert key["Condition"] == {
        "ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/evaluation"}
    }


def test_inline_policies_fit_into_a_role(everyone: list[Permissions]) -> None:
    for permissions in everyone:
        assert len(json.dumps(permissions.policy, separators=(",", ":"))) < 10_240


def type_(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "pipeline_definition.py", "permissions", *arguments]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)


@pytest.mark.integration
def test_show_prints_each_policy_ready_to_be_pasted(write_config: ConfigWriter) -> None:
    config = str(write_config())
    shown = type_("show", "--config", config)
    assert shown.returncode == 0, shown.stderr
    for permissions in permissions_of(load_bundle(write_config())):
        alone = type_("show", permissions.who, "--config", config)
        assert json.loads(alone.stdout) == permissions.policy
        assert json.dumps(permissions.policy, indent=2) in shown.stdout
        assert f"# {permissions.who}: " in shown.stdout
    nobody = type_("show", "nobody", "--config", config)
    assert nobody.returncode == 2
    known = "caller, pipeline, job, model, sweep, trigger, approver, administrator"
    assert f"there are {known}" in nobody.stderr


def test_the_job_writes_outputs_and_deletes_none(everyone: list[Permissions]) -> None:
    """It can overwrite another execution's outputs (docs/permissions.md), but nothing else."""
    [job] = [permissions.policy for permissions in everyone if permissions.who == "job"]
    bucket = "arn:aws:s3:::llm-evaluation-demo"
    prefix = "health-qa"

    def may(action: str, key: str) -> bool:
        return allows([job], Request(f"s3:{action}", f"{bucket}/{prefix}/{key}"))

    assert may("PutObject", "runs/abc/evaluation/evaluation.json")
    assert may("PutObject", "runs/abc/dataset/dataset.jsonl")
    assert may("PutObject", "store/answers/x.jsonl")
    for key in ("config/abc/evaluation.yaml", "datasets/abc/rows.jsonl", "runs/abc/other", "x"):
        assert not may("PutObject", key)
    for action in ("DeleteObject", "DeleteObjectVersion", "PutObjectAcl", "PutObjectRetention"):
        assert not may(action, "runs/abc/evaluation/evaluation.json")
    assert not allows([job], Request("s3:PutBucketVersioning", bucket))


def test_what_is_queued_is_read_and_written_by_who_does_it(write_config: ConfigWriter) -> None:
    bundle = load_bundle(write_config(**ASYNCHRONOUS))
    places = (ResultPlace("s3://theirs/out", "s3://theirs/failed", None),)
    listed = permissions_of(replace(bundle, result_places=places))
    policies = {each.who: each.policy for each in listed}
    scratch = "arn:aws:s3:::llm-evaluation-demo/health-qa/async"
    candidate = name_prefix(bundle.config.pipeline.name)
    endpoint = f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:endpoint"

    def may(who: str, action: str, resource: str) -> bool:
        return allows([policies[who]], Request(action, resource))

    for who in ("job", "caller"):
        assert may(who, "sagemaker:InvokeEndpointAsync", f"{endpoint}/health-qa-good")
        assert not may(who, "sagemaker:InvokeEndpoint", f"{endpoint}/health-qa-good")
        for action in ("s3:PutObject", "s3:GetObject", "s3:DeleteObject"):
            assert may(who, action, f"{scratch}/input/a.json")
        assert may(who, "s3:GetObject", "arn:aws:s3:::theirs/out/a.out")
        assert may(who, "s3:GetObject", "arn:aws:s3:::theirs/failed/a-error.out")
        assert not may(who, "s3:DeleteObject", "arn:aws:s3:::theirs/out/a.out")
    assert may("job", "sagemaker:InvokeEndpointAsync", f"{endpoint}/{candidate}x")
    assert may("model", "s3:GetObject", f"{scratch}/input/a.json")
    assert may("model", "s3:PutObject", f"{scratch}/{candidate}x/output/a.out")
    assert not may("model", "s3:GetObject", f"{scratch}/{candidate}x/output/a.out")
    assert not may("model", "s3:PutObject", f"{scratch}/input/a.json")
    key = ASYNCHRONOUS["infrastructure"]["output_kms_key"]
    assert may("model", "kms:GenerateDataKey", key)
