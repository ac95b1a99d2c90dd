"""Scrubbing as a library call: payloads in the three kinds that callers have, compiled programs kept by content."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, TypeVar

from scrubjay.core.scrub.documents import scrub_document
from scrubjay.core.scrub.json_text import decode_any, encode
from scrubjay.core.scrub.program import DEFAULTS, ScrubProgram, compile_program
from scrubjay.errors import ConfigError, Unscrubbable
from scrubjay.settings.scrub import over

Event = TypeVar("Event", bytes, str, dict[str, Any])

_ALL_ON = {"scrubData": True, "scrubDefaults": True, "scrubIpAddresses": True}


def scrub_event(
    event: Event, pii_config: Mapping[str, object] | None, settings: Mapping[str, object] | None, profile: str
) -> Event:
    """Scrub an event by these rules; by the default ones if there are none. Raises ConfigError, Unscrubbable."""
    if pii_config is None and settings is None:
        settings = _ALL_ON
    try:
        content = encode((pii_config, settings))
    except (TypeError, UnicodeEncodeError) as error:
        raise ConfigError(f"not a JSON object: {error}") from None
    program = _program(content, profile)
    if isinstance(event, bytes):
        scrubbed = scrub_document(program, event, "event")
        return event if scrubbed is None else scrubbed
    try:
        payload = event.encode() if isinstance(event, str) else encode(event)
    except (TypeError, ValueError, RecursionError) as error:
        raise Unscrubbable(f"event is no JSON: {type(error).__name__}") from None
    scrubbed = scrub_document(program, payload, "event")
    if scrubbed is None:
        return event
    if isinstance(event, str):
        return scrubbed.decode()
    decoded: dict[str, Any] = decode_any(scrubbed)
    return decoded


@lru_cache(maxsize=64)
def _program(content: bytes, profile: str) -> ScrubProgram:
    config, settings = decode_any(content)
    if not isinstance(config, dict | None) or not isinstance(settings, dict | None):
        raise ConfigError("must be an object")
    return compile_program(pii_config=config, settings=settings, options=over(DEFAULTS, {"profile": profile}))
