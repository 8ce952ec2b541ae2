"""MLflow's own web application behind the guard of the local servers.

MLflow refuses pages of other sites by itself, but takes any page of a loopback port, and any Host
that begins like a private address (`10.example.com`).
"""

from __future__ import annotations

from pipeline.local.loopback_guard import LoopbackGuard


def create() -> LoopbackGuard:
    """What `mlflow server --app-name loopback` serves (see mlflow_plugin)."""
    from mlflow.server.fastapi_app import app

    return LoopbackGuard(app, shows_pages=True)
