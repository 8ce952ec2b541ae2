"""Which models of Bedrock the judges are, as IAM names them.

Source: Bedrock user guide, "Prerequisites for inference profiles" and "Global cross-Region
inference". Of a system-defined profile the regions that it routes to are Bedrock's to choose, so
its model is named in every region, but only when it is asked through that profile. A `global.`
profile, and one of your own, which may be made from it, also needs the model without a region.
"""

from __future__ import annotations

import re

from pipeline.definition.account import Account
from pipeline.permissions.statements import Statement, allow
from processing.config.model import EvaluationConfig

_ACTIONS = ["bedrock:InvokeModel"]  # Converse is authorised as InvokeModel
# us.anthropic.claude-..., global.anthropic.claude-..., us-gov.amazon.nova-...: area.provider.model;
# openai.gpt-5.6 is no profile: areas are countries' two letters, or one of these
PROFILE = re.compile(r"(?P<area>global|apac|[a-z]{2}(-[a-z]+)?)\.(?P<model>[a-z0-9-]+\..+)")


def judge_models(*configs: EvaluationConfig, compares: bool = False) -> list[str]:
    """Model ids, profile ids and ARNs of all judges on Bedrock, each once.

    `compares`: with those that only `compare` asks, which is no job.
    """
    named = [
        judge
        for config in configs
        for judge in (
            config.judge,
            *(scorer.judge for scorer in config.judged_scorers()),
            *(scorer.judge for scorer in config.pairwise_scorers if compares),
        )
    ]
    judges = [each for judge in named if judge for each in judge.judges]
    uris = dict.fromkeys(judge.model for judge in judges if judge.base_url is None)
    bedrock = re.compile(r"(amazon-)?bedrock(/[a-z]+)?:/(?P<name>.+)")
    return [found["name"] for uri in uris if (found := bedrock.fullmatch(uri))]


def judge_statements(
    account: Account, *configs: EvaluationConfig, compares: bool = False
) -> list[Statement]:
    statements = []
    for number, name in enumerate(judge_models(*configs, compares=compares), start=1):
        statements += _statements(f"Judge{number}", account, name)
    return statements


def _statements(sid: str, account: Account, name: str) -> list[Statement]:
    if name.startswith("arn:"):
        resource = name.split(":", 5)[5]
        profile, model = name, _model_of(resource)
        if "inference-profile/" not in resource:
            return [allow(sid, _ACTIONS, [name])]
    else:
        profile, model = account.arn("bedrock", f"inference-profile/{name}"), _model_of(name)
        if model == name:
            return [allow(sid, _ACTIONS, [_foundation_model(account, account.region, name)])]
    anywhere = model == "*" or "inference-profile/global." in profile
    models = [
        _foundation_model(account, where, model) for where in (("*", "") if anywhere else ("*",))
    ]
    through = {"ArnEquals": {"bedrock:InferenceProfileArn": profile}}
    return [allow(sid, _ACTIONS, [profile]), allow(f"{sid}Models", _ACTIONS, models, through)]


def _model_of(profile: str) -> str:
    """The model behind a system-defined profile; any for a profile of your own, an opaque id."""
    if profile.startswith("application-inference-profile/"):
        return "*"
    name = profile.removeprefix("inference-profile/")
    found = PROFILE.fullmatch(name)
    return found["model"] if found else name


def _foundation_model(account: Account, region: str, model: str) -> str:
    return f"arn:{account.partition}:bedrock:{region}::foundation-model/{model}"
