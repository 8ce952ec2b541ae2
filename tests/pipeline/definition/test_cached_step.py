"""`pipeline.cache`: what the step cache of SageMaker Pipelines goes by, in our definition."""

from __future__ import annotations

import json
from typing import Any

import pytest
from running_aws import ConfigWriter

from pipeline.definition.build import build
from pipeline.definition.bundle import load_bundle
from pipeline.local.server.iam_policy import Request, allows
from pipeline.permissions.roles import permissions_of
from pipeline.trigger.wanted import wanted_rules, wanted_target
from processing.base.errors import ConfigError

pytestmark = pytest.mark.integration  # the SDK takes seconds to import

# developer guide, "Default cache key attributes by pipeline step type"
KEY = ("AppSpecification", "Environment", "ProcessingInputs")
CACHED = {"name": "cached", "cache": "P30D"}
THEIRS = {"source": "s3://their-data/questions/all.jsonl"}


def steps_of(write_config: ConfigWriter, **changes: Any) -> dict[str, dict[str, Any]]:
    document = json.loads(build(load_bundle(write_config(**changes))).definition())
    return {step["Name"]: step for step in document["Steps"]}


def key_of(step: dict[str, Any]) -> dict[str, Any]:
    return {name: step["Arguments"].get(name) for name in KEY}


def test_only_prepare_dataset_is_cached_and_only_if_asked_for(write_config: ConfigWriter) -> None:
    cached = {n: s.get("CacheConfig") for n, s in steps_of(write_config, pipeline=CACHED).items()}
    assert cached["PrepareDataset"] == {"Enabled": True, "ExpireAfter": "P30D"}
    assert {kept for name, kept in cached.items() if name != "PrepareDataset"} == {None}
    assert all("CacheConfig" not in step for step in steps_of(write_config).values())


def test_the_key_is_the_same_in_every_execution_and_knows_the_dataset_sample_and_version(
    write_config: ConfigWriter,
) -> None:
    key = json.dumps(key_of(steps_of(write_config, pipeline=CACHED)["PrepareDataset"]))
    assert '{"Get": "Execution.' not in key
    for parameter in ("DatasetUri", "SampleSize", "DatasetVersion"):
        assert f'{{"Get": "Parameters.{parameter}"}}' in key


def test_a_new_seed_is_another_key_and_a_new_threshold_is_not(write_config: ConfigWriter) -> None:
    def key(**changes: Any) -> dict[str, Any]:
        return key_of(steps_of(write_config, pipeline=CACHED, **changes)["PrepareDataset"])

    first = key()
    assert key(thresholds={"Safety": {"min": 0.5}}) == first
    assert key(dataset={"seed": 8}) != first
    assert key(infrastructure={"evaluate": {"instance_count": 2}}) != first


def test_what_evaluates_reads_the_rows_where_the_cached_step_left_them(
    write_config: ConfigWriter,
) -> None:
    evaluate = steps_of(write_config, pipeline=CACHED)["EvaluateModel"]
    [rows] = [i for i in evaluate["Arguments"]["ProcessingInputs"] if i["InputName"] == "dataset"]
    assert rows["S3Input"]["S3Uri"] == {
        "Get": "Steps.PrepareDataset.ProcessingOutputConfig.Outputs['dataset'].S3Output.S3Uri"
    }


@pytest.mark.parametrize(
    ("dataset", "given", "version"),
    [
        ({}, {}, None),  # uploaded under its digest
        (THEIRS, {}, "$.id"),
        ({}, {"DatasetUri": "$.detail.Dataset"}, "$.id"),
        (THEIRS, {"DatasetVersion": "2026-11"}, "2026-11"),
    ],
)
def test_a_rule_has_rows_that_may_change_prepared_for_each_event(
    write_config: ConfigWriter, dataset: dict[str, str], given: dict[str, str], version: str | None
) -> None:
    trigger = {"candidates_group": "candidates", "parameters": given}
    bundle = load_bundle(write_config(pipeline=CACHED, dataset=dataset, trigger=trigger))
    [rule] = [
        r for r in wanted_rules(bundle, bundle.config.trigger) if r.name.endswith("-candidates")
    ]
    target = wanted_target(bundle, rule)
    listed = target["SageMakerPipelineParameters"]["PipelineParameterList"]
    assert {p["Name"]: p["Value"] for p in listed}.get("DatasetVersion") == version


@pytest.mark.parametrize("key", ["questions/all.jsonl", "questions", "questions/", ""])
def test_who_starts_and_the_job_may_look_whether_the_dataset_has_changed(
    write_config: ConfigWriter, key: str
) -> None:
    dataset = {"source": f"s3://their-data/{key}"}
    everyone = permissions_of(load_bundle(write_config(pipeline=CACHED, dataset=dataset)))
    listing = Request("s3:ListBucket", "arn:aws:s3:::their-data", {"s3:prefix": key})
    assert {p.who for p in everyone if allows([p.policy], listing)} == {"caller", "job"}


def test_rows_of_the_hub_are_cached_only_by_commit(write_config: ConfigWriter) -> None:
    hub = {"source": "hf://owner/name"}
    with pytest.raises(ConfigError, match=r"pipeline\.cache: needs dataset\.hub\.revision"):
        load_bundle(write_config(pipeline=CACHED, dataset=hub))
    assert load_bundle(
        write_config(pipeline=CACHED, dataset=hub | {"hub": {"revision": "0a1b2c3"}})
    )


@pytest.mark.parametrize("duration", ["P30D", "P1Y", "P2M", "P1W", "PT12H", "PT30M", "P1DT12H"])
def test_durations_as_iso_8601_has_them(write_config: ConfigWriter, duration: str) -> None:
    config = load_bundle(write_config(pipeline={"name": "cached", "cache": duration})).config
    assert config.pipeline.cache == duration


@pytest.mark.parametrize("duration", ["30 days", "30D", "P", "PT", "P1DT", "P1H", "P30", "p30d"])
def test_what_is_no_duration_is_refused(write_config: ConfigWriter, duration: str) -> None:
    with pytest.raises(ConfigError, match=r"pipeline\.cache: must be an ISO 8601 duration"):
        load_bundle(write_config(pipeline={"name": "cached", "cache": duration}))
