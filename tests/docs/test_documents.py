"""Whoever follows the documentation gets somewhere: links, anchors, commands and paths are real."""

from __future__ import annotations

import importlib.util
import re
import shlex
from pathlib import Path

import pytest
from documents import NAMES, PAGES, anchors, blocks, code, links
from running_aws import REPOSITORY

from pipeline.cli.parser import parse

TARGETS = set(re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
TOP = "pipeline|processing|tests|docs|docker|examples|benchmarks|\\.ci|\\.github"


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_link_leads_to_a_file_and_every_anchor_to_a_heading(page: Path) -> None:
    lost = []
    for link in links(page):
        if re.match(r"[a-z]+:", link):  # the web's
            continue
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        inside = target.exists() and target.is_relative_to(REPOSITORY)
        if not inside or (anchor and anchor not in anchors(target)):
            lost.append(link)
    assert lost == []


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_command_can_be_typed_as_it_stands(
    page: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for text in code(page):
        arguments = text.partition("pipeline_definition.py ")[2].partition(" > ")[0]
        if not arguments or "COMMAND" in arguments:
            continue
        assert _exit_code(arguments) == 0, f"{text}: {capsys.readouterr().err}"


def _exit_code(arguments: str) -> object:
    try:
        parse(shlex.split(arguments))
    except SystemExit as end:  # with 0 for --help
        return end.code
    return 0


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_make_target_module_and_path_exists(page: Path) -> None:
    text = "\n".join(code(page))
    named = {f"make {word}" for word in re.findall(r"^make ([a-z-]+)", text, re.MULTILINE)}
    assert named <= {f"make {target}" for target in TARGETS}
    modules = re.findall(r"python -m ([\w.]+)", text)
    assert [name for name in modules if importlib.util.find_spec(name) is None] == []
    paths = re.findall(rf"(?<![\w/.:<>-])((?:{TOP})/[\w./-]*\w)", text)
    assert [path for path in paths if not (REPOSITORY / path).exists()] == []


def test_the_readme_s_yaml_is_what_the_demo_runs() -> None:
    demo = _without_comments((REPOSITORY / "evaluation.yaml").read_text(encoding="utf-8"))
    (shown,) = blocks(REPOSITORY / "README.md", "yaml")
    assert [line for line in _without_comments(shown) if line not in demo] == []


def _without_comments(yaml: str) -> list[str]:
    return [line.partition(" #")[0].rstrip() for line in yaml.splitlines()]


def test_pictures_are_small_enough_to_load_at_once() -> None:
    pictures = [*(REPOSITORY / "docs").glob("*.png"), *(REPOSITORY / "docs").glob("*.svg")]
    assert {p.name for p in pictures if p.stat().st_size > 300_000} == set()


def test_each_promise_of_security_md_has_a_test_that_exists() -> None:
    page = (REPOSITORY / "SECURITY.md").read_text(encoding="utf-8")
    table = page.partition("## Who may do what")[2]
    promises = [line for line in table.splitlines() if line.startswith("| ")][1:]
    assert promises
    missing = []
    for row in promises:
        named = re.findall(r"\((tests/[\w/]+\.py) \"(\w+)\"\)", row.rsplit("|", 2)[1])
        assert named, f"no test: {row}"
        missing += [f"{file}::{test}" for file, test in named if not _defines(file, test)]
    assert missing == []


def _defines(file: str, test: str) -> bool:
    path = REPOSITORY / file
    return path.exists() and f"def {test}(" in path.read_text(encoding="utf-8")
