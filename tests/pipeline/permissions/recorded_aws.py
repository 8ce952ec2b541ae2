"""The local AWS for one configuration, whose jobs write down every boto3 call that they make.

    python recorded_aws.py CONFIG STATE_FOLDER FIRST_PORT

Prints the environment as a line of JSON when it is up; ends when its standard input does.
"""

import json
import sys
from pathlib import Path

from pipeline.definition.bundle import load_bundle
from pipeline.local.demo.services import local_aws

REPOSITORY = Path(__file__).resolve().parents[3]
RECORDER = Path(__file__).with_name("recorder")

if __name__ == "__main__":
    bundle, state = load_bundle(Path(sys.argv[1])), Path(sys.argv[2])
    recorded = {
        "PYTHONPATH": f"{RECORDER}:{REPOSITORY}",
        "RECORDED_CALLS": str(state / "job.jsonl"),
    }
    with local_aws(bundle.config, int(sys.argv[3]), state, job_environment=recorded) as addresses:
        print("UP", json.dumps(addresses.environment()), flush=True)
        sys.stdin.read()
