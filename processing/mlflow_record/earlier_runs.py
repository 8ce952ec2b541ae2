"""The last runs of the same pipeline on the same source, by the same scorers, for drift."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from processing.gate.drift import Measured
from processing.mlflow_record.abandoned_runs import PIPELINE_TAG
from processing.mlflow_record.metric_names import detail_held
from processing.mlflow_record.run import TrackedRun

if TYPE_CHECKING:
    from mlflow.entities import Run

DEFINITIONS_TAG = "scorer_definitions"
"""Scorer -> the beginning of its definition's digest, as JSON."""
STOPPED_TAG = "stopped"
_SAME = ("dataset.source", "dataset.answers", "endpoint.name")
_A_PAGE = 100
_MOST_PAGES = 10
_LONGEST_TAG = 5000


def definitions_tag(definitions: Mapping[str, str]) -> dict[str, str]:
    """The tag for a run; none if the server would not take it."""
    text = json.dumps({name: digest[:16] for name, digest in definitions.items()})
    return {DEFINITIONS_TAG: text} if len(text) <= _LONGEST_TAG else {}


def earlier_runs(
    run: TrackedRun,
    pipeline: str,
    definitions: Mapping[str, str],
    measurements: Collection[str],
    *,
    most: int,
) -> tuple[dict[str, list[Measured]], list[str]]:
    """By metric, what the last `most` comparable runs measured; and these runs' ids.

    Comparable: finished with a verdict, all rows asked, of this pipeline, source and endpoint, with
    nothing else varied. Of a scorer a run counts only if its definition, judge included, is the
    same; `definitions`: scorer -> digest. Raises MlflowException.
    """
    from mlflow import MlflowClient

    client = MlflowClient()
    own = client.get_run(run.run_id)
    found: dict[str, list[Measured]] = {}
    run_ids: list[str] = []
    for each in _finished(client, run, pipeline):
        if len(run_ids) == most:
            break
        if each.info.run_id == run.run_id or not _comparable(each, own):
            continue
        theirs = _definitions(each)
        same = [name for name, digest in definitions.items() if theirs.get(name) == digest[:16]]
        keys = {name: f"{name}/mean" for name in same} | {name: name for name in measurements}
        held = each.data.metrics
        if not any(name in same for name in definitions):
            continue
        run_ids.append(each.info.run_id)
        for name, key in keys.items():
            if key in held and (n := detail_held(held, name, "n")):
                found.setdefault(name, []).append(
                    Measured(
                        held[key],
                        int(n),
                        detail_held(held, name, "low"),
                        detail_held(held, name, "high"),
                    )
                )
    return found, run_ids


def _finished(client: Any, run: TrackedRun, pipeline: str) -> Iterator[Run]:
    token = None
    for _ in range(_MOST_PAGES):
        page = client.search_runs(
            [run.experiment_id],
            f"attributes.status = 'FINISHED' and tags.{PIPELINE_TAG} = '{pipeline}'",
            order_by=["attributes.start_time DESC"],
            max_results=_A_PAGE,
            page_token=token,
        )
        yield from page
        token = page.token
        if not token:
            return


def _comparable(run: Run, own: Run) -> bool:
    tags, params = run.data.tags, run.data.params
    if "verdict" not in tags or STOPPED_TAG in tags:
        return False
    return _kept_same(params) == _kept_same(own.data.params)


def _kept_same(params: Mapping[str, str]) -> dict[str, str]:
    return {k: v for k, v in params.items() if k in _SAME or k.startswith("varied.")}


def _definitions(run: Run) -> dict[str, str]:
    try:
        found = json.loads(run.data.tags.get(DEFINITIONS_TAG, "{}"))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
