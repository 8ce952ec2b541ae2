"""PrepareDataset for several instances: balanced shards of the one dataset, and a share of them."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from test_prepare_dataset import rows, write_config, write_jsonl

from processing.base.errors import ConfigError, DatasetError
from processing.config.file import load_config
from processing.dataset.manifest import Manifest, read_manifest
from processing.dataset.shards import read_share
from processing.prepare_dataset import main

DATASET = {
    "source": "rows.jsonl",
    "columns": {"question": "q", "expected_response": "a"},
    "seed": 3,
}
RECORDS = [*rows(23), *rows(3), {"q": "Où ?", "a": "Là.", "topic": "x"}]


def prepare(folder: Path, instances: int, *arguments: str) -> Path:
    """The output folder of a job whose evaluation has so many instances."""
    write_jsonl(folder / "rows.jsonl", RECORDS)
    config = write_config(folder, DATASET, evaluate={"instance_count": instances})
    out = folder / f"out-{instances}"
    main(["--config", str(config), "--output", str(out), "--input", "no-input", *arguments])
    return out


def files(out: Path) -> list[str]:
    return sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())


@pytest.mark.parametrize("instances", [1, 2, 5, 24, 30])
def test_shards_are_the_one_dataset_cut_into_equal_parts(tmp_path: Path, instances: int) -> None:
    whole = prepare(tmp_path, 1)
    manifest_of_one = read_manifest(whole)
    out = prepare(tmp_path, instances)
    manifest = read_manifest(out)
    folder = out / "shards" if instances > 1 else out
    contents = [(folder / shard.name).read_bytes() for shard in manifest.shards]
    assert b"".join(contents) == (whole / "dataset.jsonl").read_bytes()
    assert manifest.sha256 == manifest_of_one.sha256
    assert len(contents) == instances
    sizes = [len(content.splitlines()) for content in contents]
    assert max(sizes) - min(sizes) <= 1
    assert [(s.rows, s.sha256) for s in manifest.shards] == [
        (size, hashlib.sha256(content).hexdigest())
        for size, content in zip(sizes, contents, strict=True)
    ]
    assert manifest.model_dump(exclude={"shards"}) == manifest_of_one.model_dump(exclude={"shards"})


def test_shards_are_alone_in_their_folder_and_named_in_order(tmp_path: Path) -> None:
    names = [f"shards/shard-{n:05d}-of-00003.jsonl" for n in range(3)]
    assert files(prepare(tmp_path, 3)) == ["manifest.json", *names]
    assert files(prepare(tmp_path, 1)) == ["dataset.jsonl", "manifest.json"]


def test_shards_of_an_earlier_run_with_other_instances_are_gone(tmp_path: Path) -> None:
    same = ("--output", str(tmp_path / "same"))
    prepare(tmp_path, 5, *same)
    prepare(tmp_path, 2, *same)
    assert len(files(tmp_path / "same")) == 3
    prepare(tmp_path, 1, *same)
    assert files(tmp_path / "same") == ["dataset.jsonl", "manifest.json"]


@pytest.mark.parametrize("instances", [1, 2, 5])
def test_whichever_shards_an_instance_gets_it_knows_its_rows_places(
    tmp_path: Path, instances: int
) -> None:
    one = prepare(tmp_path, 1)
    dataset = read_share(one, read_manifest(one), whole=True).rows
    out = prepare(tmp_path, instances, "--sample-size", "0")
    manifest = read_manifest(out)
    folder = out / "shards" if instances > 1 else out
    seen: list[int] = []
    for host in range(2):
        share_folder = tmp_path / f"host-{host}"
        share_folder.mkdir()
        for shard in manifest.shards[::-1][host::2]:
            (folder / shard.name).rename(share_folder / shard.name)
        share = read_share(share_folder, manifest, whole=False)
        assert share.rows == [dataset[place] for place in share.places]
        seen += share.places
    assert sorted(seen) == list(range(24))


def test_a_shard_that_was_changed_or_is_from_another_run_is_refused(tmp_path: Path) -> None:
    out = prepare(tmp_path, 2)
    manifest: Manifest = read_manifest(out)
    first, second = (out / "shards" / shard.name for shard in manifest.shards)
    assert len(read_share(out / "shards", manifest, whole=True).rows) == 24
    second.write_bytes(first.read_bytes())
    with pytest.raises(DatasetError, match=r"shard-00001-of-00002\.jsonl is not the file that"):
        read_share(out / "shards", manifest, whole=True)
    second.unlink()
    with pytest.raises(DatasetError, match=r"shard-00001-of-00002\.jsonl does not exist: run"):
        read_share(out / "shards", manifest, whole=True)
    first.rename(out / "shards" / "shard-00001-of-00003.jsonl")
    with pytest.raises(DatasetError, match="from another run"):
        read_share(out / "shards", manifest, whole=True)


def test_more_than_one_instance_is_for_the_evaluation(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="one instance prepares the dataset"):
        load_config(write_config(tmp_path, DATASET, prepare={"instance_count": 2}))
    with pytest.raises(ConfigError, match="instance_count"):
        load_config(write_config(tmp_path, DATASET, evaluate={"instance_count": 0}))
