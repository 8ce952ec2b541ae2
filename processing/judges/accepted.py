"""What one model takes of a request, as its refusals have told: forms, and parameters.

Not every model can be held to a schema, and which parameters one takes changes with its version. A
refusal costs nothing: what it names is left out, for the rest of the run, and this is said once.
"""

from __future__ import annotations

import sys
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from processing.base.visible_text import visible
from processing.judges.refusals import (
    caching_refused,
    form_refused,
    is_not_taken,
    parameter_refused,
    part_of,
    renamed,
    without,
)
from processing.judges.verdict import JudgeError
from processing.judges.wire import Form, RequestRefused

if TYPE_CHECKING:
    from processing.config.judge import Judge


_CACHE = "cachePoint"
_UNNAMED = {"text_format": "strict_tool"}
"""A refusal that names nothing leaves out this form too: no question takes more than four requests.
"""


class Accepted:
    """`forms`: how the model can be held to a schema, the best first, "plain" last.

    Safe between threads, each of which carries its own Form from one try to the next.
    """

    def __init__(self, model: str, forms: tuple[str, ...]) -> None:
        self._model = model
        self._forms = forms
        self._working: dict[str, str] = {}  # by schema
        self._ruled_out: set[str] = set()  # forms
        self._names: dict[str, str] = {}  # of parameters, where the model wants another
        self._not_taken: set[str] = set()  # parameters
        self._refusals: dict[str, str] = {}  # of parts of the form, as they were worded
        self._caches = True
        self._told: list[str] = []
        self._lock = threading.Lock()

    def form(self, judge: Judge, schema: str) -> Form:
        """In which form to ask for a reply of that schema; "" is none."""
        with self._lock:
            known = self._working.get(schema) if schema else "plain"
            if known is None or known in self._ruled_out:
                known = next(form for form in self._forms if form not in self._ruled_out)
            return self._made(judge, known)

    def instead(self, judge: Judge, schema: str, form: Form, refused: RequestRefused) -> Form:
        """The request to make after a refusal. Raises JudgeError if there is none."""
        said = str(refused)
        with self._lock:
            if refused.caching and caching_refused(said):
                self._drop_caching(said)
                return self._made(judge, form.kind)
            if found := form_refused(said, form.kind):
                part, forms = found
                self._refusals.setdefault(part, said)
                self._ruled_out |= forms
                return self._next(judge, form, said)
            if (name := parameter_refused(said, form.parameters)) is not None:
                self._drop(judge, name, said)
                return self._made(judge, form.kind)
            if refused.caching:  # whatever it is about: this once without, and then as always
                self._refusals.setdefault(_CACHE, said)
                return replace(form, caching=False)
            if not schema or self._working.get(schema) == form.kind:
                raise _refused(said)  # about this row's text
            following = self._next(judge, form, said, after=_UNNAMED.get(form.kind, form.kind))
            self._refusals.setdefault(part_of(form.kind), said)
            return following

    def works(self, schema: str, form: Form) -> None:
        """The model has answered; what it has refused until then is said."""
        if not form.caching and self._caches:
            with self._lock:
                self._drop_caching(self._refusals[_CACHE])
        if self._working.get(schema) == form.kind:
            return
        with self._lock:
            self._working[schema] = form.kind
            better = self._forms[: self._forms.index(form.kind)]
            for part in dict.fromkeys(map(part_of, better)):
                if part in self._refusals:  # else a part of another form took it along
                    self._tell(part, self._refusals[part])

    def left_out(self, judge: Judge) -> list[str]:
        """What the judge's requests would have, and have not, since the model refuses it."""
        with self._lock:
            mine = judge.sent_parameters
            return [part for part in self._told if part in mine or part not in self._not_taken]

    def _made(self, judge: Judge, kind: str) -> Form:
        parameters = without(judge.sent_parameters, self._not_taken, self._names)
        return Form(kind, parameters, self._caches)

    def _drop_caching(self, said: str) -> None:
        self._caches = False
        self._tell(_CACHE, said)

    def _next(self, judge: Judge, form: Form, said: str, after: str = "") -> Form:
        later = self._forms[self._forms.index(after or form.kind) + 1 :]
        for kind in later:
            if kind not in self._ruled_out:
                return self._made(judge, kind)
        raise _refused(said)

    def _drop(self, judge: Judge, name: str, said: str) -> None:
        if wanted := renamed(said, name):
            self._names[name] = wanted
            return
        given = judge.parameters
        asked_for = name in given or any(
            n in given for n, new in self._names.items() if new == name
        )
        if asked_for and not is_not_taken(said, name):
            raise JudgeError(
                f"the judge failed ({said}): correct {name} in judge.parameters", False, final=True
            )
        self._not_taken.add(name)
        self._tell(name, said)

    def _tell(self, part: str, said: str) -> None:
        if part not in self._told:
            self._told.append(part)
            # not sys.stdout, which is somewhere else while MLflow's evaluate runs
            print(
                f"judge {self._model} does not take {part} and is asked without it "
                f"({visible(said)[:300]})",
                file=sys.__stderr__,
                flush=True,
            )


def _refused(said: str) -> JudgeError:
    return JudgeError(f"the judge failed: {said}", retryable=False)
