"""Put on PYTHONPATH: the process's boto3 calls are written to the file RECORDED_CALLS."""

import os
from pathlib import Path

if target := os.environ.get("RECORDED_CALLS"):
    from recorded_calls import calls_recorded

    recording = calls_recorded(Path(target))
    recording.__enter__()  # until the process ends
