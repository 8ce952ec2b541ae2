"""What a model thought, told apart from what it answered, where its server left both in one text.

Sources: the chat templates of DeepSeek-R1 and Qwen3 (`<think>`; some open it themselves, so that
only `</think>` comes), Amazon Nova (`<thinking>`), Seed-OSS, Magistral, Command A, Kimi-VL and
Gemma, and OpenAI's harmony format of gpt-oss (channels). No pattern here backtracks.
"""

from __future__ import annotations

import re
import string

_NAMES = (
    *("think", "thinking", "thought", "thoughts", "reasoning", "reflection", "scratchpad"),
    *("seed:think", "longcat_think"),
)
_CLOSED_BY = {
    **{f"<{name}>": f"</{name}>" for name in _NAMES},
    "[think]": "[/think]",
    "◁think▷": "◁/think▷",
    "<|start_thinking|>": "<|end_thinking|>",
    "<|begin_of_thought|>": "<|end_of_thought|>",
    "<|channel>thought": "<channel|>",
}
"""What opens a thought, in small letters, and what closes it."""

_CLOSING = frozenset(_CLOSED_BY.values())
_FENCE = "```"
_UNSEEN = f"{string.whitespace}\u00a0\u200b\u200c\u200d\u2060\ufeff"
_MARKS = re.compile("|".join(map(re.escape, (*_CLOSED_BY, *_CLOSING, _FENCE))), re.IGNORECASE)
_CHANNELS = re.compile(r"<\|(start|channel|message|constrain|end|return|call)\|>")
_QUOTES = frozenset("`\"'“«„")
_INDENT = 80  # characters that are looked at, so that a text of one line is not read once a mark
_LEAKED = ("analysis", "assistantfinal")
"""What is left of harmony's marks where a server leaves out special tokens."""

_AROUND_ANSWERS = (
    ("<answer>", "</answer>"),
    ("<|begin_of_solution|>", "<|end_of_solution|>"),
    ("<|START_RESPONSE|>", "<|END_RESPONSE|>"),
)


def split_reasoning(text: str, *, anywhere: bool = False) -> tuple[str, str]:
    """The reasoning and the answer, both stripped; ("", text) where nothing marks a thought.

    A thought that is not closed goes on to the end, and the answer is empty. A mark in the middle
    of a line, in quotes or in a code fence is part of an answer that speaks about it; `anywhere`
    takes marks in the middle of a line too.
    """
    thoughts, answer = _by_channel(text) if _has_channels(text) else _by_mark(text, anywhere)
    if not thoughts:
        return "", text
    told = [thought.strip() for thought in thoughts if thought.strip()]
    return "\n\n".join(told), _unwrapped(_seen(answer))


def mentions_reasoning(text: str) -> bool:
    """Whether a mark of a thought or of a channel stands anywhere in the text, quoted or not."""
    marks = (mark[0] for mark in _MARKS.finditer(text))
    channels = _CHANNELS.search(text) is not None or _LEAKED[1] in text
    return channels or any(mark != _FENCE for mark in marks)


def _has_channels(text: str) -> bool:
    begins = text.lstrip(_UNSEEN)[:40]
    header, message, _ = begins.partition("<|message|>")  # its beginning is in the prompt
    return (
        begins.startswith(("<|channel|>", "<|start|>"))
        or (bool(message) and header.strip() in ("analysis", "commentary", "final"))
        or (begins.startswith(_LEAKED[0]) and _LEAKED[1] in text)
    )


def _by_channel(text: str) -> tuple[list[str], str]:
    """Harmony's messages: what is in the channel `final`, or in none, is the answer."""
    first, *rest = _CHANNELS.split(text)
    if not rest:
        thought, _, answer = text.lstrip().removeprefix(_LEAKED[0]).partition(_LEAKED[1])
        return [thought], answer
    channel = first.strip() if rest[0] == "message" else "final"
    thoughts, answers = [""], [] if rest[0] == "message" else [first]
    for mark, part in zip(rest[::2], rest[1::2], strict=True):
        if mark == "channel":
            channel = (part.split() or [""])[0]
        elif mark == "message":
            (answers if channel == "final" else thoughts).append(part)
        elif mark not in ("start", "constrain"):  # what follows the end is in no channel
            channel = "final"
            answers.append(part)
    return thoughts, "".join(answers)


def _by_mark(text: str, anywhere: bool) -> tuple[list[str], str]:
    marks = [(mark.start(), mark.end(), mark[0].lower()) for mark in _MARKS.finditer(text)]
    thoughts: list[str] = []
    answers: list[str] = []
    at = end = 0
    fenced = opened = False
    while at < len(marks):
        start, stop, mark = marks[at]
        at += 1
        begins_line = _begins_line(text, end, start)
        if mark == _FENCE:
            fenced = begins_line and not fenced
        elif fenced or text[start - 1 : start] in _QUOTES:
            continue
        elif mark in _CLOSING and not opened:  # it is opened in the prompt
            opened = True
            thoughts.append(text[:start])
            end = stop
        elif mark in _CLOSING and not _seen(text[end:start]):  # once more, behind a thought's end
            end = stop
        elif mark in _CLOSED_BY:
            opened = True
            if anywhere or begins_line:
                answers.append(text[end:start])
                at, close, end = _close(marks, at, mark, len(text))
                thoughts.append(text[stop:close])
    return thoughts, "".join([*answers, text[end:]])


def _close(
    marks: list[tuple[int, int, str]], at: int, opens: str, end: int
) -> tuple[int, int, int]:
    """Which mark comes after the thought's close, and where that begins and ends.

    A mark that a thought quotes is not closed, one of a thought within a thought is.
    """
    close, found, within = _CLOSED_BY[opens], None, 0
    for index in range(at, len(marks)):
        start, stop, mark = marks[index]
        if mark == opens:
            if found:
                break
            within += 1
        elif mark == close:
            found = index + 1, start, stop
            if not within:
                break
            within -= 1
    return found or (len(marks), end, end)


def _begins_line(text: str, end: int, start: int) -> bool:
    """Whether nothing but spaces stands before it: in its line, or since the last thought's end."""
    return not _seen(text[max(end, start - _INDENT) : start].rpartition("\n")[2])


def _seen(text: str) -> str:
    """Without spaces and what cannot be seen, such as a byte order mark."""
    return text.strip(_UNSEEN)


def _unwrapped(answer: str) -> str:
    for opens, closes in _AROUND_ANSWERS:
        if answer.startswith(opens):
            return answer.removeprefix(opens).removesuffix(closes).strip()
    return answer
