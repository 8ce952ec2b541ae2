"""The command line's help: every command in a group, with a description, defaults, an example."""

from __future__ import annotations

import argparse
import re
import shlex

import pytest

from pipeline.cli.command import Command
from pipeline.cli.commands import COMMANDS, GROUPS
from pipeline.cli.main import main
from pipeline.cli.parser import parse


def told(*arguments: str, capsys: pytest.CaptureFixture[str]) -> str:
    """What argparse prints before it exits; stdout for help, stderr for a misuse."""
    with pytest.raises(SystemExit):
        main(arguments)
    captured = capsys.readouterr()
    return captured.out + captured.err


def test_help_lists_the_commands_in_their_groups(capsys: pytest.CaptureFixture[str]) -> None:
    text = told("--help", capsys=capsys)
    listed: dict[str, list[str]] = {}
    for line in text.splitlines():
        if title := re.fullmatch(r"([a-z ]+):", line):
            group = listed.setdefault(title[1], [])
        elif name := re.match(r"  ([a-z-]+)  +\S", line):
            group.append(name[1])
    assert {title: listed[title] for title in GROUPS} == {
        "try it on this machine": ["try", "compare", "labels", "local"],
        "set up": ["permissions", "image", "export"],
        "check and send": ["check", "plan", "show", "definition", "upsert"],
        "on a new account": ["first-run"],
        "run": ["start", "status", "report", "list", "stop"],
        "decide": ["history", "approve", "reject"],
        "from now on": ["trigger", "sweep"],
    }


def test_help_fits_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    for line in told("--help", capsys=capsys).splitlines():
        assert len(line) <= 100, line


@pytest.mark.parametrize("command", COMMANDS.values(), ids=lambda command: command.name)
def test_a_command_s_help_describes_it_and_shows_examples(
    command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    text = told(command.name, "--help", capsys=capsys)
    assert command.description in text
    examples = re.findall(r"^  python pipeline_definition\.py (.+)$", text, re.MULTILINE)
    assert examples == list(command.examples) != []
    for example in examples:
        typed = shlex.split(example.partition(" > ")[0])
        assert parse(typed).run is command.run, example


@pytest.mark.parametrize("command", COMMANDS.values(), ids=lambda command: command.name)
def test_every_default_is_told(command: Command) -> None:
    parser = argparse.ArgumentParser()
    command.add_options(parser)
    for option in parser._actions:
        takes_a_value = option.option_strings and option.nargs != 0
        if takes_a_value and not option.required:
            assert "default" in (option.help or ""), f"{command.name} {option.option_strings}"


@pytest.mark.parametrize(
    ("typed", "meant"), [("strat", "start"), ("upset", "upsert"), ("permission", "permissions")]
)
def test_a_misspelt_command_gets_a_suggestion(
    typed: str, meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    last = told(typed, "--config", "my.yaml", capsys=capsys).splitlines()[-1]
    assert last.endswith(f"there is no command '{typed}', did you mean '{meant}'?")


def test_a_word_that_is_like_no_command_gets_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    last = told("xyzzy", capsys=capsys).splitlines()[-1]
    assert last.endswith(f"there is no command 'xyzzy'; there are {', '.join(COMMANDS)}")
