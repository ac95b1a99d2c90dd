"""The rules of a compiled program as rows of a list: what each looks for, where, and what it writes (`capture.md` 9.1, `/rules`)."""

from __future__ import annotations

from typing import Any, Final

from scrubjay.core.scrub.program import ScrubProgram
from scrubjay.core.scrub.selectors import print_selector

MAX_SELECTOR_CHARS: Final = 400


def rows(program: ScrubProgram) -> list[dict[str, Any]]:
    """By the name that remarks give them; a rule that is bound in several places has its selectors joined."""
    found: dict[str, dict[str, Any]] = {}
    for one in program.passes:
        for application in one.matcher.applications:
            selector = print_selector(application.selector)[:MAX_SELECTOR_CHARS]
            for rule in application.rules:
                origin = "default" if one.legacy_view else "builtin" if rule.id.startswith("@") else "config"
                row = found.setdefault(
                    rule.origin,
                    {
                        "id": rule.origin,
                        "origin": origin,
                        "detectors": [],
                        "selectors": [],
                        "redaction": rule.redaction.method,
                    },
                )
                names = [step.name for step in rule.steps if step.name] or ["anything"]
                row["detectors"] += [name for name in names if name not in row["detectors"]]
                if selector not in row["selectors"]:
                    row["selectors"].append(selector)
    return [row | {"selector": " || ".join(row["selectors"])} for row in found.values()]
