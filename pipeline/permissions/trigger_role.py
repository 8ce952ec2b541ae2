"""The role of EventBridge: it may start this pipeline and its sweep, for their rules, no more.

And where `notify:` names an event bus, put events on that one.
"""

from __future__ import annotations

from pipeline.definition.account import account_of
from pipeline.definition.bundle import Bundle
from pipeline.definition.trigger_names import names_of
from pipeline.permissions.statements import Document, allow, document, trust


def trigger_policy(bundle: Bundle) -> Document:
    config = bundle.config
    started = [config.pipeline.name]
    if config.candidate:
        started.append(names_of(bundle).sweep)
    pipelines = account_of(bundle).sagemaker(*(f"pipeline/{name}" for name in started))
    statements = [allow("Start", ["sagemaker:StartPipelineExecution"], pipelines)]
    if config.notify and config.notify.bus:
        statements.append(allow("TellOfVerdicts", ["events:PutEvents"], [config.notify.bus]))
    return document(statements)


def trigger_trust(bundle: Bundle) -> Document:
    """For a rule's target EventBridge gives the rule's ARN as aws:SourceArn (its user guide)."""
    account = account_of(bundle)
    rules = [account.arn("events", f"rule/{rule}") for rule in names_of(bundle).rules]
    return trust("events.amazonaws.com", account.number, rules)
