"""What judges do instead of giving the verdict that was asked for.

not-json      prose                       said-twice  a verdict, and another one under the same key
truncated     a verdict cut in half       one-short   every list without its last entry
empty         no content                  off-scale   99 for every number, "maybe" for yes and no
error-inside  every value is "error"      nested      JSON that is nested too deeply to be read
cut-off       a verdict cut in half, and the stop reason says so

The others put something around the whole verdict: a fence, comments, thoughts with another verdict
in them, gpt-oss's channels, a list.
"""

import json
from collections.abc import Callable
from typing import Any

from pipeline.local.demo.faults import JudgeHabit, Malformed

_PROSE = "Having looked at it from all sides I would say that this is rather good."
_OTHER = {"yes": "no", "no": "yes", "first": "second", "second": "first", "tie": "first"}


Spoilt = dict[str, Any] | str
"""A document in the form that was asked for, or a text; empty for no content."""


def spoil(verdict: dict[str, Any], how: Malformed | JudgeHabit) -> Spoilt:
    return _HABITS[how](verdict)


def agreeable(value: Any) -> Any:
    """The verdict of a judge that agrees with everything: yes, and 1 for each 0."""
    match value:
        case dict():
            return {key: agreeable(each) for key, each in value.items()}
        case list():
            return [agreeable(each) for each in value]
        case "no":
            return "yes"
        case bool():
            return value
        case 0:
            return 1
    return value


def contrary(verdict: dict[str, Any]) -> dict[str, Any]:
    """The opposite verdict: yes for no, second for first."""
    return {key: _OTHER.get(v, v) if isinstance(v, str) else v for key, v in verdict.items()}


def _cut(verdict: dict[str, Any]) -> str:
    whole = json.dumps(verdict)
    return whole[: len(whole) // 2]


def _said_twice(verdict: dict[str, Any]) -> str:
    key, value = next(iter(verdict.items()))
    other = _OTHER.get(value, value) if isinstance(value, str) else value
    return f"{json.dumps(verdict)[:-1]}, {json.dumps({key: other})[1:]}"


def _one_short(verdict: dict[str, Any]) -> dict[str, Any]:
    return {key: v[:-1] if isinstance(v, list) else v for key, v in verdict.items()}


def _errors(verdict: dict[str, Any]) -> dict[str, Any]:
    """Every value is the text "error"; null where a free text is all there is: any would do."""
    return dict.fromkeys(verdict, None if set(verdict) == {"reason"} else "error")


def _off_scale(value: Any) -> Any:
    match value:
        case dict():
            return {key: _off_scale(each) for key, each in value.items()}
        case list():
            return [_off_scale(each) for each in value]
        case bool() | None:
            return value
        case int() | float():
            return 99
        case "yes" | "no" | "borderline" | "first" | "second" | "tie":
            return "maybe"
    return value


def _thought(verdict: dict[str, Any]) -> str:
    return f"It could be\n{json.dumps(_off_scale(verdict))}\nbut it is not.\n"


_HABITS: dict[Malformed | JudgeHabit, Callable[[dict[str, Any]], Spoilt]] = {
    "not-json": lambda _: _PROSE,
    "truncated": _cut,
    "empty": lambda _: "",
    "error-inside": _errors,
    "said-twice": _said_twice,
    "one-short": _one_short,
    "off-scale": _off_scale,
    "nested": lambda _: "[" * 100_000,
    "cut-off": _cut,
    "fenced": lambda verdict: f"```json\n{json.dumps(verdict)}\n```",
    "commented": lambda verdict: f"Here it is:\n{json.dumps(verdict)}\n\nHope this helps.",
    "thinking": lambda verdict: f"<think>\n{_thought(verdict)}</think>\n{json.dumps(verdict)}",
    "thinking-unopened": lambda verdict: f"{_thought(verdict)}</think>\n{json.dumps(verdict)}",
    "in-channels": lambda verdict: (
        f"<|channel|>analysis<|message|>{_thought(verdict)}<|end|><|start|>assistant"
        f"<|channel|>final<|message|>{json.dumps(verdict)}"
    ),
    "in-a-list": lambda verdict: json.dumps([verdict]),
}
