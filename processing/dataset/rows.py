"""The rows that PrepareDataset writes and the evaluation reads, a line each."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from processing.base.clean_text import normalized
from processing.base.errors import DatasetError
from processing.base.exact_json import decode, encode
from processing.dataset.expectations import NONE, FurtherExpectations, further_of
from processing.dataset.given_answers import GivenAnswer, given_answer_of
from processing.dataset.manifest import MANIFEST_FILE
from processing.dataset.turns import Turn, history_of, messages_of

ROWS_FILE = "dataset.jsonl"

Scalar = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Talk:
    """What a row's question stands in: the turns before it, and the session that both belong to.

    `session` is empty where the dataset does not say.
    """

    history: tuple[Turn, ...] = ()
    session: str = ""

    def line(self) -> bytes:
        """`,"history":[...],"session":"..."`; empty where there is neither."""
        given: dict[str, Any] = {}
        if self.history:
            given["history"] = messages_of(self.history)
        if self.session:
            given["session"] = self.session
        return b"," + encode(given)[1:-1] if given else b""


ALONE = Talk()


@dataclass(frozen=True, slots=True)
class Row:
    """One prepared row. Its texts are as they came, stripped; its id is that of their NFC.

    `question` is the user's last turn, and `talk` what came before it. `expected_response` is empty
    where nobody has said what is right. `given` is the answer that exists already; None where the
    endpoint is asked.
    """

    row_id: str
    question: str
    expected_response: str
    context: tuple[str, ...] | None = None
    slices: dict[str, Scalar] = field(default_factory=dict)
    further: FurtherExpectations = NONE
    talk: Talk = ALONE
    given: GivenAnswer | None = None

    @property
    def history(self) -> tuple[Turn, ...]:
        return self.talk.history

    @property
    def turns(self) -> tuple[Turn, ...]:
        """The whole conversation, the question being the last."""
        return (*self.talk.history, Turn("user", self.question))

    def line(self) -> bytes:
        """The row's line of `dataset.jsonl`.

        Raises UnicodeEncodeError where a text holds what UTF-8 cannot (a lone surrogate).
        """
        return _line(
            self.row_id.encode(),
            encode(self.question),
            encode(self.expected_response),
            encode(self.context),
            encode(self.slices),
            further=_further(self.further),
            talk=self.talk.line(),
            given=_given(self.given),
        )


def _line(
    row_id: bytes,
    question: bytes,
    response: bytes,
    context: bytes,
    slices: bytes,
    *,
    further: bytes = b"",
    talk: bytes = b"",
    given: bytes = b"",
) -> bytes:
    return b"".join(
        (
            *(b'{"row_id":"', row_id, b'","inputs":{"question":', question, talk),
            *(b'},"expectations":{"expected_response":', response, further, b"}", given),
            *(b',"context":', context, b',"slices":', slices, b"}\n"),
        )
    )


def _further(expectations: FurtherExpectations) -> bytes:
    """`,"references":[...]` and the like; empty where there are none."""
    given = expectations.given()
    return b"," + encode(given)[1:-1] if given else b""


def _given(answer: GivenAnswer | None) -> bytes:
    """`,"given":{...}`; empty where the endpoint is asked."""
    return b',"given":' + encode(answer.known()) if answer else b""


class Written(NamedTuple):
    """A row's line of `dataset.jsonl`, and what is compared of it: the texts' NFC.

    `row_id` is 8 bytes here. `question` is with its history, without which it is another one.
    """

    line: bytes
    row_id: bytes
    question: str
    expected_response: str


def make_row(
    question: str,
    expected_response: str,
    context: Iterable[str] | None = None,
    slices: dict[str, Scalar] | None = None,
    *,
    further: FurtherExpectations = NONE,
    talk: Talk = ALONE,
    given: GivenAnswer | None = None,
) -> Row:
    """The row that `write_row` writes. Raises UnicodeEncodeError as it does."""
    texts = (question, expected_response, context, slices)
    return row_of(decode(write_row(*texts, further=further, talk=talk, given=given).line))


def asked_entry(row: Row) -> dict[str, Any]:
    """What was asked, for rows.jsonl; `asked_id` is the row's id without its given answer."""
    found: dict[str, Any] = {"question": row.question}
    if row.history:
        found["history"] = messages_of(row.history)
    if row.talk.session:
        found["session"] = row.talk.session
    if row.given:
        texts = (row.question, row.expected_response, row.context)
        found["asked_id"] = make_row(*texts, further=row.further, talk=row.talk).row_id
    return found


