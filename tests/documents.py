"""The repository's Markdown pages, and what they name: links, anchors, commands, paths."""

from __future__ import annotations

import re
from pathlib import Path

from running_aws import REPOSITORY

_PLACES = ("*.md", "docs/*.md", "examples/**/*.md", ".github/*.md")
PAGES = sorted(page for place in _PLACES for page in REPOSITORY.glob(place))
NAMES = [str(page.relative_to(REPOSITORY)) for page in PAGES]

_FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\]\(([^)\s]+)(?: \"[^\"]*\")?\)|(?:srcset|src|href)=\"([^\"]+)\"")
_HEADING = re.compile(r"^#+ +(.*)$", re.MULTILINE)
_CODE = re.compile(r"`([^`\n]+)`")


def blocks(page: Path, *languages: str) -> list[str]:
    """The text of each fenced block in one of these languages."""
    text = page.read_text(encoding="utf-8")
    return [body for _, language, body in _FENCE.findall(text) if language in languages]


def links(page: Path) -> list[str]:
    return [a or b for a, b in _LINK.findall(_prose(page))]


def anchors(page: Path) -> set[str]:
    """The addresses that GitHub gives to a page's headings."""
    headings = _HEADING.findall(_prose(page))
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in headings}


def code(page: Path) -> list[str]:
    """Every command line of a block of shell, without its comment, and every `piece` of code."""
    lines = [line for body in blocks(page, "sh") for line in body.splitlines()]
    typed = [line.partition(" #")[0].strip() for line in lines]
    return [text for text in typed if text] + _CODE.findall(_prose(page))


def _prose(page: Path) -> str:
    return _FENCE.sub("", page.read_text(encoding="utf-8"))
