"""A word is a word in every language, for every scorer that compares or counts words."""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from marker_judge import question

from processing.base.clean_text import has_text
from processing.config.judge import silence_libraries
from processing.config.scorer_numbers import number_rule
from processing.config.scorers import parse_scorer
from processing.judges.verdict import JudgeError
from processing.scorers.build import BuiltScorer, build_scorers

SENTENCES = {
    "Arabic": "اتصل بالطبيب خلال سبعة أيام.",
    "Bengali": "সাত দিনের মধ্যে ডাক্তারের সাথে যোগাযোগ করুন।",
    "Burmese": "ခုနစ်ရက်အတွင်း ဆရာဝန်ကို ဆက်သွယ်ပါ။",
    "Chinese": "请在七天内联系医生。",
    "English": "Call the doctor within seven days.",
    "German": "Rufen Sie das Ärztehaus an, wenn das Blutdruckmessgerät mehr als 180 zeigt.",
    "Greek": "Επικοινωνήστε με τον γιατρό μέσα σε επτά ημέρες.",
    "Hebrew": "פנו לרופא תוך שבעה ימים.",
    "Hindi": "सात दिनों के भीतर डॉक्टर से संपर्क करें।",
    "Japanese": "七日以内に医師に相談してください。",
    "Khmer": "សូមទាក់ទងវេជ្ជបណ្ឌិតក្នុងរយៈពេលប្រាំពីរថ្ងៃ។",
    "Korean": "칠 일 안에 의사에게 연락하세요.",
    "Lao": "ກະລຸນາຕິດຕໍ່ທ່ານໝໍພາຍໃນເຈັດວັນ",
    "Persian": "ظرف هفت روز با پزشک تماس می‌گیریم.",
    "Russian": "Свяжитесь с врачом в течение недели.",  # noqa: RUF001
    "Thai": "โปรดติดต่อแพทย์ภายในเจ็ดวัน",
    "Vietnamese": "Hãy liên hệ với bác sĩ trong vòng bảy ngày.",
}
OVERLAPS = ("rougeL_fmeasure", "BleuScore", "ChrfScore")


@functools.cache
def built(name: str) -> BuiltScorer:
    return scorer(name)


def scorer(entry: object) -> BuiltScorer:
    silence_libraries()
    return build_scorers([parse_scorer(entry)], None, Path())[0]


def value(scores: BuiltScorer, answer: str, expected: str) -> Any:
    return scores.score(question(answer, expected_response=expected)).value


@pytest.mark.parametrize("name", OVERLAPS)
@pytest.mark.parametrize("language", SENTENCES)
def test_a_text_against_itself_is_one_and_against_another_script_nothing(
    name: str, language: str
) -> None:
    text = SENTENCES[language]
    assert value(built(name), text, text) == 1.0
    other = "Zxq wvj" if language == "Greek" else "Ξπ φζ"
    assert value(built(name), other, text) == 0.0


LETTERS = st.characters(categories=["Lu", "Ll", "Lo", "Nd"])
ANY_WORDS = st.lists(st.text(LETTERS | st.characters(categories=["Mn", "Mc"]), min_size=1)).filter(
    lambda parts: any(sign.isalnum() for sign in "".join(parts))
)


@pytest.mark.slow
@given(parts=ANY_WORDS)
def test_any_text_with_a_letter_scores_one_against_itself(parts: list[str]) -> None:
    text = " ".join(parts)
    for name in OVERLAPS:
        assert value(built(name), text, text) == 1.0, name


ALPHABETS = [
    "abcdef",
    "абвгд",
    "αβγδε",
    "医生药剂师",
    "かきくけこ",
    "가나다라",
    "กขคงจ",
    "अआइई",
    "ابتث",
]


@pytest.mark.slow
@given(st.permutations(ALPHABETS), st.data())
def test_texts_that_share_no_letter_score_nothing(
    alphabets: list[str], data: st.DataObject
) -> None:
    answer, reference = (
        " ".join(data.draw(st.lists(st.text(letters, min_size=1), min_size=1)))
        for letters in alphabets[:2]
    )
    for name in OVERLAPS:
        assert value(built(name), answer, reference) == 0.0, name


@pytest.mark.slow
@given(parts=ANY_WORDS, other=ANY_WORDS)
def test_normal_forms_make_no_difference_and_no_score_leaves_its_scale(
    parts: list[str], other: list[str]
) -> None:
    text, reference = " ".join(parts), " ".join(other)
    for name in OVERLAPS:
        scores = {
            value(built(name), unicodedata.normalize(ours, text),
                  unicodedata.normalize(theirs, reference))
            for ours in ("NFC", "NFD")
            for theirs in ("NFC", "NFD")
        }  # fmt: skip
        assert len(scores) == 1, name
        assert 0.0 <= scores.pop() <= 1.0


@given(
    answer=st.text(st.characters(max_codepoint=127)),
    expected=st.text(st.characters(max_codepoint=127)),
)
def test_rouge_of_ascii_is_google_s_to_the_digit(answer: str, expected: str) -> None:
    from rouge_score.rouge_scorer import RougeScorer

    google = RougeScorer(["rougeL"], use_stemmer=True)
    if any(sign.isalnum() for sign in expected):
        theirs = google.score(expected, answer)["rougeL"].fmeasure
        assert value(built("rougeL_fmeasure"), answer, expected) == theirs


