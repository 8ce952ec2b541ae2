"""How many tokens a text has, without asking anybody."""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import os
from collections.abc import Callable
from pathlib import Path
from unittest import mock

ENCODING = "o200k_base"
CHARACTERS_A_TOKEN = 4

_ADDRESS = f"https://openaipublic.blob.core.windows.net/encodings/{ENCODING}.tiktoken"

Count = Callable[[str], int]


@functools.cache
def counter() -> tuple[Count, str]:
    """The count, and how it is made: by OpenAI's tokenizer if it is on this machine.

    tiktoken would download the encoding; litellm, which is installed, brings it along. Another
    model's tokens are some percent more or fewer.
    """
    folder = _litellm_encodings()
    if folder is None or importlib.util.find_spec("tiktoken") is None:
        return _by_characters, f"{CHARACTERS_A_TOKEN} characters a token"
    import tiktoken

    with mock.patch.dict(os.environ, {"TIKTOKEN_CACHE_DIR": str(folder)}):
        encoding = tiktoken.get_encoding(ENCODING)
    return lambda text: len(encoding.encode(text, disallowed_special=())), f"tiktoken {ENCODING}"


def _litellm_encodings() -> Path | None:
    """The folder, if the encoding's file is in it: tiktoken calls it by its address's digest."""
    found = importlib.util.find_spec("litellm")
    name = hashlib.sha1(_ADDRESS.encode(), usedforsecurity=False).hexdigest()
    for place in (found and found.submodule_search_locations) or ():
        folder = Path(place) / "litellm_core_utils" / "tokenizers"
        if (folder / name).is_file():
            return folder
    return None


def _by_characters(text: str) -> int:
    return -(-len(text) // CHARACTERS_A_TOKEN)
