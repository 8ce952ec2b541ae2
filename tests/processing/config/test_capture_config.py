"""What `check` says of capture:// and of redaction."""

from __future__ import annotations

from typing import Any

import pytest
from configuration_file import read_document, write_document
from running_aws import ConfigWriter
from typed_command import typed

BASE: dict[str, Any] = {
    "dataset": {"source": "capture://live?hours=24", "columns": {}, "sample_size": 50},
    "scorers": ["RelevanceToQuery", {"is_brief": {"max_words": 80}}],
    "thresholds": {"RelevanceToQuery": {"min": 0.8}},
}


def written(write_config: ConfigWriter, **changes: Any) -> str:
    """The example without what deploys candidates."""
    path = write_config(**{**BASE, **changes})
    document = read_document(path)
    for section in ("candidate", "trigger", "slices", "champion"):
        document.pop(section, None)
    document["registration"].pop("stamp_candidate", None)
    return str(write_document(document, path))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"source": "capture://live?days=1"}, "days is not known; there are hours, until, s3"),
        ({"source": "capture://live?hours=0"}, "hours must be a number above 0"),
        ({"source": "capture://live?until=soon"}, "until must be a time such as"),
        ({"source": "capture://not_a_name"}, "is no endpoint's name"),
        ({"source": "capture://live?s3=bucket"}, "s3 must be of the form s3://"),
        ({"columns": {"question": "q"}}, "captured calls have none"),
        ({"redact": ["email", "name"]}, "name is not possible: only a language model tells names"),
        ({"source": "s3://b1b/x.csv", "sample_share": 0.1}, "sample_share is for capture://"),
    ],
)
def test_mistakes_are_told(write_config: ConfigWriter, change: dict[str, Any], said: str) -> None:
    config = written(write_config, dataset={**BASE["dataset"], **change})
    done = typed("check", "--config", config)
    assert done.returncode == 2
    assert said in done.stderr, done.stderr


@pytest.mark.parametrize(
    ("scorer", "needs"),
    [
        ("rougeL_fmeasure", True),
        ("Correctness", True),
        ({"graded": {"kind": "RAGAS", "metric": "FactualCorrectness"}}, True),
        ({"graded": {"kind": "DeepEval", "metric": "ExactMatch"}}, True),
        ({"tone": {"kind": "Guidelines", "guidelines": ["Be kind."]}}, False),
        ("Bias", False),
        ("Safety", False),
    ],
)
def test_scorers_that_need_an_expectation_are_refused_for_traffic(
    write_config: ConfigWriter, scorer: Any, needs: bool
) -> None:
    config = written(write_config, scorers=[*BASE["scorers"], scorer])
    done = typed("definition", "--config", config)
    assert (done.returncode == 2) == needs, done.stderr
    assert ("compares with an expected response, and the rows have none" in done.stderr) == needs


def test_the_job_may_read_what_was_captured_and_nothing_else(write_config: ConfigWriter) -> None:
    dataset = {**BASE["dataset"], "source": "capture://live?s3=s3://captured/calls"}
    config = written(write_config, dataset=dataset)
    shown = typed("permissions", "show", "job", "--config", config).stdout
    assert '"arn:aws:s3:::captured/calls/live/*"' in shown
    assert "sagemaker:InvokeEndpoint" not in shown
    asked = {**dataset, "answers": "ask"}
    config = written(write_config, dataset=asked)
    again = typed("permissions", "show", "job", "--config", config)
    assert "sagemaker:InvokeEndpoint" in again.stdout
    unknown = typed("permissions", "show", "--config", written(write_config)).stdout
    assert "is not known without AWS" in unknown
