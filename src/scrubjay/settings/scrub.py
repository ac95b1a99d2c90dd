"""The settings of scrubbing: defaults for all projects, and what a project may say otherwise (`scrubbing.md` 14, 15).

Owns the section `scrub` and how `config.scrubjay.scrub` of a project lies over it; both are the same table. What the words do is
`core/scrub`'s business.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, get_type_hints

import msgspec

from scrubjay.errors import ConfigError
from scrubjay.settings.gaps import Gap
from scrubjay.settings.setting import Secret, Section, setting

_NO_KEY: Final = f"2027a:{'0' * 64}"  # an example that could be read, and must never be used


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
    pseudonym_key: Secret | None = setting(
        None,
        "Key of pseudonyms: 32 random bytes as hex or base64, after an id and a colon if it has one; best `${file:PATH}`.",
        example=_NO_KEY,
        reload=True,
    )
    pseudonym_key_next: Secret | None = setting(
        None,
        "The key that takes over at the beginning of the day `pseudonym_key_since`.",
        example=_NO_KEY,
        reload=True,
    )
    pseudonym_key_since: str | None = setting(
        None, "The day, in UTC, from which the next key is in force.", example="2027-01-01", reload=True
    )
    hash_is_keyed: bool = setting(
        False,
        "Every redaction `hash` gives a pseudonym of 40 characters instead of a hash that anybody can look up.",
        reload=True,
    )
    mode: Literal["deny", "allow"] = setting(
        "deny", "`deny`: what a rule finds is taken out. `allow`: only what `allow` lists leaves, scrubbed.", reload=True
    )
    allow: tuple[str, ...] = setting(
        (),
        "Mode `allow`: selectors of the values that may leave, of every class; what the protocol needs always does.",
        example="[$error.type, $frame.function, $frame.lineno, 'contexts.os.*']",
        reload=True,
    )
    allow_items: tuple[str, ...] = setting(
        (),
        "Mode `allow`: item types that may leave although no values of theirs can be listed: attachments, replays, profiles.",
        example="[attachment, profile]",
        reload=True,
    )


_TYPES: Final = get_type_hints(Scrub)
PROJECT_FIELDS: Final = frozenset(name for name in Scrub.__struct_fields__ if not name.startswith("pseudonym_key"))
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
