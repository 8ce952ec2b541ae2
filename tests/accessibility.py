"""axe-core, which looks at an opened page for what shuts somebody out."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from browser import Browser


def looked_at(browser: Browser) -> dict[str, Any]:
    """`violations`: rule, what it asks for, elements. `contrasts`: so many texts were measured."""
    axe = files("axe_core_python").joinpath("axe.min.js").read_text(encoding="utf-8")
    browser.run(f"{axe}; 0")
    found: dict[str, Any] = browser.run(
        "axe.run().then((found) => ({ contrasts: found.passes"
        ".filter((rule) => rule.id === 'color-contrast').flatMap((rule) => rule.nodes).length,"
        " violations: found.violations.map((rule) =>"
        " [rule.id, rule.help, rule.nodes.map((node) => node.html).slice(0, 3)]) }))"
    )
    return found
