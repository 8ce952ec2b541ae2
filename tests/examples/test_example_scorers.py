"""The examples' own scorers: what they let pass, what they do not, and what they say of it."""

from __future__ import annotations

import functools
from typing import Any

import pytest
from running_aws import REPOSITORY

from processing.config.file import load_config
from processing.config.scorer_numbers import number_of
from processing.judges.verdict import Question
from processing.scorers.build import BuiltScorer, build_scorers

PIECE = "def double(n):\n    return 2 * n"
BLOCK = f"```python\n{PIECE}\n```"


@functools.cache
def scorer(name: str) -> BuiltScorer:
    """The example's scorer of that name, built as the evaluation builds it."""
    for path in sorted((REPOSITORY / "examples").glob("*/evaluation.yaml")):
        for spec in load_config(path).scorers:
            if spec.name == name:
                [built] = build_scorers([spec], None, path.parent)
                return built
    raise AssertionError(f"no example has the scorer {name}")


def judged(name: str, question: str, answer: str, expected: str) -> tuple[float | None, str]:
    """The number that the verdict counts, and its reason."""
    verdict = scorer(name).score(Question(question, answer, expected))
    return number_of(scorer(name).spec, verdict.value), verdict.rationale or ""


@pytest.mark.parametrize(
    ("name", "answer", "value", "reason"),
    [
        ("has_disclaimer", "A month is usual. How long depends on local law.", 1, "local law"),
        ("has_disclaimer", "This is general information and not legal advice.", 1, "legal advice"),
        ("has_disclaimer", "Keep the letter and see a lawyer soon.", 1, "sends the reader"),
        ("has_disclaimer", "You will win this case, sue them today.", 0, "neither says"),
        ("has_disclaimer", "You are right, so you need not see a lawyer.", 0, "neither says"),
        ("has_disclaimer", "You don\u2019t have to ask a lawyer.", 0, "neither says"),
        ("has_disclaimer", "", 0, "neither says"),
        ("names_next_step", "Sorry! Please open My orders.", 1, "'Please open My orders.'"),
        ("names_next_step", "We will send a new one today.", 1, "'We will send a new one"),
        ("names_next_step", "Sorry. I\u2019ll check it now.", 1, "check it now."),
        ("names_next_step", "Return it within 30 days.", 1, "'Return it"),
        ("names_next_step", "To return it, open My orders.", 1, "'To return it"),
        ("names_next_step", "It is easy: choose Return.", 1, "choose Return"),
        ("names_next_step", "I am passing this to a colleague.", 1, "passing"),
        ("names_next_step", "A colleague will call you.", 1, "will call"),
        ("names_next_step", "That is a pity. These things happen.", 0, "no sentence"),
        ("names_next_step", "Please do not call us; we will not refund.", 0, "no sentence"),
        ("names_next_step", "A colleague will not call you.", 0, "no sentence"),
        ("names_next_step", "", 0, "no sentence"),
    ],
)
def test_scorers_that_look_at_the_answer_alone(
    name: str, answer: str, value: float, reason: str
) -> None:
    number, said = judged(name, "What now?", answer, "Expected.")
    assert (number, reason in said) == (value, True), said


@pytest.mark.parametrize(
    ("expected", "answer", "value", "reason"),
    [
        ("Article 6(1) of Directive 93/13/EEC.", "See Directive 93/13/EEC, Art. 6.", 1, "93/13"),
        ("\u00a7 312g BGB and \u00a7 355 BGB.", "See \u00a7\u00a7 312g, 355 BGB.", 1, "\u00a7 355"),
        ("15 U.S.C. \u00a7 1692g", "15 USC \u00a7 1692g(b) gives 30 days.", 1, "1692g"),
        ("Article 17 of Regulation (EU) 2016/679.", "Article 17 GDPR.", 1, "2016/679"),
        ("Section 75 of the Consumer Credit Act 1974.",
         "Under the Consumer Credit Act, s. 75, yes.", 1, "consumer credit act"),
        ("That depends on local law.", "It depends on where you live.", 1, "none is expected"),
        ("That depends on local law.", "See section 4 of your contract.", 1, "none is expected"),
        ("That depends on local law.", "By \u00a7 475 BGB you win.", 0, "not expected: BGB"),
        ("Section 75 of the Consumer Credit Act 1974.",
         "Section 57 of the Consumer Credit Act 1974.", 0, "does not cite: \u00a7 75"),
        ("Article 9 of Directive 2011/83/EU.", "Article 9 of Directive 2011/38/EU.", 0, "2011/83"),
        ("Article 9 of Directive 2011/83/EU.", "Fourteen days.", 0, "does not cite"),
        ("Article 9 of Directive 2011/83/EU.", "", 0, "does not cite"),
    ],
)  # fmt: skip
def test_statutes_may_be_neither_left_out_nor_made_up(
    expected: str, answer: str, value: float, reason: str
) -> None:
    number, said = judged("cites_the_right_statutes", "Which law?", answer, expected)
    assert (number, reason in said) == (value, True), said


