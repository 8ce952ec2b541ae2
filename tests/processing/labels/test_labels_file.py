"""Labels as people write them: what is read, whose they are, and each mistake with its line."""

from __future__ import annotations

import json

import pytest

from processing.base.errors import ConfigError
from processing.config.scorers import parse_scorer
from processing.dataset.rows import make_row
from processing.labels.file import guarded, read_labels
from processing.labels.label import Label
from processing.labels.matched import AnswerLabel, match_labels

LEVELS = {"kind": 1, "cool": 0.5, "rude": 0}
SCORERS = [
    parse_scorer("Correctness"),
    parse_scorer("Faithfulness"),
    parse_scorer(
        {
            "tone": {
                "kind": "template",
                "template": "{{ outputs }}",
                "levels": {"kind": 1, "cool": 0.5, "rude": 0},
            }
        }
    ),
]
HEADER = "row_id,answer,scorer,label,who,probability,draw\n"
ONE, TWO = make_row("Is it safe?", "Yes."), make_row("How much?", "Two.")


def read(*lines: str, header: str = HEADER) -> list[Label]:
    return read_labels(header + "".join(f"{line}\n" for line in lines), "labels.csv", SCORERS)


def test_words_levels_and_numbers_are_read_by_the_scorers_own_rules() -> None:
    labels = read(
        "r,a,Correctness,yes,,,",
        "r,a,Correctness,No,,,",
        "r,a,Correctness,true,,,",
        "r,a,Correctness,1,,,",
        "r,a,Faithfulness,0.25,,,",
        "r,a,tone,Cool,,,",
        "r,a,tone,0.5,,,",
        "r,a,tone,,,,",
    )
    assert [label.number for label in labels] == [1, 0, 1, 1, 0.25, 0.5, 0.5, None]


def test_json_lines_hold_numbers_and_booleans_too() -> None:
    lines = [
        {"question": "Is it safe?", "answer": "a", "scorer": "Correctness", "label": True},
        {"row_id": "r", "answer": "a", "scorer": "Faithfulness", "label": 0.5, "who": "ana"},
        {"row_id": "r", "answer": "a", "scorer": "tone", "label": None},
    ]
    text = "\n".join(map(json.dumps, lines))
    labels = read_labels(text, "labels.jsonl", SCORERS)
    assert [(label.number, label.who) for label in labels] == [(1, ""), (0.5, "ana"), (None, "")]
    assert labels[1].place == "labels.jsonl:2"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("r,a,Correctness,maybe,,,", "labels.csv:2: label: 'maybe' is no verdict that Correctness"),
        ("r,a,Faithfulness,1.5,,,", "labels.csv:2: label: '1.5' is no verdict"),
        ("r,a,Faithfulness,nan,,,", "labels.csv:2: label: 'nan'"),
        ("r,a,tone,0.7,,,", "kind (1), cool (0.5) or rude (0)"),
        ("r,a,Corectness,yes,,,", "labels.csv:2: scorer: no scorer is called 'Corectness'"),
        (",a,Correctness,yes,,,", "labels.csv:2: has neither row_id nor question"),
        ("r,,Correctness,yes,,,", "labels.csv:2: answer: is empty"),
        ("r,a,Correctness,yes,,0,", "labels.csv:2: probability: must be above 0"),
        ("r,a,Correctness,yes,,1.2,", "labels.csv:2: probability: must be above 0"),
        ("r,a,Correctness,yes", "labels.csv:2: 4 values under 7 columns"),
        ('"r,a', "labels.csv:2: is no CSV"),
    ],
)
def test_a_mistake_is_told_with_its_line(line: str, said: str) -> None:
    with pytest.raises(ConfigError) as error:
        read(line)
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("row_id,answer,scorer,lable\n", "unknown column 'lable', did you mean 'label'?"),
        ("row_id,answer,scorer\n", "has no label"),
        ("answer,scorer,label\n", "has neither row_id nor question"),
        ("row_id,answer,scorer,label,label\n", "the column 'label' stands twice"),
    ],
)
def test_the_columns_have_to_be_known(header: str, said: str) -> None:
    with pytest.raises(ConfigError) as error:
        read(header=header)
    assert said in str(error.value)


def test_two_labels_of_one_persons_for_one_answer_are_a_mistake() -> None:
    with pytest.raises(ConfigError, match=r"labels\.csv:3: label: ana has .* labels\.csv:2"):
        read("r,a,Correctness,yes,ana,,", "r,a,Correctness,no,ana,,")


def test_a_draw_has_probabilities_on_all_of_its_lines_or_on_none() -> None:
    with pytest.raises(ConfigError, match=r"labels\.csv:3: probability: is missing"):
        read("r,a,Correctness,yes,,0.5,one", "s,a,Correctness,no,,,one")
    assert read("r,a,Correctness,yes,,0.5,one", "s,a,Correctness,no,,,two")


def test_a_row_is_drawn_with_one_probability() -> None:
    with pytest.raises(ConfigError, match=r"csv:3: probability: is 0\.2, but 0\.5 in labels"):
        read("r,a,Correctness,yes,ana,0.5,one", "r,a,Correctness,no,bob,0.2,one")
    assert read("r,a,Correctness,yes,ana,0.5,one", "r,a,Correctness,yes,ana,0.2,two")


@pytest.mark.parametrize(
    ("mark", "said"), [(";", "a semicolon"), ("\t", "a tab"), ("|", "a vertical bar")]
)
def test_a_spreadsheet_s_other_separators_are_named(mark: str, said: str) -> None:
    with pytest.raises(ConfigError, match=rf"labels\.csv:1: {said} separates the columns: save"):
        read(header=HEADER.replace(",", mark))


