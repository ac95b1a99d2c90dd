"""scrubjay: a relay beside your application."""

from __future__ import annotations

from collections.abc import Mapping

__version__ = "0.1.0"


def scrub_event(payload: bytes, pii_config: Mapping[str, object], *, profile: str = "parity") -> bytes:
    """Scrub one event (JSON bytes) by the rules of `pii_config` and nothing else.

    Compiled rules are cached by content. Raises `errors.ConfigError` for rules that cannot be used and `errors.Unscrubbable` for a
    payload that cannot be scrubbed.
    """
    from scrubjay.core.scrub import library  # noqa: PLC0415 - whoever only wants the version pays nothing

    return library.scrub_event(payload, pii_config, profile)
