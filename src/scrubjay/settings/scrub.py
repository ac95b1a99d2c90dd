"""The settings of scrubbing: defaults for all projects, and what a project may say otherwise (`scrubbing.md` 14, 15).

Owns the section `scrub` and how `config.scrubjay.scrub` of a project lies over it; both are the same table. What the words do is
`core/scrub`'s business.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, get_type_hints

import msgspec

from scrubjay.errors import ConfigError
from scrubjay.settings.setting import Section, setting

Gap = Literal[
    "incoming_remarks", "ipv6", "userpath", "places", "email", "url_credentials", "numbers", "meta", "imei", "ai_texts", "keys",
    "encoded", "wrong_kinds", "bodies", "embedded", "headers",
]  # fmt: skip
"""Closures that profile `strict` adds, by name; in `open_gaps` one is switched off (`scrubbing.md` 14, 15.6)."""


class Scrub(Section, frozen=True):
    """Defaults of scrubbing; a project overrides them under `config.scrubjay.scrub`."""

    profile: Literal["strict", "parity"] = setting(
        "strict", "`parity` removes exactly what the reference removes, `strict` closes its gaps.", reload=True
    )
    open_gaps: tuple[Gap, ...] = setting(
        (), "Closures of `strict` to go without, by name; what each closes is in `docs/differences.md`.", reload=True
    )
    opaque: Literal["drop", "forward"] = setting(
        "drop", "Payloads of unknown types that are not JSON: drop them, or let them leave unread.", reload=True
    )
    attachments: Literal["text", "keep", "drop"] = setting(
        "text",
        "Attachments: scrub those that are text or JSON (in profile `strict`), keep all unread, or drop all.",
        reload=True,
    )


_TYPES: Final = get_type_hints(Scrub)
PROJECT_FIELDS: Final = frozenset(Scrub.__struct_fields__) - {"pseudonym_key"}
"""What a project may set. Keys are the operator's alone."""


def over(defaults: Scrub, overrides: Mapping[str, Any]) -> Scrub:
    """The settings of one project. Raises ConfigError with the member's path."""
    if not overrides:
        return defaults
    for name in overrides:
        if name not in PROJECT_FIELDS:
            raise ConfigError(
                "unknown member", path=f"config.scrubjay.scrub.{name}", accepted=", ".join(sorted(PROJECT_FIELDS))
            )
    values = {name: getattr(defaults, name) for name in Scrub.__struct_fields__}
    for name, value in overrides.items():
        try:
            values[name] = msgspec.convert(value, _TYPES[name], strict=True)
        except msgspec.ValidationError as error:
            raise ConfigError(str(error), path=f"config.scrubjay.scrub.{name}") from None
    return Scrub(**values)
