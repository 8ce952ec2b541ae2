"""Values put into a text with placeholders, in one pass: what stands in a value stays as it is."""

from __future__ import annotations

import re
from collections.abc import Mapping

_DOUBLE_CURLY = re.compile(r"\{\{[ \t]*(\w+)[ \t]*\}\}")


def fill_double_curly(template: str, values: Mapping[str, str]) -> str:
    """`{{ name }}` becomes the value of that name; an unknown name stays as it is."""
    return _DOUBLE_CURLY.sub(lambda found: values.get(found[1], found[0]), template)
