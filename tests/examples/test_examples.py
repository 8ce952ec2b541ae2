"""Each folder under examples/ with a configuration of its own: it checks, loads and judges."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from running_aws import REPOSITORY
from typed_command import typed

from processing import prepare_dataset
from processing.config.file import load_config
from processing.config.scorer_numbers import number_of
from processing.dataset.retrieved import Passage, Retrieved
from processing.dataset.turns import turns_in
from processing.judges.verdict import Question
from processing.scorers.build import BuiltScorer, build_scorers

pytestmark = pytest.mark.integration

EXAMPLES = sorted(
    path.parent
    for path in (REPOSITORY / "examples").glob("*/evaluation.yaml")
    if path.parent.name != "traffic"  # its rows are what was captured
)

each_example = pytest.mark.parametrize("folder", EXAMPLES, ids=lambda folder: folder.name)


def rows(folder: Path) -> list[dict[str, Any]]:
    """With `question` and `history`, of conversations too."""
    source = load_config(folder / "evaluation.yaml").dataset.source
    found = [json.loads(line) for line in (folder / source).read_text("utf-8").splitlines()]
    for row in found:
        *history, last = turns_in(row.get("messages") or [_asked(row)], "messages")
        row["question"], row["history"] = last.content, tuple(history)
    return found


def _asked(row: dict[str, Any]) -> dict[str, str]:
    return {"role": "user", "content": row["question"]}


def answered_as_expected(row: dict[str, Any]) -> Question:
    gold = (row["passage"],) if "passage" in row else None
    return Question(
        row["question"],
        row["answer"],
        row["answer"],
        gold,
        history=row["history"],
        retrieved=gold and Retrieved(tuple(map(Passage, gold))),
    )


def users_scorers(folder: Path) -> list[BuiltScorer]:
    """The example's scorers from its own file, built as the evaluation builds them."""
    specs = load_config(folder / "evaluation.yaml").scorers
    built = build_scorers([spec for spec in specs if spec.kind == "file"], None, folder)
    assert built
    return built


def test_the_examples_are_there() -> None:
    """Without this, no folder found would be no test failed."""
    names = {"health", "legal", "customer-service", "financial", "code-generation"}
    names |= {"conversation", "retrieval"}
    assert names <= {folder.name for folder in EXAMPLES}


@each_example
def test_check_finds_nothing_wrong_without_aws(folder: Path) -> None:
    config = folder / "evaluation.yaml"
    checked = typed("check", "--config", str(config))
    assert checked.returncode == 0, checked.stderr
    assert "evaluation.yaml: good" in checked.stdout


@each_example
def test_no_two_examples_share_a_pipeline_or_a_place(folder: Path) -> None:
    def places(path: Path) -> tuple[str, str, str]:
        config = load_config(path)
        group = config.registration.model_package_group
        return config.pipeline.name, group, config.infrastructure.prefix

    others = [REPOSITORY, *(other for other in EXAMPLES if other != folder)]
    own = places(folder / "evaluation.yaml")
    for other in others:
        for mine, theirs in zip(own, places(other / "evaluation.yaml"), strict=True):
            assert mine != theirs, other


@each_example
def test_questions_are_distinct_and_each_slice_can_be_judged(folder: Path) -> None:
    questions = rows(folder)
    assert len({row["question"].casefold() for row in questions}) == len(questions) >= 30
    for row in questions:
        limit = 160 if "```" in row["answer"] else 50
        assert 20 <= len(row["answer"].split()) <= limit, row
    slices = load_config(folder / "evaluation.yaml").slices
    assert slices
    for column, rule in slices.items():
        values = [row[column] for row in questions]
        assert all(values.count(value) >= rule.min_rows for value in values)


@each_example
def test_prepare_dataset_takes_every_row(folder: Path, tmp_path: Path) -> None:
    config = folder / "evaluation.yaml"
    prepare_dataset.main(["--config", str(config), "--output", str(tmp_path)])
    manifest: dict[str, Any] = json.loads((tmp_path / "manifest.json").read_bytes())
    count = len(rows(folder))
    drawn = load_config(config).dataset.sample_size or count
    assert manifest["counts"] == {
        "read": count,
        "unusable": 0,
        "duplicates": 0,
        "conflicting_questions": 0,
        "usable": count,
        "written": drawn,
    }
    assert len((tmp_path / "dataset.jsonl").read_bytes().splitlines()) == drawn


@each_example
def test_expected_answers_would_meet_the_thresholds_of_the_user_s_scorers(folder: Path) -> None:
    thresholds = load_config(folder / "evaluation.yaml").thresholds
    for built in users_scorers(folder):
        bound = thresholds[built.spec.name].min
        assert bound is not None
        numbers = [
            number_of(
                built.spec,
                built.score(answered_as_expected(row)).value,
            )
            for row in rows(folder)
        ]
        assert sum(number or 0.0 for number in numbers) / len(numbers) >= bound


@each_example
def test_the_demo_s_knowledge_is_worded_differently_from_the_expected_answers(folder: Path) -> None:
    expected = {row["answer"] for row in rows(folder)}
    for file in folder.glob("knowledge*.jsonl"):
        passages = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
        assert len({passage["id"] for passage in passages}) == len(passages) < len(expected)
        for passage in passages:
            said = passage["text"] + passage.get("code", "")
            assert not [answer for answer in expected if answer in said or said in answer], passage
