"""`variants:` of evaluation.yaml: what a variant may override, and how a mistake is told."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from running_aws import ConfigWriter
from typed_command import the_line, typed

from pipeline.definition.bundle import load_bundle
from pipeline.definition.variants import Variant
from pipeline.permissions.job_role import job_policy
from processing.base.errors import ConfigError


def variants_of(write_config: ConfigWriter, section: Any) -> dict[str, Variant]:
    return {v.name: v for v in load_bundle(write_config(variants=section)).variants}


def line_of(path: Path, text: str) -> int:
    lines = path.read_text().splitlines()
    return next(i for i, line in enumerate(lines, 1) if text in line)


def test_each_is_the_file_with_what_it_overrides(
    write_config: ConfigWriter, tmp_path: Path
) -> None:
    (tmp_path / "prompt.txt").write_text("Be kind.\n")
    found = variants_of(
        write_config,
        {
            "base": None,
            "warm": {"endpoint.parameters.temperature": 0.7, "thresholds.Safety.min": 0.5},
            "kind-2": {"endpoint.system_prompt": "@prompt.txt", "endpoint.prompt": "@@{question}"},
            "other_model": {"endpoint.name": "other", "registration.approval_status": "Approved"},
        },
    )
    assert sorted(found) == ["base", "kind-2", "other_model", "warm"]
    assert found["base"].overrides == {}
    assert found["warm"].config.endpoint.parameters["temperature"] == 0.7
    assert found["warm"].config.thresholds["Safety"].min == 0.5
    assert found["kind-2"].overrides["endpoint.system_prompt"] == "Be kind.\n"
    assert found["kind-2"].config.endpoint.prompt == "@{question}"
    assert {name: dict(v.parameters) for name, v in found.items()} == {
        "base": {},
        "warm": {"MinSafety": "0.5"},
        "kind-2": {},
        "other_model": {"EndpointName": "other", "ApprovalStatus": "Approved"},
    }


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        ({"infrastructure.job_role": "x"}, "is part of the pipeline's definition"),
        ({"pipeline.name": "x"}, "is part of the pipeline's definition"),
        ({"thresholds.Safety.tier": "soft"}, "is part of the pipeline's definition"),
        ({"thresholds.brand_new.min": 0.1}, "is part of the pipeline's definition"),
        ({"variants.other": {}}, "is part of the pipeline's definition"),
        ({"dataset.sample_size": 3}, "variants are compared on the same rows"),
        ({"mlflow.tracking_uri": "http://x"}, "variants are recorded on one MLflow server"),
        ({"endpiont.name": "x"}, "no section 'endpiont', did you mean 'endpoint'"),
        ({"endpoint.concurrencey": 3}, "unknown key, did you mean 'concurrency'"),
        ({"endpoint.concurrency": "many"}, "must be a whole number, not 'many'"),
        ({"thresholds.Safety.min": 1.5}, "1.5"),
        ({"endpoint.name.x": 1}, "endpoint.name is a value and has no keys"),
        ({"endpoint.system_prompt": "@gone.txt"}, "gone.txt cannot be read: No such file"),
        ({"endpoint.parameters": {"api_key": "sk-0123456789abcdefghij"}}, "secret"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_line_and_key(
    write_config: ConfigWriter, overrides: dict[str, Any], said: str
) -> None:
    path = write_config(variants={"base": {}, "warm": overrides})
    [key] = overrides
    line = the_line(typed("check", "--config", str(path)))
    place = f"{path}:{line_of(path, f'{key}:')}: variants.warm.{key}"
    assert line.startswith(f"error: {place}"), line
    assert said in line


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["../up"], "'../up'"),
        (["a/b"], "'a/b'"),
        ([".."], "'..'"),
        (["-a"], "'-a'"),
        (["a b"], "'a b'"),
        (["ü"], "'ü'"),
        (["x" * 41], "at most 40"),
        (["Warm", "warm"], "differs from Warm by upper and lower case alone"),
    ],
)
def test_a_name_that_no_folder_should_have_is_refused(
    write_config: ConfigWriter, names: list[str], said: str
) -> None:
    path = write_config(variants={name: {} for name in names})
    line = the_line(typed("check", "--config", str(path)))
    assert re.search(rf"{re.escape(str(path))}:\d+: variants\.", line)
    assert said in line


def test_a_name_used_twice_is_refused_with_its_line(write_config: ConfigWriter) -> None:
    path = write_config()
    path.write_text(path.read_text() + "\nvariants:\n  warm: {}\n  warm: {}\n")
    lines = len(path.read_text().splitlines())
    said = the_line(typed("check", "--config", str(path)))
    assert f"{path}:{lines}: " in said
    assert "the key 'warm' stands here a second time" in said


def test_what_changes_which_metrics_there_are_is_refused(write_config: ConfigWriter) -> None:
    path = write_config(
        scorers=["rougeL_fmeasure"],
        thresholds={"rougeL_fmeasure": {"min": 0.1}},
        variants={"more": {"scorers": ["rougeL_fmeasure", "ChrfScore"]}, "none": {"scorers": []}},
    )
    with pytest.raises(ConfigError) as raised:
        load_bundle(path)
    first, *others = str(raised.value).splitlines()
    assert first.startswith(f"{path}:{line_of(path, 'more:')}: variants.more: scorers: ChrfScore: ")
    assert others
    assert all("variants.none.scorers: " in line for line in others)


def test_all_mistakes_of_all_variants_are_told_at_once(write_config: ConfigWriter) -> None:
    with pytest.raises(ConfigError) as raised:
        variants_of(write_config, {"a": {"endpoint.x": 1}, "b": 3, "c": {"dataset.seed": 1}})
    assert "variants.b: must be a section with keys, not 3" in str(raised.value)
    with pytest.raises(ConfigError) as raised:
        variants_of(write_config, {"a": {"endpoint.x": 1}, "c": {"dataset.seed": 1}})
    assert len(str(raised.value).splitlines()) == 2


def test_the_job_may_call_each_variant_s_endpoint_and_judge(write_config: ConfigWriter) -> None:
    bundle = load_bundle(
        write_config(
            variants={
                "other": {"endpoint.name": "other-endpoint"},
                "judge": {"judge.model": "bedrock:/amazon.nova-pro-v1:0"},
                "part": {"endpoint.inference_component": "part"},
            }
        )
    )
    policy = json.dumps(job_policy(bundle))
    for named in (
        "endpoint/health-qa-good",
        "endpoint/other-endpoint",
        "inference-component/part",
        "foundation-model/amazon.nova-pro-v1:0",
        "anthropic.claude-sonnet-5-5",
    ):
        assert named in policy, named


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["--variants", "wram"],
            "has no variant 'wram', did you mean 'warm'?; there are base, warm",
        ),
        (["--variants", "warm", "warm"], "--variants: warm is named more than once"),
        (["--rank-by", "Safety"], "--rank-by ranks variants: give --variants too"),
        (["--variants", "--rank-by", "latency_p95_ms"], "no row has a number of 'latency_p95_ms'"),
        (["--variants", "--set", "endpoint.name.x=1"], "--set endpoint.name.x: endpoint.name is a"),
        (["--variants", "--set", "judge.modle=x"], "judge.modle: unknown key"),
    ],
)
def test_what_try_cannot_do_is_said_before_anything_is_asked(
    write_config: ConfigWriter, arguments: list[str], said: str
) -> None:
    path = write_config(variants={"base": {}, "warm": {"endpoint.parameters.temperature": 0.7}})
    assert said in the_line(typed("try", "--config", str(path), *arguments))


def test_without_variants_it_says_how_to_have_some(write_config: ConfigWriter) -> None:
    path = write_config()
    assert "the file has none: add the section" in the_line(
        typed("try", "--config", str(path), "--variants")
    )
