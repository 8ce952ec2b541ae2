"""Fixtures for more than one room: a configuration to vary, and the local AWS to run it on."""

from __future__ import annotations

import copy
import functools
import gc
import os
import shutil
import signal
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from browser import CHROMIUM, Browser, chromium
from configuration_file import read_document, write_document
from hypothesis import settings
from real_image import IMAGE, what_is_missing
from running_aws import REPOSITORY, ConfigWriter, RunningAws, local_aws_running

from processing.config.judge import silence_libraries

# a deadline of 200 ms for an example fails where a library is imported, or on a busy machine
settings.register_profile("no-deadline", deadline=None)
settings.load_profile("no-deadline")
# many of its examples: pytest -k fuzzed --hypothesis-profile ten-thousand --timeout 0
settings.register_profile("ten-thousand", max_examples=10_000, deadline=None)


def pytest_configure() -> None:
    """Before any test module imports MLflow, which decides about telemetry when it is imported."""
    silence_libraries()
    # in a script's background Ctrl-C is ignored, and so it would be by whatever the tests start
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # else each session reads and parses the services' models anew: 0.1 s a client, 8 a command
    botocore.session.create_loader = functools.cache(botocore.session.create_loader)
    # else each httpx.get reads this machine's certificates anew, 0.02 s, to speak plain HTTP
    ssl.create_default_context = functools.cache(ssl.create_default_context)


def pytest_collection_finish() -> None:
    """What is imported by now stays: the garbage collector need not look at it again and again."""
    gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files of long tests first: the short ones then keep all workers busy to the end."""
    long = {item.path for item in items if item.get_closest_marker("integration")}
    items.sort(key=lambda item: item.path not in long)


def _judges_of(document: dict[str, Any]) -> list[dict[str, Any]]:
    """The file's judge and those of scorers that have one of their own, mistakes left out."""
    scorers = document["scorers"] if isinstance(document["scorers"], list) else []
    entries = [own for entry in scorers if isinstance(entry, dict) for own in entry.values()]
    found = [document["judge"], *(own.get("judge") for own in entries if isinstance(own, dict))]
    return [judge for judge in found if isinstance(judge, dict)]


def _config_writer(folder: Path) -> ConfigWriter:
    """Writes the example configuration with some sections changed; returns the new file.

    Keys are merged into the example's section; thresholds, slices and lists replace the example's,
    whose `stop_early: none` gives a refused model all of its rows.
    """

    def write(**changes: Any) -> Path:
        document = read_document()
        questions = REPOSITORY / "examples" / "health" / "questions.jsonl"
        document["dataset"]["source"] = str(questions)
        document.pop("labels")  # they are beside the example's file
        for section, change in changes.items():
            before = document.get(section, {})
            merged = isinstance(change, dict) and isinstance(before, dict)
            if merged and section not in ("thresholds", "slices"):
                document[section] = before | change
            else:
                document[section] = change
        document = copy.deepcopy(document)
        if "panel" in (document["judge"] or {}):
            del document["judge"]["model"]
        for judge in _judges_of(document):
            judge.setdefault("swapped_answers", 0)  # so that calls are counted by rows
        if "scorers" in changes:  # the example's slices name the example's scorers
            for section in {"slices", "champion"} - changes.keys():
                document.pop(section, None)
        return write_document(document, folder / f"{document['pipeline']['name']}.yaml")

    return write


@pytest.fixture
def write_config(tmp_path: Path) -> ConfigWriter:
    return _config_writer(tmp_path)


@pytest.fixture(scope="module")
def write_module_config(tmp_path_factory: pytest.TempPathFactory) -> ConfigWriter:
    """For a run that several tests of a module look at."""
    return _config_writer(tmp_path_factory.mktemp("config"))


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAws]:
    """The local AWS with everything that stands around it, as a user starts it."""
    with local_aws_running(tmp_path_factory.mktemp("local-aws")) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium; in CI a missing one is a failure."""
    if not shutil.which(CHROMIUM) and not os.environ.get("CI"):
        pytest.skip("LEFT OUT: there is no chromium: apt-get install chromium")
    with chromium() as found:
        yield found


@pytest.fixture(scope="session")
def image() -> str:
    """The image of this very code, as `make image` tags it. In CI a missing one is a failure."""
    problem = what_is_missing()
    if problem and os.environ.get("CI"):
        pytest.fail(f"{problem}. In CI (CI={os.environ['CI']}) docker tests may not be left out")
    if problem:
        pytest.skip(f"LEFT OUT: {problem}, then: make test")
    return IMAGE


@pytest.fixture(scope="session")
def docker_aws(image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAws]:
    """`pipeline_definition.py local --docker`, for an image that is there."""
    assert image
    with local_aws_running(tmp_path_factory.mktemp("docker-aws"), "--docker") as running:
        yield running
