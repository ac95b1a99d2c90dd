"""scrubjay: a relay beside your application."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

__version__ = "0.1.0"

Event = TypeVar("Event", bytes, str, dict[str, Any])


def scrub_event(
    event: Event,
    pii_config: Mapping[str, object] | None = None,
    *,
    settings: Mapping[str, object] | None = None,
    profile: str = "parity",
) -> Event:
    """Scrub one event: JSON as bytes or text, or what it decodes to. Gives the same kind; the event itself if nothing changed.

    `pii_config` are advanced rules, as `config.piiConfig` of a project, and `settings` the switches of `config.datascrubbingSettings`; without
    either the default rules run. `profile` is `parity` for exactly what the reference removes, `strict` for its gaps closed as well.

    >>> rules = {"applications": {"$user.email": ["@email:mask"]}}
    >>> scrub_event({"user": {"id": "7", "email": "ana@lab.example"}}, rules)["user"]["email"]
    '***************'
    >>> scrub_event('{"extra":{"password":"x"}}', settings={"scrubData": True, "scrubDefaults": True})
    '{"extra":{"password":"[Filtered]"},"_meta":{"extra":{"password":{"":{"rem":[["@password:filter","s",0,10]],"len":1}}}}}'

    Compiled rules are kept by content. Raises `errors.ConfigError` for rules that cannot be used and `errors.Unscrubbable` for an event
    that cannot be scrubbed, which must not leave then.
    """
    from scrubjay.core.scrub import library  # noqa: PLC0415 - whoever only wants the version pays nothing

    return library.scrub_event(event, pii_config, settings, profile)