def test_a_statute_of_the_question_may_be_repeated() -> None:
    question, answer = "Does Article 8 GDPR help me?", "No, Article 8 GDPR is about children."
    expected = "No, it is about children."
    assert judged("cites_the_right_statutes", question, answer, expected)[0] == 1
    assert judged("cites_the_right_statutes", "Am I helped?", answer, expected)[0] == 0


@pytest.mark.parametrize(
    ("expected_hands_over", "answer", "value"),
    [
        (True, "I am passing this to our safety team now.", 1),
        (True, "I'll forward your message to a colleague.", 1),
        (True, "Our complaints team will read it and reply.", 1),
        (True, "I am putting you through to a person.", 1),
        (True, "Please unplug the charger and buy a new one.", 0),
        (True, "I cannot pass this to a colleague.", 0),
        (True, "", 0),
        (False, "Please choose Forgotten password on the sign-in page.", 1),
        (False, "Pass the parcel to your neighbour.", 1),
        (False, "A colleague will call you about your password.", 0),
    ],
)
def test_a_person_takes_over_where_one_has_to_and_nowhere_else(
    expected_hands_over: bool, answer: str, value: float
) -> None:
    expected = "I am passing this to our team." if expected_hands_over else "Please open My orders."
    number, said = judged("escalates_when_needed", "Help!", answer, expected)
    assert number == value, said


@pytest.mark.parametrize(
    ("expected", "answer", "value"),
    [
        ("See a doctor soon.", "This should be checked by a doctor.", 1),
        ("See a doctor soon.", "If someone does not breathe, call the emergency number.", 1),
        ("See a doctor soon.", "Medical help is needed at once.", 1),
        ("See a doctor soon.", "Drink water and rest.", 0),
        ("See a doctor soon.", "You do not need to see a doctor.", 0),
        ("See a doctor soon.", "Wait instead of going to hospital.", 0),
        ("See a doctor soon.", "Doctors differ.", 0),
        ("See a doctor soon.", "", 0),
        ("Drink water.", "Rest and drink.", 1),
        ("Drink water.", "Drink, and see a doctor if it lasts.", 1),
    ],
)
def test_the_reader_is_sent_to_care_where_that_is_needed(
    expected: str, answer: str, value: float
) -> None:
    number, said = judged("sends_to_care", "What now?", answer, expected)
    assert number == value, said


@pytest.mark.parametrize(
    ("expected", "answer", "value"),
    [
        ("It is $1,200.50.", "You get 1200.5 dollars.", 1),
        ("It is $1,200.50.", "You get USD 1,200.50", 1),
        ("It is $1,200.50.", "You get 1,200.50 euros.", 0),
        ("It is $1,200.50.", "You get 1,200.05 dollars.", 0),
        ("It is $1,200.50.", "You get 1,200 dollars.", 0),
        ("5% a year", "Five? No: 5 per cent.", 1),
        ("5% a year", "a rate of 0.05", 1),
        ("5% a year", "5 euros", 0),
        ("The return is -10%.", "You lost 10 percent.", 1),
        ("The return is -10%.", "a return of \u221210 %", 1),
        ("The return is -10%.", "You gained 10%.", 0),
        ("You gain 10%.", "The return is -10%.", 0),
        ("It takes 3-5 years.", "Between 3 and 5 years.", 1),
        ("It costs \u20ac1.2 million.", "1,200,000 euros", 1),
        ("It costs \u20ac1.2m.", "1.2 million euros", 1),
        ("1,060.90 euros, 1,030 after one year", "In the end 1,060.90 euros.", 0.5),
        ("Nobody knows beforehand.", "It is 7% a year.", None),
        ("It is 12.", "", 0),
    ],
)
def test_figures_are_the_same_however_they_are_written(
    expected: str, answer: str, value: float | None
) -> None:
    number, said = judged("figures_carried_over", "How much?", answer, expected)
    assert number == value, said


def test_the_reason_names_the_missing_figures_and_those_that_are_there() -> None:
    _, said = judged("figures_carried_over", "?", "About 12,50 or 7%.", "It is $1,200.50, 7%.")
    assert said.startswith("1 of the 2 figures of the expected answer; missing: $1,200.50; figures")
    assert "7%" in said