def write_row(
    question: str,
    expected_response: str,
    context: Iterable[str] | None = None,
    slices: dict[str, Scalar] | None = None,
    *,
    further: FurtherExpectations = NONE,
    talk: Talk = ALONE,
    given: GivenAnswer | None = None,
) -> Written:
    """A row's line, and its id.

    `row_id`: the first 16 hexadecimal characters of SHA-256 over the canonical JSON (keys sorted,
    no spaces, UTF-8) of question, expected_response and context in NFC, and of the further
    expectations, the history, the given answer's text and its passages, if any, so that texts that
    look the same are the same row. Slices and the session do not enter, so that a relabelled row
    keeps its answers.

    Raises UnicodeEncodeError where a text holds what UTF-8 cannot (a lone surrogate).
    """
    # Put together from encoded texts, since this is done a million times.
    question, asked, compared_question = _encoded(question.strip())
    response, expected, compared_response = _encoded(expected_response.strip())
    passages = list(filter(None, map(str.strip, context))) if context else []
    passages_given = compared_context = encode(passages) if passages else b"null"
    if passages and not passages_given.isascii():
        compared_context = encode(list(map(_nfc, passages)))
    canonical = b"".join(
        (
            *(b'{"context":', compared_context, b',"expected_response":', compared_response),
            *(b',"question":', compared_question, b"}"),
        )
    )
    more = b""
    if further is not NONE:
        further = further.mapped(str.strip)
        more = _further(further)
        canonical += _further(further.mapped(_nfc))
    if talk.history:
        before = Talk(tuple(turn.mapped(_nfc) for turn in talk.history)).line()
        canonical += before
        question = f"{question}{before.decode()}"
    if given is not None:
        canonical += b',"answer":' + encode(_nfc(given.text.strip()))
        if given.tool_calls:
            canonical += b',"tool_calls":' + encode([call.shown for call in given.tool_calls])
        if given.retrieved is not None:
            canonical += b',"retrieved":' + encode(list(map(_nfc, given.retrieved.texts)))
    row_id = hashlib.sha256(canonical).digest()[:8]
    line = _line(
        row_id.hex().encode(),
        asked,
        expected,
        passages_given,
        encode(slices or {}),
        further=more,
        talk=talk.line() if talk is not ALONE else b"",
        given=_given(given),
    )
    return Written(line, row_id, question, response)


def _encoded(text: str) -> tuple[str, bytes, bytes]:
    """The text in NFC; its JSON as it came, and in NFC."""
    encoded = encode(text)
    if text.isascii():
        return text, encoded, encoded
    normal = _nfc(text)
    return normal, encoded, encode(normal)


def _nfc(text: str) -> str:
    return normalized("NFC", text)


def read_lines(path: Path, sha256: str) -> list[Row]:
    """The rows of one file.

    Raises DatasetError where they are malformed, or not the ones in the manifest.
    """
    digest, rows = hashlib.sha256(), []
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            digest.update(line)
            rows.append(_read_line(path, number, line))
    if digest.hexdigest() != sha256:
        raise DatasetError(
            f"{path} is not the file that {MANIFEST_FILE} describes (SHA-256 "
            f"{digest.hexdigest()[:12]}, not {sha256[:12] or 'none'}): it was changed "
            "or cut off; prepare the dataset again"
        )
    return rows


def _read_line(path: Path, number: int, line: bytes) -> Row:
    try:
        return row_of(decode(line))
    except (ValueError, KeyError, TypeError) as error:
        raise DatasetError(
            f"{path}:{number}: is not a prepared row ({type(error).__name__}: {error}); "
            "prepare the dataset again"
        ) from error


def row_of(record: dict[str, Any]) -> Row:
    """The row that a line of `dataset.jsonl` holds. Raises KeyError or TypeError if it is none."""
    return Row(
        row_id=record["row_id"],
        question=record["inputs"]["question"],
        expected_response=record["expectations"]["expected_response"],
        context=None if record["context"] is None else tuple(record["context"]),
        slices=record["slices"],
        further=further_of(record["expectations"]),
        talk=_talk_of(record["inputs"]),
        given=given_answer_of(record.get("given")),
    )


def _talk_of(inputs: dict[str, Any]) -> Talk:
    if len(inputs) == 1:
        return ALONE
    return Talk(history_of(inputs.get("history", ())), inputs.get("session", ""))
