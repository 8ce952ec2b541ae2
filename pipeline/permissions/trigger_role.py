"""The role of EventBridge: it may start this pipeline and its sweep, for their rules, no more."""

from __future__ import annotations

from pipeline.definition.account import account_of
from pipeline.definition.bundle import Bundle
from pipeline.definition.trigger_names import names_of
from pipeline.permissions.statements import Document, allow, document, trust


def trigger_policy(bundle: Bundle) -> Document:
    started = [bundle.config.pipeline.name]
    if bundle.config.candidate:
        started.append(names_of(bundle).sweep)
    pipelines = account_of(bundle).sagemaker(*(f"pipeline/{name}" for name in started))
    return document([allow("Start", ["sagemaker:StartPipelineExecution"], pipelines)])


def trigger_trust(bundle: Bundle) -> Document:
    """For a rule's target EventBridge gives the rule's ARN as aws:SourceArn (its user guide)."""
    account = account_of(bundle)
    rules = [account.arn("events", f"rule/{rule}") for rule in names_of(bundle).rules]
    return trust("events.amazonaws.com", account.number, rules)