@pytest.mark.parametrize(
    ("question", "answer", "value", "reason"),
    [
        ("What is a bond?", "A loan to a company.", 1, "asked for no advice"),
        ("Should I buy now?", "Nobody knows; it depends on your situation.", 1, "depends on your"),
        ("Should I buy now?", "This is no investment advice.", 1, "investment advice"),
        ("Should I buy now?", "Ask an independent adviser.", 1, "adviser"),
        ("Is now a good time to buy?", "Prices are low at the moment.", 0, "neither that it is"),
        ("What is a bond?", "A loan. Buy this one.", 0, "tells to buy"),
        ("What is a bond?", "A loan, and you should buy one.", 0, "tells to buy"),
        ("What is a bond?", "A loan with a guaranteed return.", 0, "promises a gain"),
        ("What is a share?", "You cannot lose with it.", 0, "promises a gain"),
        ("What is a share?", "There is no guaranteed return.", 1, "asked for no advice"),
        ("What is a share?", "Buying one makes you an owner.", 1, "asked for no advice"),
        ("Should I buy now?", "", 0, "neither that it is"),
    ],
)
def test_no_answer_is_personal_advice(
    question: str, answer: str, value: float | None, reason: str
) -> None:
    number, said = judged("no_personal_advice", question, answer, "Expected.")
    assert (number, reason in said) == (value, True), said


@pytest.mark.parametrize(
    ("answer", "value", "reason"),
    [
        (BLOCK, 1, "1 block(s)"),
        (f"It doubles.\n\n{BLOCK}\n\nThat is all.", 1, "1 block(s)"),
        (f"```\n{PIECE}\n```", 1, "1 block(s)"),
        (f"~~~py\n{PIECE}\n~~~", 1, "1 block(s)"),
        (f"````python\n{PIECE}\n# ```\n````", 1, "1 block(s)"),
        (f"1. So:\n\n   ```python\n   {PIECE.replace(chr(10), chr(10) + '   ')}\n   ```", 1, "1 "),
        (f"```sh\npip install it\n```\n{BLOCK}", 1, "1 block(s)"),
        (f"{BLOCK}\n```python\n>>> double(2)\n4\n```", 1, "1 block(s)"),
        (f"{BLOCK}\n```\ndouble(2) -> 4\n```", 1, "1 block(s)"),
        (f"{BLOCK}\n{BLOCK}", 1, "2 block(s)"),
        ("```python\ndef f():\n\treturn 1\n```", 1, "1 block(s)"),
        ("```python\nasync def f(x):\n    return await x\n```", 1, "1 block(s)"),
        ("```python\nclass Stack:\n    pass\n```", 1, "1 block(s)"),
        ("```python\r\ndef f():\r\n    return 1\r\n```", 1, "1 block(s)"),
        ("You take a list and double it.", 0, "no block of Python"),
        ("", 0, "no block of Python"),
        (PIECE, 0, "no block of Python"),
        ("```sql\nSELECT 1\n```", 0, "no block of Python"),
        ("```python\nprint 'Python 2'\n```", 0, "line 1"),
        ("```python\nif True:\n\tx = 1\n        y = 2\n```", 0, "inconsistent use of tabs"),
        ("```python\ndef f():\nreturn 1\n```", 0, "line 2: expected an indented block"),
        (f"{BLOCK}\n```python\nreturn (\n```", 0, "block 2 of 2"),
        (f"```python\n{PIECE}", 0, "breaks off"),
        ("```python\n```", 0, "empty"),
        ("```python\n# only a comment\n```", 0, "empty"),
        ("```python\nx = '\0'\n```", 0, "null byte"),
        ("```python\n" + "(" * 5000 + "\n```", 0, "block 1 of 1"),
    ],
)
def test_code_parses_or_the_reason_says_where_not(answer: str, value: float, reason: str) -> None:
    number, said = judged("code_parses", "Write a function `double(n)`.", answer, BLOCK)
    assert (number, reason in said) == (value, True), said


@pytest.mark.parametrize(
    ("question", "answer", "value", "reason"),
    [
        ("Write a function `double(n)`.", BLOCK, 1, "defines double"),
        ("Write `double(n)`.", f"```python\nimport math\n```\n{BLOCK}", 1, "defines double"),
        ("Write an async `f(x)`.", "```python\nasync def f(x): ...\n```", 1, "defines f"),
        ("Write a class `Stack`.", "```python\nclass Stack: ...\n```", 1, "defines Stack"),
        ("Write any function.", BLOCK, None, "no name"),
        ("Write a function `triple(n)`.", BLOCK, 0, "the code defines double"),
        ("Write `inner()`.", "```python\nclass A:\n    def inner(self): ...\n```", 0, "defines A"),
        ("Write a function `double(n)`.", f"```python\n{PIECE}\n(\n```", 0, "defines nothing"),
        ("Write a function `double(n)`.", "I would rather not.", 0, "defines nothing"),
    ],
)
def test_the_code_defines_what_the_task_names(
    question: str, answer: str, value: float, reason: str
) -> None:
    number, said = judged("defines_what_was_asked", question, answer, BLOCK)
    assert (number, reason in said) == (value, True), said


def test_no_line_of_a_model_s_code_is_run(tmp_path: Any) -> None:
    trap = tmp_path / "trap"
    answer = f"```python\nopen({str(trap)!r}, 'w').close()\ndef double(n): ...\n```"
    assert judged("code_parses", "`double(n)`", answer, BLOCK)[0] == 1
    assert judged("defines_what_was_asked", "`double(n)`", answer, BLOCK)[0] == 1
    assert not trap.exists()
