"""What `start --set` asks of the job role beyond the file that was upserted."""

from __future__ import annotations

from typing import Any

import pytest
from running_aws import ConfigWriter

from pipeline.definition.bundle import load_bundle
from pipeline.permissions.varied import rights_beyond

NOVA = "amazon.nova-pro-v1:0"
OTHER = {"Safety": {"judge": {"model": f"bedrock:/{NOVA}"}}}
ON_NOVA = f"bedrock:InvokeModel on arn:aws:bedrock:us-east-1::foundation-model/{NOVA}"


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({}, []),
        ({"endpoint": {"system_prompt": "Be brief."}, "budgets": {"min_rows": 3}}, []),
        ({"judge": {"model": f"bedrock:/{NOVA}"}}, [ON_NOVA]),
        (
            {
                "scorers": [
                    "rougeL_fmeasure",
                    {"Safety": {"judge": {"model": f"bedrock:/{NOVA}"}}},
                ],
                "thresholds": {"Safety": {"min": 0.9}},
            },
            [ON_NOVA],
        ),
        (
            {"champion": {"metrics": {"Safety": {"margin": 0.2}}}},
            ["sagemaker:DescribeModelPackage on", "sagemaker:ListModelPackages on"],
        ),
    ],
)
def test_another_judge_or_a_champion_asks_for_more_and_another_prompt_does_not(
    write_config: ConfigWriter, changes: dict[str, Any], wanted: list[str]
) -> None:
    before = load_bundle(write_config())
    found = rights_beyond(before, load_bundle(write_config(**changes)))
    assert bool(found) == bool(wanted)
    for right in wanted:
        assert any(one.startswith(right) for one in found), found
