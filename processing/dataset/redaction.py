"""Personal data taken out of texts, before they are stored anywhere or sent to anyone.

`[email]` and the like stand where something was. What a rule cannot tell is not found: names need a
model, and are refused by the configuration. Sources: Google's libphonenumber for telephone numbers
(package phonenumberslite), ISO 13616 for IBANs, ISO/IEC 7812 (Luhn) for cards.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, replace
from typing import Any

from processing.base.errors import DatasetError
from processing.config.redaction import Redacted
from processing.dataset.given_answers import GivenAnswer
from processing.dataset.readers import BadRecord, Record, Records

_EMAIL = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,63}")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]){11,30}\b", re.IGNORECASE | re.ASCII)
_CARD = re.compile(r"(?<![\d.])\d(?:[ -]?\d){12,18}(?!\d)")
_IP = re.compile(r"(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]+)(?![\w:])")
_KEPT = frozenset({"request", "stop_reason", "event_id", "time"})

Spans = Iterator[tuple[int, int]]


class Redactor:
    """Takes out what `kinds` say; `counts` is how often each was found."""

    def __init__(self, kinds: Sequence[Redacted], regions: Sequence[str]) -> None:
        finders: dict[Redacted, Callable[[str], Spans]] = {
            "email": lambda text: (found.span() for found in _EMAIL.finditer(text)),
            "iban": _ibans,
            "credit_card": _cards,
            "ip": _ips,
            "phone": lambda text: _phones(text, regions),
        }
        self._finders = {kind: find for kind, find in finders.items() if kind in kinds}
        self.counts: Counter[str] = Counter()
        if "phone" in kinds:
            _require_phonenumbers()

    def records(self, records: Records) -> Records:
        for record in records:
            yield record if isinstance(record, BadRecord) else self._record(record)

    def _record(self, record: Record) -> Record:
        columns = {name: self.value(value) for name, value in record.columns.items()}
        return Record(record.line, columns) if columns != record.columns else record

    def value(self, value: Any) -> Any:
        """A text, or all texts in a list, an object or a given answer."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self.value(inner) for inner in value]
        if isinstance(value, dict):
            return {key: self.value(inner) for key, inner in value.items()}
        if isinstance(value, GivenAnswer):
            texts: dict[str, Any] = {
                field.name: self.text(text)
                for field in fields(value)
                if field.name not in _KEPT and isinstance(text := getattr(value, field.name), str)
            }
            retrieved = value.retrieved and value.retrieved.mapped(self.text, self.value)
            request = self._json(value.request)
            calls = (
                replace(call, arguments=self.text(call.arguments)) for call in value.tool_calls
            )
            return replace(
                value, **texts, request=request, retrieved=retrieved, tool_calls=tuple(calls)
            )
        return value

    def _json(self, text: str) -> str:
        """Of what stands in it: outside of its texts nobody has written anything."""
        return json.dumps(self.value(json.loads(text)), ensure_ascii=False) if text else text

    def text(self, text: str) -> str:
        for kind, find in self._finders.items():
            spans = list(find(text))
            self.counts[kind] += len(spans)
            for start, end in reversed(spans):
                text = f"{text[:start]}[{kind}]{text[end:]}"
        return text

    def notes(self) -> Iterator[str]:
        if self._finders:
            found = ", ".join(f"{self.counts[kind]} {kind}" for kind in self._finders)
            yield f"redacted: {found}; names are not looked for"


def _ibans(text: str) -> Spans:
    for found in _IBAN.finditer(text):
        # words behind the number look like more of it
        for end in range(found.end(), found.start() + 14, -1):
            plain = re.sub(r"[ -]", "", text[found.start() : end]).upper()
            if text[end - 1].isalnum() and _is_iban(plain):
                yield found.start(), end
                break


def _is_iban(plain: str) -> bool:
    moved = plain[4:] + plain[:4]
    return 15 <= len(plain) <= 34 and int("".join(str(int(c, 36)) for c in moved)) % 97 == 1


def _cards(text: str) -> Spans:
    for found in _CARD.finditer(text):
        digits = [int(sign) for sign in found[0] if sign.isdigit()]
        doubled = [d if n % 2 == 0 else sum(divmod(2 * d, 10)) for n, d in enumerate(digits[::-1])]
        if sum(doubled) % 10 == 0 and len(set(digits)) > 1:
            yield found.span()


def _ips(text: str) -> Spans:
    for found in _IP.finditer(text):
        address = found[0].rstrip(".:") if not found[0].endswith("::") else found[0]
        try:
            ipaddress.ip_address(address)
        except ValueError:
            continue
        if len(address) > 2:  # :: alone stands in code
            yield found.start(), found.start() + len(address)


def _phones(text: str, regions: Sequence[str]) -> Spans:
    """International numbers, and national ones of the regions."""
    import phonenumbers

    spans = {
        (match.start, match.end)
        for region in regions or (None,)
        for match in phonenumbers.PhoneNumberMatcher(text, region)
    }
    last = -1
    for start, end in sorted(spans):
        if start >= last:
            yield start, end
            last = end


def _require_phonenumbers() -> None:
    import importlib.util

    if importlib.util.find_spec("phonenumbers") is None:
        raise DatasetError(
            "dataset.redact: phone needs the package phonenumberslite, which is in the jobs' image "
            "and in requirements.lock: run make again, or leave phone out"
        )
