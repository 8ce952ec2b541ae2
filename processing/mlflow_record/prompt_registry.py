"""The prompts of an evaluation as versions in MLflow's prompt registry, linked to run and traces.

A text that the registry has is linked and not registered again. All of it happens beside the
evaluation, and is no part of what the verdict rests on: a server without a registry, or one that
refuses, costs a line in the log.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from processing.mlflow_record.internals import IS_PROMPT_TAG, LINKED_PROMPTS_TAG, PROMPT_TEXT_TAG
from processing.mlflow_record.run import TrackedRun
from processing.mlflow_record.signing import share_credentials

if TYPE_CHECKING:
    from mlflow import MlflowClient

ENDPOINT = "endpoint"

PATIENCE_SECONDS = 20.0
"""So long, from the start, do traces and the run's end wait for a registry that hangs."""

RACES = 3
"""So often is a prompt registered anew where others, who do the same, come in between."""

TraceTags = Callable[[], dict[str, str]]


@dataclass(frozen=True)
class Prompt:
    """A text, or a chat's messages; what changes from row to row stands in it as `{{name}}`.

    `name` is `endpoint`, or `judge.` and the scorer's name.
    """

    name: str
    template: str | list[dict[str, str]]
    about: str


@contextmanager
def prompts_linked(
    run: TrackedRun, family: str, prompts: Sequence[Prompt], *, wanted: bool = True
) -> Iterator[TraceTags]:
    """Register and link the prompts while the block runs; yields the tags of a row's trace.

    In the registry a prompt is called `FAMILY.NAME`. Not `wanted`, nothing is registered.
    """
    linked: Future[dict[str, str]] = Future()
    deadline = time.monotonic() + PATIENCE_SECONDS
    if not wanted:
        linked.set_result({})

    def link() -> None:
        try:
            share_credentials()
            registering = "registering prompts"
            tags = run.outage.survive(registering, lambda: _link(run, family, prompts))
            linked.set_result(tags)
        except Exception as error:  # noqa: BLE001 whatever it is, the evaluation goes on
            _tell(f"{type(error).__name__}: {str(error)[:300]}")
            linked.set_result({})

    def patiently() -> dict[str, str]:
        until = deadline
        while True:
            try:
                return linked.result(max(0.0, until - time.monotonic()))
            except TimeoutError:
                if not run.outage.away or run.outage.lost:
                    raise
                until = time.monotonic() + PATIENCE_SECONDS  # which an outage is no part of

    def trace_tags() -> dict[str, str]:
        try:
            return patiently()
        except TimeoutError:
            return {}

    if wanted:  # a daemon, which a registry that hangs cannot keep the job alive with
        threading.Thread(target=link, name="prompts", daemon=True).start()
    yield trace_tags
    try:
        patiently()
    except TimeoutError:
        _tell(f"no answer within {PATIENCE_SECONDS:.0f} s")


def _tell(reason: str) -> None:
    print(f"the prompts are not in MLflow's prompt registry: {reason}", flush=True)


def _link(run: TrackedRun, family: str, prompts: Sequence[Prompt]) -> dict[str, str]:
    """Tags for a row's trace: MLflow's own, which links it to the endpoint's prompt."""
    from mlflow import MlflowClient

    client = MlflowClient()
    versions = _registered(client, family, run.experiment_id, prompts)
    entries = {name: {"name": f"{family}.{name}", "version": v} for name, v in versions.items()}
    # as link_prompt_version_to_run does it, which takes four requests for each prompt
    client.set_tag(run.run_id, LINKED_PROMPTS_TAG, json.dumps(list(entries.values())))
    return {LINKED_PROMPTS_TAG: json.dumps([entries[ENDPOINT]])}


def _registered(
    client: MlflowClient, family: str, experiment_id: str, prompts: Sequence[Prompt]
) -> dict[str, str]:
    """The version of each prompt, by its name; made where the registry does not have the text."""
    held = _held(client, family)
    here = {found.name for found in client.search_prompts(f"experiment_id = '{experiment_id}'")}
    versions = {}
    for prompt in prompts:
        name = f"{family}.{prompt.name}"
        version = held.get((name, _text(prompt)))
        if version is None:
            version = _register(client, family, name, prompt)
        elif name not in here:
            # as MLflow has it: what an experiment loads is shown among its prompts
            client.load_prompt(name, version, cache_ttl_seconds=0)
        versions[prompt.name] = version
    return versions


def _register(client: MlflowClient, family: str, name: str, prompt: Prompt) -> str:
    """A new version; or the one that another evaluation has made since it was looked for."""
    from mlflow.exceptions import MlflowException

    for attempt in range(1, RACES + 1):
        try:
            made = client.register_prompt(name, prompt.template, commit_message=prompt.about)
            return str(made.version)
        except MlflowException:
            if attempt == RACES:
                raise
            time.sleep(0.2 * attempt)
            version = _held(client, family).get((name, _text(prompt)))
            if version is not None:
                return version
    raise AssertionError("the loop returns or raises")


def _held(client: MlflowClient, family: str) -> dict[tuple[str, str], str]:
    """Name and text of all versions -> the latest version with that text, in one request."""
    held: dict[tuple[str, str], int] = {}
    token = None
    while True:
        page = client.search_model_versions(
            f"name LIKE '{family}.%' AND tag.`{IS_PROMPT_TAG}` = 'true'", page_token=token
        )
        for found in page:
            key = found.name, found.tags.get(PROMPT_TEXT_TAG, "")
            held[key] = max(held.get(key, 0), int(found.version))
        token = page.token
        if not token:
            return {key: str(version) for key, version in held.items()}


def _text(prompt: Prompt) -> str:
    """The template as MLflow keeps it (`MlflowClient.register_prompt`)."""
    return prompt.template if isinstance(prompt.template, str) else json.dumps(prompt.template)
