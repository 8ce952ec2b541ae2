"""The role of EventBridge: it may start this pipeline, for these two rules, and nothing else."""

from __future__ import annotations

from pipeline.definition.account import account_of
from pipeline.definition.bundle import Bundle
from pipeline.definition.trigger_names import names_of
from pipeline.permissions.statements import Document, allow, document, trust


def trigger_policy(bundle: Bundle) -> Document:
    pipeline = account_of(bundle).sagemaker(f"pipeline/{bundle.config.pipeline.name}")
    return document([allow("Start", ["sagemaker:StartPipelineExecution"], pipeline)])


def trigger_trust(bundle: Bundle) -> Document:
    """For a rule's target EventBridge gives the rule's ARN as aws:SourceArn (its user guide)."""
    names = names_of(bundle)
    account = account_of(bundle)
    rules = [account.arn("events", f"rule/{rule}") for rule in (names.rule, names.schedule)]
    return trust("events.amazonaws.com", account.number, rules)
