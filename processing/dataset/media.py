"""Images, audio, video and files: out of scope, and refused by name wherever a row or column shows.

Forms: OpenAI's content parts (chat completions and responses), Anthropic's and Gemini's parts,
`data:` URLs, what the Hugging Face `datasets` library stores (bytes and path), and bare bytes.
"""

from __future__ import annotations

import re
from typing import Any

from processing.base.errors import DatasetError

_PARTS = {
    **dict.fromkeys(("image_url", "image", "input_image", "image_file"), "an image"),
    **dict.fromkeys(("input_audio", "audio", "audio_url"), "audio"),
    **dict.fromkeys(("video", "video_url", "input_video"), "a video"),
    **dict.fromkeys(("file", "input_file", "document"), "a file"),
}
"""A content part's `type` -> what it is."""

REASONS = frozenset(_PARTS.values())
"""What a row is refused for; the manifest counts by these."""

MEND = (
    "texts alone are evaluated, no images, audio, video or files: take the row out, or put what "
    "it shows into words"
)

_DATA_URL = re.compile(r"\s*data:(image|audio|video|application)/[\w.+-]+[;,]\S*\s*", re.IGNORECASE)
_URLS = {"image": "an image", "audio": "audio", "video": "a video", "application": "a file"}
_BEGINNINGS = {
    b"\x89PNG\r\n": "an image",
    b"\xff\xd8\xff": "an image",
    b"GIF8": "an image",
    b"ID3": "audio",
    b"OggS": "audio",
    b"fLaC": "audio",
    b"%PDF-": "a file",
}
_DEEPEST = 8


def media_in(value: Any, depth: int = 0) -> tuple[str, str] | None:
    """What a cell holds and how that shows: ("an image", "a part of type image_url"); else None."""
    if isinstance(value, str):
        url = _DATA_URL.fullmatch(value)
        return (_URLS[url[1].lower()], f"a data:{url[1].lower()}/ URL") if url else None
    if isinstance(value, bytes):
        return _of_bytes(value)
    if depth > _DEEPEST or not isinstance(value, dict | list):
        return None
    if isinstance(value, dict):
        if (kind := value.get("type")).__class__ is str and kind in _PARTS:
            return _PARTS[kind], f"a part of type {kind}"
        if set(value) == {"bytes", "path"}:
            within = _of_bytes(value["bytes"] or b"") or ("a file", "")
            return within[0], "bytes and path, as datasets stores images and audio"
    inner = value.values() if isinstance(value, dict) else value
    return next((found for each in inner if (found := media_in(each, depth + 1))), None)


def _of_bytes(value: bytes) -> tuple[str, str] | None:
    if value[:4] == b"RIFF" and value[8:12] in (b"WAVE", b"WEBP"):
        return ("audio" if value[8:12] == b"WAVE" else "an image"), "its bytes"
    found = next((what for start, what in _BEGINNINGS.items() if value.startswith(start)), None)
    return (found, "its bytes") if found else None


def require_no_media_columns(name: str, schema: Any) -> None:
    """Raises DatasetError for a column of a pyarrow schema that holds images, audio or video.

    Whether it is mapped or not: the questions are about what stands there.
    """
    for field in schema:
        if _stores_media(field.type):
            raise DatasetError(
                f"{name}: the column {field.name!r} holds images, audio or video (bytes and path), "
                "and texts alone are evaluated. If the questions do not need it, evaluate a copy "
                "without it: datasets' remove_columns() and save_to_disk(), then hf:///folder"
            )


def _stores_media(arrow_type: Any) -> bool:
    """`datasets.Image` and `Audio` are a struct of bytes and path; lists of these are sequences."""
    from pyarrow import types

    if types.is_list(arrow_type) or types.is_large_list(arrow_type):
        return _stores_media(arrow_type.value_type)
    if not types.is_struct(arrow_type):
        return False
    fields = {arrow_type.field(i).name: arrow_type.field(i) for i in range(arrow_type.num_fields)}
    if set(fields) == {"bytes", "path"}:
        kind = fields["bytes"].type
        return bool(types.is_binary(kind) or types.is_large_binary(kind) or types.is_null(kind))
    return any(_stores_media(field.type) for field in fields.values())
