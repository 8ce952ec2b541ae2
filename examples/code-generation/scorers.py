"""Scorers of our own for generated Python. They read the code and never run it."""

from __future__ import annotations

import ast
import re
import textwrap
from dataclasses import dataclass

from mlflow.entities import Feedback
from mlflow.genai.scorers import scorer

_FENCE = re.compile(r"^(?P<indent>[ \t]*)(?P<fence>```+|~~~+)[ \t]*(?P<language>[\w+.-]*)[^\n]*$")
_PYTHON = {"python", "python3", "py"}
_ASKED = re.compile(r"`(?P<name>[A-Za-z_]\w*)(?:\([^`]*\))?`")


@dataclass(frozen=True)
class Block:
    """A fenced block of Markdown. Not `closed` is an answer that breaks off."""

    language: str
    code: str
    closed: bool


def blocks(answer: str) -> list[Block]:
    """All fenced blocks in order; a fence ends with one of the same kind, at least as long."""
    found: list[Block] = []
    opened: re.Match[str] | None = None
    lines: list[str] = []
    for line in answer.splitlines():
        fence = _FENCE.match(line)
        if opened is None:
            opened, lines = fence, []
        elif fence and fence["fence"].startswith(opened["fence"]) and not fence["language"]:
            found.append(_block(opened, lines, closed=True))
            opened = None
        else:
            lines.append(line)
    return [*found, _block(opened, lines, closed=False)] if opened else found


def _block(opened: re.Match[str], lines: list[str], *, closed: bool) -> Block:
    code = textwrap.dedent("\n".join(lines)) if opened["indent"] else "\n".join(lines)
    return Block(opened["language"].lower(), code, closed)


def python_blocks(answer: str) -> list[Block]:
    """The blocks that say they are Python; if none does, those that say nothing.

    Sessions with >>> are left out: they show how to call the code.
    """
    code = [block for block in blocks(answer) if not block.code.lstrip().startswith(">>>")]
    said = [block for block in code if block.language in _PYTHON]
    return said or [block for block in code if not block.language]


def parse(block: Block) -> ast.Module | str:
    """The syntax tree, or what is wrong. `ast.parse` compiles nothing and runs nothing."""
    if not block.closed:
        return "the code block is not closed: the answer breaks off"
    try:
        tree = ast.parse(block.code)
    except SyntaxError as error:  # IndentationError and TabError too
        return f"line {error.lineno}: {error.msg}"
    except (ValueError, MemoryError, RecursionError) as error:  # a null byte; nested too deeply
        return f"{type(error).__name__}: {error}"
    return tree if tree.body else "the code block is empty"


@scorer
def code_parses(outputs: str) -> Feedback:
    """yes if there is a block of Python, and every one is correct Python 3."""
    found = python_blocks(outputs)
    if not found:
        return Feedback(value="no", rationale="no block of Python in the answer")
    for number, block in enumerate(found, start=1):
        problem = parse(block)
        if isinstance(problem, str):
            return Feedback(value="no", rationale=f"block {number} of {len(found)}: {problem}")
    return Feedback(value="yes", rationale=f"{len(found)} block(s) of Python, all parse")


@scorer
def defines_what_was_asked(inputs: dict[str, str], outputs: str) -> Feedback:
    """yes if the code defines, at its top level, the first name in backticks of the question."""
    asked = _ASKED.search(inputs["question"])
    if asked is None:
        return Feedback(value="not applicable", rationale="no name in backticks is asked for")
    trees = [parse(block) for block in python_blocks(outputs)]
    defined = [
        node.name
        for tree in trees
        if isinstance(tree, ast.Module)
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    ]
    if asked["name"] in defined:
        return Feedback(value="yes", rationale=f"defines {asked['name']}")
    there = ", ".join(defined) or "nothing"
    return Feedback(value="no", rationale=f"asked for {asked['name']}; the code defines {there}")
