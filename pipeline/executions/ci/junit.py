"""JUnit XML, which the test reports of GitHub, GitLab, Jenkins and others read.

The form is that of https://github.com/testmoapp/junitxml: a suite for each evaluation, a case for
each bound. A bound that is missed and only warns has passed, with its reason in `system-out`; one
that was not decided, because the run ended before all was asked, was skipped.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path

from pipeline.executions.ci.outcome import Case, Outcome, cases_of
from processing.base.visible_text import visible


def write_junit(path: Path, outcomes: Sequence[Outcome]) -> None:
    """Raises OSError."""
    root = ET.Element("testsuites")
    for outcome in outcomes:
        root.append(_suite(outcome))
    for count in ("tests", "failures", "errors", "skipped"):
        root.set(count, str(sum(int(suite.get(count, "0")) for suite in root)))
    ET.indent(root)
    path.parent.mkdir(parents=True, exist_ok=True)
    ET.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def _suite(outcome: Outcome) -> ET.Element:
    cases = list(cases_of(outcome))
    elsewhere = outcome.document is not None  # and no verdict: the candidate was evaluated before
    suite = ET.Element("testsuite", name=visible(outcome.name))
    if outcome.seconds is not None:
        suite.set("time", f"{outcome.seconds:.1f}")
    if not cases:
        case = ET.SubElement(suite, "testcase", classname="gate", name="verdict")
        why = visible(outcome.broke or "there is no verdict")
        ET.SubElement(case, "skipped" if elsewhere else "error", message=why).text = why
    for found in cases:
        _add(suite, found)
    suite.set("tests", str(len(cases) or 1))
    suite.set("failures", str(sum(case.blocks for case in cases)))
    suite.set("errors", str(int(not cases and not elsewhere)))
    skipped = sum(case.undecided for case in cases) if cases else int(elsewhere)
    suite.set("skipped", str(skipped))
    if outcome.links:
        ET.SubElement(suite, "system-out").text = "\n".join(map(visible, outcome.links))
    return suite


def _add(suite: ET.Element, found: Case) -> None:
    case = ET.SubElement(suite, "testcase", classname=found.group, name=found.name)
    if found.blocks:
        ET.SubElement(case, "failure", message=found.reason).text = found.reason
    elif found.undecided:
        ET.SubElement(case, "skipped", message=found.reason).text = found.reason
    elif found.reason:
        ET.SubElement(case, "system-out").text = f"warning: {found.reason}"