@given(
    answer=st.text(st.characters(max_codepoint=127)),
    expected=st.text(st.characters(max_codepoint=127), min_size=1),
)
def test_bleu_of_ascii_is_sacrebleu_s_to_the_digit(answer: str, expected: str) -> None:
    from sacrebleu import sentence_bleu

    assume(has_text(expected))
    theirs = sentence_bleu(answer, [expected]).score / 100
    assert value(built("BleuScore"), answer, expected) == min(theirs, 1.0)


def test_a_wrong_answer_with_the_same_number_is_not_right() -> None:
    wrong, expected = "请打 7 号客服电话。", "退款需要 7 天。"
    for name in OVERLAPS:
        assert 0.0 < value(built(name), wrong, expected) < 0.4


def test_an_expected_answer_without_words_is_no_score_of_zero() -> None:
    with pytest.raises(JudgeError, match="no letter or digit"):
        value(built("rougeL_fmeasure"), "👍", "👍")


@pytest.mark.parametrize(
    ("answer", "expected", "least", "most"),
    [
        ("It opens at nine. Dogs bark.", "It opens at nine. It closes at six.", 0.2, 0.6),
        (
            "Keep it in a cool place. Drink it.",
            "Keep it in a cool place. Never drink it.",
            0.3,
            0.9,
        ),
        ("Yes.", "Yes.", 1.0, 1.0),
    ],
)
def test_bleu_scores_the_whole_text(answer: str, expected: str, least: float, most: float) -> None:
    assert least <= value(built("BleuScore"), answer, expected) <= most


def test_ragas_s_own_bleu_stays_to_be_had(build: Callable[..., BuiltScorer]) -> None:
    from ragas.metrics.collections import BleuScore

    given = {
        "response": "It opens at nine. Dogs bark.",
        "reference": "It opens at nine. It closes.",
    }
    theirs = BleuScore().score(**given).value
    by_name = build({"ragas_bleu": {"kind": "RAGAS", "metric": "BleuScore"}})
    ours = value(by_name, given["response"], given["reference"])
    assert ours == pytest.approx(theirs)
    assert ours != value(built("BleuScore"), given["response"], given["reference"])


@pytest.mark.parametrize(("metric", "language"), [("RougeScore", "Russian"), ("BleuScore", "Thai")])
def test_ragas_s_metrics_of_words_say_which_text_they_cannot_read(
    metric: str, language: str
) -> None:
    by_name = scorer({metric: {"kind": "RAGAS"}})
    with pytest.raises(JudgeError, match="take"):
        value(by_name, SENTENCES[language], SENTENCES[language])
    assert value(by_name, SENTENCES["German"], SENTENCES["German"]) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("請在七天內聯絡醫生。", 9),
        ("โปรดติดต่อ", 8),
        ("칠 일 안에 연락하세요.", 4),
        ("A well-known 5 % rule, isn't it?", 7),
        ("用 Python 3 写", 4),
    ],
)
def test_brevity_counts_what_a_reader_counts(text: str, words: int) -> None:
    assert value(scorer({"is_brief": {"max_words": words}}), text, "x") is True
    if words > 1:
        assert value(scorer({"is_brief": {"max_words": words - 1}}), text, "x") is False


@pytest.mark.parametrize(
    ("terms", "answer", "expected", "share"),
    [
        (["医生", "药剂师"], "今天天气很好。", "发烧超过三天请看医生或药剂师。", 0.0),
        (["医生", "药剂师"], "问医生。", "发烧超过三天请看医生或药剂师。", 0.5),
        (["ウイルス"], "コロナウイルスです。", "ウイルスです。", 1.0),
        (["의사"], "약사와 이야기하세요.", "의사에게 문의하세요.", 0.0),
        (["의사"], "의사와 이야기하세요.", "의사에게 문의하세요.", 1.0),
        (["หมอ", "ยา"], "ไปเที่ยว", "ถามหมอเรื่องยา", 0.0),
        (["%", "€"], "nothing", "5 % of 30 €", 0.0),
        (["%", "€"], "5% of €30", "5 % of 30 €", 1.0),
        (["C++", "C#"], "Write it in C.", "Write it in C++ or C#.", 0.0),
        (["C++", "C#"], "用C++写。", "Write it in C++ or C#.", 0.5),
        (["C"], "Write it in C++.", "Write it in C.", 0.0),
        (["blood pressure"], "your **blood** pressure", "Blood pressure", 1.0),
        (["Café"], "ein CAFE\u0301", "das Cafe\u0301", 1.0),
        (["Blutdruck"], "Das Blutdruckmessgerät.", "Der Blutdruck.", 0.0),
        (["врач"], "Спросите. Врач ответит.", "Врач поможет.", 1.0),
    ],
)
def test_terms_are_found_in_every_language(
    terms: list[str], answer: str, expected: str, share: float
) -> None:
    assert value(scorer({"domain_terminology": {"terms": terms}}), answer, expected) == share


@pytest.mark.parametrize("term", ["...", "—", "()"])
def test_a_term_without_anything_to_look_for_is_refused(term: str) -> None:
    with pytest.raises(ValueError, match="no letter, digit or symbol"):
        parse_scorer({"domain_terminology": {"terms": ["nose", term]}})


def test_the_tokenizer_is_part_of_the_definition_and_of_the_report() -> None:
    for entry in (
        "rougeL_fmeasure",
        "BleuScore",
        "is_brief",
        {"domain_terminology": {"terms": ["x"]}},
    ):
        made = scorer(entry)
        assert '"tokenizer": ' in made.definition
        assert '"regex": ' in made.definition
        assert "words: " in number_rule(made.spec)
