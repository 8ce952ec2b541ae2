"""Which code this is: in a working copy, in the image, and in the definition that asks for it.

A step carries the digest of the code that was upserted, in CODE_DIGEST; the job refuses to run as
any other. Nothing is written down at build: a job digests the very files that it runs.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from processing.base.errors import CodeError

VARIABLE = "CODE_DIGEST"
_ROOT = Path(__file__).resolve().parents[2]
_PACKAGES = (Path("docker/requirements.lock"), Path("docker/extra-requirements.txt"))
_SHOWN = 12


def code_digest(root: Path = _ROOT) -> str:
    """SHA-256, in hexadecimal, of processing/ and of the lists of packages."""
    code = (
        path.relative_to(root)
        for path in root.glob("processing/**/*")
        if path.is_file() and "__pycache__" not in path.parts
    )
    digest = hashlib.sha256()
    for name in sorted([*code, *_PACKAGES]):
        content = hashlib.sha256((root / name).read_bytes()).hexdigest()
        digest.update(f"{name.as_posix()} {content}\n".encode())
    return digest.hexdigest()


def require_asked_code() -> None:
    """Raises CodeError where the step asks for other code than this; a run by hand asks not."""
    asked = os.environ.get(VARIABLE)
    if not asked:
        return
    own = code_digest()
    if own != asked:
        raise CodeError(
            f"the image was built from other code ({own[:_SHOWN]}) than the pipeline was upserted "
            f"with ({asked[:_SHOWN]}): make image, then pipeline_definition.py image and upsert "
            "(without Docker: upsert)"
        )


if __name__ == "__main__":
    print(code_digest())