def lines_of(*labels: tuple[str, str, str], who: str = "") -> list[Label]:
    return read(*(f"{row},{answer},Correctness,{label},{who},," for row, answer, label in labels))


def test_a_label_belongs_to_a_question_and_an_answer() -> None:
    labels = lines_of(
        (ONE.row_id, "Safe.", "yes"), (TWO.row_id, "Three.", "no"), ("elsewhere", "Safe.", "no")
    )
    answers = [(ONE, "Safe."), (TWO, "Two of them.")]
    found = match_labels(labels, answers, SCORERS)["Correctness"]
    assert dict(found.by_row) == {ONE.row_id: AnswerLabel(1.0, 1, agreed=True)}
    assert (found.other_answers, found.other_rows) == (1, 1)
    # the row whose label is another answer's was drawn, and has no label
    assert [each.row_id for each in found.drawn] == [ONE.row_id, TWO.row_id]


def test_a_question_names_the_row_where_only_one_has_it() -> None:
    twice = make_row("Is it safe?", "No.")
    labels = read_labels(
        "question,answer,scorer,label\n Is it safe? ,Safe.,Correctness,yes\n", "l.csv", SCORERS
    )
    assert match_labels(labels, [(ONE, "Safe.")], SCORERS)["Correctness"].by_row
    found = match_labels(labels, [(ONE, "Safe."), (twice, "Safe.")], SCORERS)["Correctness"]
    assert (dict(found.by_row), found.ambiguous) == ({}, 1)


@pytest.mark.parametrize(
    ("said", "number", "agreed"),
    [
        (["yes", "yes", "no"], 1.0, False),
        (["yes", "no"], 0.0, False),
        (["yes", "yes"], 1.0, True),
        (["no"], 0.0, True),
    ],
)
def test_several_people_are_one_label_the_majority_and_no_in_a_tie(
    said: list[str], number: float, agreed: bool
) -> None:
    labels = [
        label for who, word in enumerate(said)
        for label in lines_of((ONE.row_id, "Safe.", word), who=f"person {who}")
    ]  # fmt: skip
    found = match_labels(labels, [(ONE, "Safe.")], SCORERS)["Correctness"]
    assert found.by_row[ONE.row_id] == AnswerLabel(number, len(said), agreed=agreed)
    assert found.disagreements == (not agreed)


def test_line_ends_and_spaces_that_excel_changes_are_the_same_answer() -> None:
    labels = read(f'{ONE.row_id},"First.\r\nSecond. ",Correctness,yes,,,')
    found = match_labels(labels, [(ONE, "First.\nSecond.")], SCORERS)["Correctness"]
    assert ONE.row_id in found.by_row


def test_only_the_last_draw_is_corrected_by_and_all_labels_tell_of_agreement() -> None:
    labels = read(
        f"{ONE.row_id},Safe.,Correctness,yes,,0.5,first",
        f"{TWO.row_id},Two.,Correctness,no,,0.25,second",
    )
    found = match_labels(labels, [(ONE, "Safe."), (TWO, "Two.")], SCORERS)["Correctness"]
    assert set(found.by_row) == {ONE.row_id, TWO.row_id}
    assert [(each.row_id, each.probability) for each in found.drawn] == [(TWO.row_id, 0.25)]


def test_lines_that_somebody_added_behind_a_named_draw_are_no_draw() -> None:
    labels = read(
        f"{ONE.row_id},Safe.,Correctness,no,,0.5,first",
        f"{TWO.row_id},Two.,Correctness,yes,,,",
    )
    found = match_labels(labels, [(ONE, "Safe."), (TWO, "Two.")], SCORERS)["Correctness"]
    assert set(found.by_row) == {ONE.row_id, TWO.row_id}
    assert [(each.row_id, each.probability) for each in found.drawn] == [(ONE.row_id, 0.5)]


def test_labels_of_a_column_are_no_part_of_a_draw_with_probabilities() -> None:
    column = Label("Correctness", TWO.row_id, TWO.question, "Two.", 1.0)
    labels = [column, *read(f"{ONE.row_id},Safe.,Correctness,no,,0.5,")]
    found = match_labels(labels, [(ONE, "Safe."), (TWO, "Two.")], SCORERS)["Correctness"]
    assert set(found.by_row) == {ONE.row_id, TWO.row_id}
    assert [(each.row_id, each.probability) for each in found.drawn] == [(ONE.row_id, 0.5)]


def test_an_answer_that_a_spreadsheet_would_run_is_the_same_answer_again() -> None:
    for answer in ("=1+1", "-5 degrees", "@home", "'=quoted"):
        [label] = read(f'{ONE.row_id},"{guarded(answer)}",Correctness,yes,,,')
        assert label.answer == answer


@pytest.mark.parametrize("label", ["0.5", "0.99", "0.01"])
def test_a_label_between_yes_and_no_is_a_mistake(label: str) -> None:
    with pytest.raises(
        ConfigError, match=r"labels.csv:2: label: .* but Correctness says yes or no"
    ):
        read(f"r,a,Correctness,{label},,,")
    assert [each.number for each in read("r,a,Correctness,1,,,", "s,a,Correctness,0.0,,,")] == [
        1,
        0,
    ]
    assert read(f"r,a,Faithfulness,{label},,,")[0].number == float(label)
