"""The comparison in MLflow: a run with the compared ones below it."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pipeline.comparison.pairwise.table import between, share, win_rate
from pipeline.comparison.ranking import MOST_PAIRS
from pipeline.comparison.run import ComparisonError
from pipeline.comparison.sources import Services
from processing.base.errors import ConfigError
from processing.config import patterns

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from pipeline.comparison.compare import Comparison
    from pipeline.comparison.findings import Findings

PARENT_TAG = "mlflow.parentRunId"
FOLDER = "comparison"
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def log_comparison(comparison: Comparison, config: Path) -> str:
    """Make the parent run and put the compared ones below it; the address of its page.

    A run has one parent: one that was compared before moves below the new one.
    Raises ComparisonError where the runs are not on one server, that is not the one of the file
    `config`, of this machine or of SageMaker, or MLflow refuses.
    """
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    from processing.mlflow_record.errors import short_reason
    from processing.mlflow_record.signing import asking

    findings = comparison.findings
    uri = _one_server(findings)
    _require_known(uri, config)
    _lend_login(uri, config)
    experiment = findings.runs[0].document["mlflow"]["experiment_id"]
    try:
        with asking(uri):
            run_id = _make(MlflowClient(), experiment, comparison)
    except (MlflowException, OSError) as error:
        raise ComparisonError(f"MLflow at {uri}: {short_reason(str(error))}") from error
    if not uri.startswith("http"):
        return f"{uri} run {run_id}"
    return f"{uri.rstrip('/')}/#/experiments/{experiment}/runs/{run_id}"


def _make(client: MlflowClient, experiment: str, comparison: Comparison) -> str:
    """The parent run's id."""
    findings = comparison.findings
    for compared in _run_ids(findings):
        client.get_run(compared)  # are all of them there, before anything is made?
    name = "compare " + ", ".join(run.name for run in findings.runs)
    run_id = str(client.create_run(experiment, run_name=name[:250]).info.run_id)
    try:
        _write(client, run_id, comparison)
    except BaseException:
        client.set_terminated(run_id, "FAILED")
        raise
    client.set_terminated(run_id)
    return run_id


def _one_server(findings: Findings) -> str:
    uris = {run.document["mlflow"]["tracking_uri"] for run in findings.runs}
    if len(uris) > 1:
        places = ", ".join(
            f"{run.label} on {run.document['mlflow']['tracking_uri']}" for run in findings.runs
        )
        raise ComparisonError(f"the runs are on different MLflow servers ({places}): no parent run")
    return str(uris.pop())


def _require_known(uri: str, config: Path) -> None:
    """Reports may come from others: they do not say where the user's credentials go."""
    if _on_this_machine(uri) or (uri.startswith("arn:") and re.match(patterns.MLFLOW, uri)):
        return
    from pipeline.definition.bundle import load_bundle

    own = load_bundle(config).config.mlflow.tracking_uri if config.is_file() else "no such file"
    if uri.rstrip("/") != own.rstrip("/"):
        raise ComparisonError(
            f"{uri} is not the MLflow server of {config} ({own}): the compared reports name it, "
            "but your credentials go only where your own file says; if that server is yours, give "
            "--config with a file that has it as mlflow.tracking_uri"
        )


def _lend_login(uri: str, config: Path) -> None:
    """Of the file's own server, if the file names one. Raises SecretError."""
    services = Services(config)
    try:
        own = services.bundle.config.mlflow.tracking_uri if config.is_file() else ""
    except ConfigError:
        return  # a comparison of folders goes without the file
    if uri.rstrip("/") == own.rstrip("/"):
        services.lend_mlflow_login()


def _on_this_machine(uri: str) -> bool:
    """A server of this machine, or a store as `try` makes one."""
    address = urlsplit(uri)
    if address.scheme == "sqlite":
        store = Path(address.path.removeprefix("/"))
        return store.parts[-2:] == (".runs", "mlflow.db") and store.is_file()
    return address.scheme in ("http", "https") and address.hostname in LOOPBACK


def _run_ids(findings: Findings) -> list[str]:
    return [run.document["mlflow"]["run_id"] for run in findings.runs]


def _write(client: MlflowClient, run_id: str, comparison: Comparison) -> None:
    findings = comparison.findings
    for difference in findings.differences:
        if difference.difference is not None:
            key = f"{difference.metric}/{difference.run}_minus_A"
            client.log_metric(run_id, key, difference.difference)
    for key, value in _preferences(findings):
        client.log_metric(run_id, key, value)
    client.set_tag(run_id, "mlflow.note.content", _note(findings))
    with tempfile.TemporaryDirectory() as folder:
        comparison.write_json(Path(folder) / "compare.json")
        comparison.write_html(Path(folder) / "compare.html")
        client.log_artifacts(run_id, folder, FOLDER)
    for compared in _run_ids(findings):
        client.set_tag(compared, PARENT_TAG, run_id)


_LOGGED = ("pairs", "wins", "ties", "losses", "missing", "order_disagreement_share", "win_rate",
           "low", "high")  # fmt: skip


def _preferences(findings: Findings) -> Iterator[tuple[str, float]]:
    """Of each pairwise scorer: the figures of each two runs, and each run's strength."""
    for outcome in findings.pairwise:
        figures = outcome.figures()
        for name in _LOGGED:
            if figures[name] is not None:
                key = f"{outcome.scorer}/{outcome.run}_against_{outcome.against}/{name}"
                yield key, float(figures[name])
    for ranking in findings.strengths:
        for found in ranking.strengths:
            for name, value in (
                ("strength", found.strength), ("strength_low", found.low),
                ("strength_high", found.high),
            ):  # fmt: skip
                yield f"{ranking.scorer}/{found.run}/{name}", value


def _note(findings: Findings) -> str:
    """What MLflow's page shows of it first; a tag holds 8,000 characters."""
    real = [d for d in findings.differences if d.real]
    ranking = findings.ranking
    said = [f"- ! {found}" for found in findings.mismatches]
    said += [f"- ! no verdict: {absent.name}: {absent.why}" for absent in findings.absent]
    said += [f"- rank {place.rank}: {ranking.names[place.run]}" for place in ranking.places]
    said += [f"- {pair.sentence(ranking.names)}" for pair in ranking.pairs[:MOST_PAIRS]]
    said += [f"- {d.run}: {d.metric} {d.state}, {d.difference:+.3g}" for d in real]
    said += [
        f"- {o.scorer}: {o.run} against {o.against} {o.state}, win rate {win_rate(o)} "
        f"({between(o)}), {o.wins} wins, {o.ties} ties, {o.losses} losses, {o.missing} missing, "
        f"order disagreement {share(o)}"
        for o in findings.pairwise
    ]
    said += [] if real else ["- no difference is real after Holm's correction"]
    return "\n".join([*said, "", "compare.html is under Artifacts."])[:7000]
