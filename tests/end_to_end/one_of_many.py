"""Stands where the evaluation does on each of several instances: takes its share, meets the others.

The "answer" is the question in capitals; what an instance paid for goes into the store at once.
With `--dies HOST` that instance is killed once it has paid for its rows.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import time
from pathlib import Path

import boto3

from processing import container
from processing.dataset import read_manifest_file
from processing.instances import file_stem, this_instance
from processing.rendezvous import (
    Part,
    PartRow,
    Rendezvous,
    collect,
    failure_told,
    in_dataset_order,
    publish,
)
from processing.shards import read_share


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--manifest", type=Path)
    parser.add_argument("--parts-uri")
    parser.add_argument("--dies")
    asked, _ = parser.parse_known_args()
    instance = this_instance()
    manifest = read_manifest_file(asked.manifest)
    share = read_share(container.PREPARED_DATASET, manifest, whole=False)
    meeting = Rendezvous(boto3.client("s3"), asked.parts_uri, container.job_name(), instance)
    with failure_told(meeting):
        stem = file_stem(container.job_name(), instance)
        with (container.STORE_OUTPUT / f"{stem}.jsonl").open("w") as store:
            store.writelines(row.row_id + "\n" for row in share.rows)
        if asked.dies == instance.current:
            time.sleep(1)
            os.kill(os.getpid(), signal.SIGKILL)
        rows = [
            PartRow(place, row, {"text": row.question.upper()})
            for place, row in zip(share.places, share.rows, strict=True)
        ]
        part = Part(instance.current, {"dataset": manifest.sha256}, {}, rows)
        if not instance.is_leader:
            publish(meeting, part)
            return
        merged = in_dataset_order(collect(meeting, part, rows=manifest.counts.written))
    document = {
        "hosts": instance.hosts,
        "shares": sorted(path.name for path in container.PREPARED_DATASET.iterdir()),
        "ids": [row.row.row_id for row in merged],
        "answers": [row.answer["text"] for row in merged],
    }
    (container.EVALUATION_OUTPUT / "evaluation.json").write_text(json.dumps(document))


if __name__ == "__main__":
    main()
