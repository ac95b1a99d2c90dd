"""Scrubbing as a library call: compiled programs, kept by content."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from scrubjay.core.scrub.documents import scrub_document
from scrubjay.core.scrub.json_text import decode_any, encode
from scrubjay.core.scrub.program import DEFAULTS, ScrubProgram, compile_program
from scrubjay.errors import ConfigError
from scrubjay.settings.scrub import over


def scrub_event(payload: bytes, pii_config: Mapping[str, object], profile: str) -> bytes:
    """Scrub an event by these rules. Raises ConfigError, Unscrubbable."""
    try:
        content = encode(pii_config)
    except (TypeError, UnicodeEncodeError) as error:
        raise ConfigError(f"not a JSON object: {error}") from None
    scrubbed = scrub_document(_program(content, profile), payload, "event")
    return payload if scrubbed is None else scrubbed


@lru_cache(maxsize=64)
def _program(content: bytes, profile: str) -> ScrubProgram:
    config = decode_any(content)
    if not isinstance(config, dict):
        raise ConfigError("must be an object")
    return compile_program(pii_config=config, settings=None, options=over(DEFAULTS, {"profile": profile}))
