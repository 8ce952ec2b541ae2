"""Prices into the configuration file; every other line of it stays as it is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from processing.base.errors import LaunchError, ReportedError
from processing.config.file import load_config
from processing.config.prices import Prices


def write_prices(path: Path, prices: Mapping[str, Prices]) -> None:
    """Put each under its model in `prices:`, which is made at the end of the file if need be.

    Raises LaunchError where that cannot be done; the file is then unchanged.
    """
    before = path.read_text(encoding="utf-8")
    text = before
    try:
        for model, price in prices.items():
            text = _with_entry(text, model, _entry(model, price))
        path.write_text(text, encoding="utf-8")
        written = load_config(path).prices
    except (ReportedError, LookupError, AttributeError, TypeError):
        written = {}
    if any(written.get(model) != price for model, price in prices.items()):
        path.write_text(before, encoding="utf-8")
        lines = "\n".join(f"  {_entry(model, price)}" for model, price in prices.items())
        raise LaunchError(f"{path}: could not be changed: write under prices: there\n{lines}")


def _entry(model: str, price: Prices) -> str:
    given = price.model_dump(exclude_none=True)
    pairs = (f"{k}: {v:.12g}" if isinstance(v, float) else f"{k}: {v}" for k, v in given.items())
    return f"{model}: {{{', '.join(pairs)}}}"


def _with_entry(text: str, model: str, entry: str) -> str:
    from ruamel.yaml import YAML

    document: Any = YAML(typ="rt").load(text)
    lines = text.splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    section = document.get("prices")
    if "prices" not in document:
        return "".join([*lines, "\n", "prices:\n", f"  {entry}\n"])
    if not section:  # `prices:` or `prices: {}`
        first = document.lc.key("prices")[0]
        comment = lines[first].partition("#")[2]
        lines[first] = f"prices:{f'   #{comment}' if comment else chr(10)}  {entry}\n"
        return "".join(lines)
    if model not in section:
        first, column = min(section.lc.key(name) for name in section)
        lines.insert(first, f"{' ' * column}{entry}\n")
        return "".join(lines)
    first, column = section.lc.key(model)
    last = max(section[model].lc.key(name)[0] for name in section[model])
    comment = lines[last].partition("#")[2] if first == last else ""
    lines[first : last + 1] = [f"{' ' * column}{entry}{f'   #{comment}' if comment else chr(10)}"]
    return "".join(lines)
