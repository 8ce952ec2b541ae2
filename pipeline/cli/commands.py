"""All commands, in groups, in the order in which a user needs them.

To add one: write a module with a `Command`, and name it here.
"""

from __future__ import annotations

from pipeline.cli import (
    check,
    compare,
    definition,
    executions,
    export,
    first_run,
    image,
    labels,
    local,
    permissions,
    plan,
    registry,
    report,
    start,
    sweep,
    trigger,
    try_here,
    upsert,
)

GROUPS = {
    "try it on this machine": [try_here.TRY, compare.COMPARE, labels.LABELS, local.LOCAL],
    "set up": [permissions.PERMISSIONS, image.IMAGE, export.EXPORT],
    "check and send": [
        check.CHECK,
        plan.PLAN,
        definition.SHOW,
        definition.DEFINITION,
        upsert.UPSERT,
    ],
    "on a new account": [first_run.FIRST_RUN],
    "run": [start.START, executions.STATUS, report.REPORT, executions.LIST, executions.STOP],
    "decide": [registry.HISTORY, registry.APPROVE, registry.REJECT],
    "from now on": [trigger.TRIGGER, sweep.SWEEP],
}
COMMANDS = {command.name: command for group in GROUPS.values() for command in group}
