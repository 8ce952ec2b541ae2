"""Passages that an endpoint returns: read in the forms of real services, and never made up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from processing.calls.paid_store import Shelf
from processing.calls.spend import Spend
from processing.config.dataset import Columns
from processing.config.endpoint import Endpoint
from processing.dataset.columns import map_record
from processing.dataset.readers import Record
from processing.dataset.retrieved import LONGEST_METADATA, MOST_PASSAGES, retrieved_in
from processing.dataset.rows import Written, make_row, row_of
from processing.endpoint.answers import Answer, AnswerDesk, answer_rows
from processing.endpoint.client import MeasuredModel, endpoint_rate_limit
from processing.endpoint.payload import read_reply

ROW = make_row("Where?", "Here.", ["The gold."])
MODEL = MeasuredModel("arn:aws:sagemaker:us-east-1:1:endpoint/e", "m", "arn:aws:m", "r")


def chat(path: str | None = "choices[0].message.context.citations") -> Endpoint:
    return Endpoint.model_validate({"name": "e", "response": {"context": path} if path else None})


def body(**message: Any) -> dict[str, Any]:
    return {"choices": [{"message": {"content": "Here.", **message}}]}


@pytest.mark.parametrize(
    ("passages", "texts"),
    [
        (["One.", "Two."], ("One.", "Two.")),
        ([{"page_content": "One.", "metadata": {"source": "a"}}], ("One.",)),  # LangChain
        ([{"content": {"text": "One."}, "location": {"type": "S3"}}], ("One.",)),  # Bedrock
        ([{"content": "One.", "title": "A", "chunk_id": "0"}], ("One.",)),  # Azure
        ([{"node": {"text": "One."}, "score": 0.5}], ("One.",)),  # LlamaIndex
        ([{"document": {"text": "One."}, "score": 0.5}], ("One.",)),  # rerankers
        ({"text": "One."}, ("One.",)),
        ("One.", ("One.",)),
        ('[{"text": "One."}]', ("One.",)),
        ('["One.", "Two."]', ("One.", "Two.")),
        (["One.", " ", "\u200b"], ("One.",)),
    ],
)
def test_the_forms_of_real_services_are_read(passages: Any, texts: tuple[str, ...]) -> None:
    found = retrieved_in(passages, "it")
    assert (found.texts, found.problem) == (texts, "")


@pytest.mark.parametrize(
    ("passages", "problem"),
    [
        (None, "it has no passages"),
        ([], "it has no passages"),
        ([" "], "it has no passages"),
        ([{"id": 3}], 'passage 1 of it is {"id": 3}, which is neither a text nor an object with'),
        (["One.", 7], "passage 2 of it is 7, which is neither"),
        (7, "passage 1 of it is 7, which is neither"),
        (["x"] * (MOST_PASSAGES + 1), "it has 201 passages, more than 200"),
    ],
)
def test_what_is_no_passage_is_said(passages: Any, problem: str) -> None:
    found = retrieved_in(passages, "it")
    assert found.passages == ()
    assert found.problem.startswith(problem)


def test_what_else_is_told_of_a_passage_stays_with_it() -> None:
    entry = {"text": "One.", "score": 0.5, "title": "A" * 2000, "metadata": {"page": 3, "x": {}}}
    [passage] = retrieved_in([entry], "it").passages
    assert passage.metadata == {"score": 0.5, "title": "A" * LONGEST_METADATA, "page": 3}


def test_a_reply_has_its_passages_by_the_path_whatever_its_format() -> None:
    citations = {"context": {"citations": [{"content": "One.", "title": "A"}]}}
    told = read_reply(chat(), json.dumps(body(**citations)).encode())
    assert told.text == "Here."
    assert told.retrieved is not None
    assert told.retrieved.texts == ("One.",)
    assert read_reply(chat(None), json.dumps(body(**citations)).encode()).retrieved is None


@pytest.mark.parametrize("path", ["choices[0].message.context.citations", "join(' ', nothing)"])
def test_an_answer_without_passages_is_an_answer(path: str) -> None:
    told = read_reply(chat(path), json.dumps(body()).encode())
    assert told.text == "Here."
    assert told.retrieved is not None
    assert told.retrieved.passages == ()
    assert told.retrieved.problem.startswith("endpoint.response.context")


class Client:
    """Answers every call alike, and counts."""

    asked = 0

    def invoke_endpoint(self, **_: Any) -> dict[str, Any]:
        self.asked += 1
        answer = body(context={"citations": ["One."]}, other=["Two."])
        return {"Body": _Body(json.dumps(answer).encode())}


class _Body(bytes):
    def read(self, _: int) -> bytes:
        return self


def asked(endpoint: Endpoint, client: Client, folder: Path) -> Answer:
    shelf = Shelf(folder / "answers.jsonl")
    if shelf.file.exists():
        shelf.kept |= {json.loads(li)["key"]: li for li in shelf.file.read_text().splitlines()}
    rate = endpoint_rate_limit(endpoint)
    [answer] = answer_rows(AnswerDesk(client, endpoint, MODEL, shelf, Spend({}), rate), [ROW])
    return answer


def test_a_kept_answer_keeps_its_passages_and_another_path_is_asked_anew(tmp_path: Path) -> None:
    client = Client()
    first, again = (asked(chat(), client, tmp_path) for _ in range(2))
    assert (client.asked, again.reused) == (1, True)
    assert first.judged == again.judged
    assert again.judged is not None
    assert again.judged.retrieved is not None
    assert again.judged.retrieved.texts == ("One.",)
    other = asked(chat("choices[0].message.other"), client, tmp_path)
    assert (client.asked, other.reused) == (2, False)
    assert other.judged is not None
    assert other.judged.retrieved is not None
    assert other.judged.retrieved.texts == ("Two.",)
    without = asked(chat(None), client, tmp_path)
    assert (client.asked, without.reused) == (2, True)
    assert without.judged is not None
    assert without.judged.retrieved is None, "the dataset's context is judged against again"


def test_given_answers_have_theirs_in_a_column_and_other_passages_are_another_row() -> None:
    columns = Columns(answer="said", retrieved_context="found").with_answers()
    rows = []
    for found in (["One."], '[{"text": "One.", "page": 3}]', None):
        record = {"question": "Q?", "expected_response": "A.", "said": "S.", "found": found}
        written = map_record(Record(1, record), columns, set())
        assert isinstance(written, Written)
        rows.append(row_of(json.loads(written.line)))
    given = [row.given.retrieved for row in rows if row.given]
    assert [each and each.texts for each in given] == [("One.",), ("One.",), ()]
    assert given[1] is not None
    assert given[1].passages[0].metadata == {"page": 3}
    assert given[2] is not None
    assert given[2].problem == "column 'found' has no passages"
    assert rows[0].row_id == rows[1].row_id != rows[2].row_id
