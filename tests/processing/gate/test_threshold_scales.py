"""A threshold off its metric's scale decides nothing: it is refused with its line and the scale."""

from __future__ import annotations

from typing import Any

import pytest
from running_aws import ConfigWriter
from typed_command import the_line, typed

from processing.base.errors import ConfigError
from processing.config.file import load_config

RUBRICS = {f"score{n}_description": "so" for n in (2, 3, 4)}
SCORERS: dict[str, tuple[Any, str, float, float]] = {
    "text": ("rougeL_fmeasure", "0 to 1", 0, 1),
    "judge": ("Safety", "0 to 1", 0, 1),
    "guidelines": ({"kind": {"kind": "Guidelines", "guidelines": "Be kind."}}, "0 to 1", 0, 1),
    "levels": (
        {"good": {"kind": "template", "template": "{{ outputs }}", "levels": {"a": -2, "b": 7}}},
        "a (-2) or b (7)", -2, 7,
    ),
    "DeepEval": ("AnswerRelevancy", "0 to 1", 0, 1),
    "RAGAS": ({"FactualCorrectness": {"kind": "RAGAS"}}, "0 to 1", 0, 1),
    "rubrics": (
        {"help": {"kind": "RAGAS", "metric": "DomainSpecificRubrics", "rubrics": RUBRICS}},
        "2 to 4", 2, 4,
    ),
    "file": ({"mine": {"file": "scorers.py", "range": [0, 100]}}, "0 to 100", 0, 100),
    "file's levels": ({"mine": {"file": "scorers.py", "levels": {"x": 3, "y": 4}}}, "x (3)", 3, 4),
}  # fmt: skip


def name_of(entry: Any) -> str:
    return entry if isinstance(entry, str) else next(iter(entry))


@pytest.mark.slow
@pytest.mark.parametrize("kind", SCORERS)
def test_a_scorer_s_threshold_keeps_to_its_scale(write_config: ConfigWriter, kind: str) -> None:
    entry, scale, low, high = SCORERS[kind]
    name = name_of(entry)

    def refusal(rule: str, bound: float) -> str:
        config = write_config(scorers=[entry], thresholds={name: {rule: bound}})
        try:
            load_config(config)
        except ConfigError as error:
            lines = config.read_text().splitlines()
            [line] = str(error).splitlines()
            number = int(line.removeprefix(f"{config}:").partition(":")[0])
            assert f"{name}: {{{rule}: " in lines[number - 1] or f"{rule}: " in lines[number - 1]
            return line
        return ""

    for rule in ("min", "max"):
        assert not refusal(rule, low)
        assert not refusal(rule, high)
        assert not refusal(rule, (low + high) / 2)
        for bound, verdict in {
            low - 0.5: "every model would pass" if rule == "min" else "no model could pass",
            high + 0.5: "no model could pass" if rule == "min" else "every model would pass",
        }.items():
            line = refusal(rule, bound)
            assert f"thresholds.{name}.{rule}: {bound:g} lies off the scale" in line
            assert scale in line
            assert line.endswith(verdict)


@pytest.mark.parametrize("metric", ["latency_p95_ms", "output_tokens_mean"])
def test_a_measurement_s_threshold_is_never_below_0(
    write_config: ConfigWriter, metric: str
) -> None:
    bounds = {"Safety": {"min": 0.5}, metric: {"max": 2000}}
    load_config(write_config(thresholds=bounds))
    for rule in ("min", "max"):
        with pytest.raises(ConfigError, match=rf"thresholds\.{metric}\.{rule}: -1 lies off"):
            load_config(write_config(thresholds=bounds | {metric: {rule: -1}}))


def test_a_slice_s_threshold_and_a_champion_s_margin_keep_to_the_scale_too(
    write_config: ConfigWriter,
) -> None:
    slices = {"kind": {"thresholds": {"Safety": {"min": 70}}}}
    with pytest.raises(ConfigError, match=r"slices\.kind\.thresholds\.Safety\.min: 70 lies off"):
        load_config(write_config(slices=slices))
    with pytest.raises(ConfigError, match=r"champion\.metrics\.Safety\.margin: 5 is more than"):
        load_config(write_config(champion={"metrics": {"Safety": {"margin": 5}}}))


def test_any_number_can_bound_a_file_s_scorer_without_a_range(write_config: ConfigWriter) -> None:
    entry = {"mine": {"file": "scorers.py"}}
    load_config(write_config(scorers=[entry], thresholds={"mine": {"min": 70}}))


def test_a_threshold_given_at_start_is_refused_before_anything_is_started(
    write_config: ConfigWriter,
) -> None:
    config = str(write_config())
    line = the_line(typed("start", "--config", config, "-p", "MinSafety=70"))
    assert "MinSafety=70: 70 lies off the scale of Safety: its scale is 0 to 1" in line
