"""promptfoo on the same work: its command line, with one llm-rubric a judge."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path


def main(dataset: str, judges: int, concurrency: int) -> None:
    rows = [json.loads(line) for line in Path(dataset).read_text(encoding="utf-8").splitlines()]
    provider = {
        "id": "openai:chat:bench",
        "config": {"apiBaseUrl": f"{os.environ['BENCH_URL']}/v1", "apiKey": "bench"},
    }
    rubric = {"type": "llm-rubric", "value": "A good answer.", "provider": provider}
    config = {
        "prompts": ["{{question}}"],
        "providers": [provider],
        "tests": [
            {"vars": {"question": row["question"]}, "assert": [rubric] * judges} for row in rows
        ],
    }
    folder = Path(dataset).parent
    (folder / "promptfoo.json").write_text(json.dumps(config))
    subprocess.run(
        [
            *("promptfoo", "eval", "--config", str(folder / "promptfoo.json"), "--no-cache"),
            *("--no-table", "--no-progress-bar", "--max-concurrency", str(concurrency)),
        ],
        check=False,  # it exits with 100 where an assertion does not hold
        env={
            **os.environ,
            "PROMPTFOO_DISABLE_TELEMETRY": "1",
            "PROMPTFOO_DISABLE_UPDATE": "1",
            "PROMPTFOO_CONFIG_DIR": str(folder / "promptfoo"),
        },
    )


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
