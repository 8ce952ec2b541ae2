"""What a scorer file imports is in the image, or `check` says where and how to get it there."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from running_aws import REPOSITORY, ConfigWriter
from typed_command import typed

from pipeline.checks.imports import EXTRA, LOCK, check_imports, image_packages, imports_of
from processing.base.errors import LaunchError

SCORERS = """
import json, moto
from typing import TYPE_CHECKING
import numpy as np
from mlflow.genai.scorers import scorer
from processing.gate import intervals
from pipeline.definition.image import publish
try:
    import torch
except ImportError:
    torch = None
if TYPE_CHECKING:
    import spacy

@scorer
def polite(outputs):
    import not_installed.part
    return 1.0
"""


@pytest.mark.slow
def test_check_names_each_import_that_the_image_will_not_have(write_config: ConfigWriter) -> None:
    config = write_config(
        scorers=["rougeL_fmeasure", {"polite": {"file": "scorers.py"}}],
        thresholds={"rougeL_fmeasure": {"min": 0.3}},
    )
    config.with_name("scorers.py").write_text(SCORERS)
    done = typed("check", "--config", str(config))
    assert done.returncode == 2
    lines = done.stderr.splitlines()
    assert [line.rpartition(": the image")[0].rpartition("scorers.py:")[2] for line in lines] == [
        "2: import moto",
        "7: import pipeline",
        "17: import not_installed",
    ]
    assert "add moto==" in lines[0]
    assert "to docker/extra-requirements.txt, then make image" in lines[0]
    assert "its package, such as not_installed==1.2.3," in lines[2]


@pytest.mark.slow
def test_extra_requirements_bring_what_they_require(tmp_path: Path) -> None:
    scorers, extra = tmp_path / "scorers.py", tmp_path / "extra-requirements.txt"
    scorers.write_text("import moto, responses, never_seen_here\n")
    extra.write_text("# none\n")
    assert len(check_imports([scorers], extra=extra)) == 3
    extra.write_text("moto[server]==5.2.5  # in tests\nNever.Seen-here>=1\n")
    assert check_imports([scorers], extra=extra) == []  # moto requires responses
    extra.write_text("\n\nmoto = 5\n")
    with pytest.raises(
        LaunchError, match=r"extra-requirements.txt:3: 'moto = 5' is no requirement"
    ):
        check_imports([scorers], extra=extra)


@pytest.mark.slow
@settings(deadline=None)
@given(st.one_of(st.binary(max_size=60), st.text(max_size=60).map(str.encode)))
def test_a_file_that_is_no_python_is_left_to_what_loads_it(source: bytes) -> None:
    assert [one for one in imports_of(source) if not one.module] == []


@pytest.mark.slow
def test_the_examples_and_the_image_s_own_list_are_read() -> None:
    assert check_imports(sorted(REPOSITORY.glob("examples/*/scorers.py"))) == []
    packages = image_packages(LOCK.read_text(), EXTRA)
    assert {"boto3", "mlflow-skinny", "pandas"} <= packages
    assert not {"moto", "sagemaker", "sqlalchemy", "pywin32"} & packages
