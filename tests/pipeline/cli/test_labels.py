"""`labels` as a user types it, where nothing is read yet."""

from __future__ import annotations

from running_aws import ConfigWriter
from typed_command import typed


def test_a_sample_is_written_as_the_file_under_labels_has_to_be_named(
    write_config: ConfigWriter,
) -> None:
    done = typed("labels", "sample", "run", "--config", str(write_config()), "--output", "l.txt")
    assert done.returncode == 2
    assert "--output l.txt: must end in .csv or .jsonl" in done.stderr
