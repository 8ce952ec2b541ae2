"""`judge.panel`: how it is written, what its judges share, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from configuration_file import read_document, write_document

from processing.base.errors import ConfigError
from processing.config.file import load_config
from processing.config.judge import Judge
from processing.config.judge_keys import missing_judge_keys
from processing.config.model import EvaluationConfig

EXAMPLE = read_document()
Written = Callable[..., EvaluationConfig]


@pytest.fixture
def written(tmp_path: Path) -> Written:
    def write(judge: Any, **sections: Any) -> EvaluationConfig:
        path = tmp_path / "evaluation.yaml"
        chosen = {
            "scorers": ["Correctness", "Safety"],
            "thresholds": {"Correctness": {"min": 0.5}},
            "judge": judge,
            **sections,
        }
        dropped = ("labels", "judges", "slices", "champion", "prices", "budgets")
        kept = {key: value for key, value in EXAMPLE.items() if key not in dropped}
        return load_config(write_document({**kept, **chosen}, path))

    return write


def test_a_judge_is_a_model_or_a_mapping_and_takes_over_what_it_does_not_say(
    written: Written,
) -> None:
    config = written(
        {
            "panel": [
                "bedrock:/a",
                {"model": "openai:/b", "base_url": "http://x/v1", "repeats": 1},
            ],
            "repeats": 3,
            "parameters": {"temperature": 0},
        }
    )
    judges = config.judges_of(config.scorers[0])
    assert [judge.model for judge in judges] == ["bedrock:/a", "openai:/b"]
    assert [judge.repeats for judge in judges] == [3, 1]
    assert [judge.base_url for judge in judges] == [None, "http://x/v1"]
    assert all(judge.parameters == {"temperature": 0} for judge in judges)
    assert config.judge
    assert config.judge.model == "panel:/bedrock:/a + openai:/b"
    again = Judge.model_validate(config.judge.model_dump(mode="json"))
    assert again == config.judge


def test_the_order_is_no_other_panel() -> None:
    names = ["x:/b", "x:/a"]
    one, other = (Judge.model_validate({"panel": each}) for each in (names, names[::-1]))
    assert one.model == other.model == "panel:/x:/a + x:/b"


def test_a_scorer_may_have_a_panel_of_its_own(written: Written) -> None:
    own = {"Safety": {"judge": {"panel": ["bedrock:/b", "bedrock:/c"]}}}
    config = written({"model": "bedrock:/a"}, scorers=["Correctness", own])
    asked = [[judge.model for judge in config.judges_of(spec)] for spec in config.scorers]
    assert asked == [["bedrock:/a"], ["bedrock:/b", "bedrock:/c"]]


@pytest.mark.parametrize(
    ("judge", "said"),
    [
        ({"panel": ["bedrock:/a"]}, "judge.panel: of one judge is none"),
        ({"panel": []}, "judge.model: is missing"),
        ({"panel": ["bedrock:/a", "bedrock:/a"]}, "bedrock:/a is on it more than once"),
        ({"panel": ["bedrock:/a", "bedrock"]}, "judge.panel[1].model: must be provider:/model"),
        ({"panel": ["bedrock:/a", 7]}, "judge.panel[1]: must be a section with keys"),
        ({"panel": ["bedrock:/a", {"repeats": 2}]}, "judge.panel[1].model: is missing"),
        ({"panel": "bedrock:/a"}, "judge.panel: must be a list"),
        ({"panel": ["x:/a", {"model": "x:/b", "repeat": 2}]}, "did you mean 'repeats'"),
        ({"panel": ["x:/a", "x:/b"], "model": "x:/c"}, "has a model and a panel"),
        ({"panel": ["x:/a", {"panel": ["x:/b", "x:/c"]}]}, "has a panel on it"),
        ({"panel": ["x:/a", "x:/b"], "base_url": "http://x/v1"}, "base_url is each judge's own"),
        ({"panel": ["x:/a", "x:/b"], "tokens_per_minute": 9}, "tokens_per_minute is each judge's"),
        ({"panel": [f"x:/{n}" for n in range(10)]}, "judge.panel: has 10 judges; 9 are the most"),
    ],
)
def test_what_is_no_panel_is_refused_where_it_stands(
    written: Written, judge: Any, said: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        written(judge)
    assert "evaluation.yaml:" in str(refused.value)
    assert said in str(refused.value)


def test_a_pairwise_scorer_has_one_judge(written: Written) -> None:
    panel, better = ["bedrock:/a", "bedrock:/b"], {"better": {"kind": "pairwise"}}
    with pytest.raises(ConfigError, match=r"scorers\[1\].*compares two answers by one judge"):
        written({"panel": panel}, scorers=["Correctness", better])
    better["better"]["judge"] = {"model": "bedrock:/a"}  # type: ignore[assignment]
    written({"panel": panel}, scorers=["Correctness", better])


def test_each_judge_needs_its_key_and_its_price(written: Written) -> None:
    panel = {"panel": ["bedrock:/a", "anthropic:/b", "mistral:/c"]}
    [one, other] = missing_judge_keys(written(panel), [])
    assert "ANTHROPIC_API_KEY" in one
    assert "MISTRAL_API_KEY" in other
    prices = {"a": {"input_per_million": 1, "output_per_million": 1}}
    with pytest.raises(ConfigError, match="needs a price for b, c"):
        written(panel, budgets={"max_spend": 5}, prices=prices)
