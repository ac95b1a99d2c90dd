"""What may become of payloads that rules cannot read, or can read only in part: the words of the settings, for one project.

Owns what `auto` means in which profile, and which words contradict each other (scrubbing.md 15.6, 15.7). Which payload is of which
kind is `payloads.py`'s business.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

from scrubjay.errors import ConfigError
from scrubjay.settings.scrub import OnError, Scrub
from scrubjay.settings.setting import MIB

_WORDS: Final = get_args(OnError)


@dataclass(frozen=True, slots=True)
class Policies:
    """`compressed`: kinds of compressed files that may leave; None: all. `structured`: view hierarchies and events in msgpack are
    scrubbed. `max_replay_bytes`: what a recording may inflate to.
    """

    opaque: Literal["drop", "forward"] = "drop"
    attachments: Literal["text", "keep", "drop"] = "text"
    structured: bool = True
    binary: Literal["keep", "drop", "scrub_bytes"] = "keep"
    compressed: frozenset[str] | None = frozenset()
    replay: Literal["all", "type5", "keep", "drop"] = "all"
    max_replay_bytes: int = 100 * MIB
    identities: Literal["keep", "hash", "remove"] = "hash"
    usual_on_error: OnError = "drop"
    on_error_by_type: Mapping[str, OnError] = field(default_factory=dict)

    def on_error(self, item_type: str) -> OnError:
        return self.on_error_by_type.get(item_type, self.usual_on_error)

    @property
    def forwards_on_error(self) -> tuple[str, ...]:
        """Item types that leave as they came where they cannot be scrubbed; `*` stands for all that are not named."""
        named = [name for name, word in self.on_error_by_type.items() if word == "forward"]
        return (*named, "*") if self.usual_on_error == "forward" else tuple(named)


def read_policies(options: Scrub, max_replay_bytes: int = 100 * MIB) -> Policies:
    """Raises ConfigError."""
    strict = options.profile == "strict"
    policies = Policies(
        opaque=options.opaque,
        # The reference leaves the content of attachments alone but for rules that name them, which run in any case.
        attachments=options.attachments if strict or options.attachments != "text" else "keep",
        structured=options.attachments == "text",
        binary=options.binary_attachments,
        compressed=frozenset(options.compressed_attachments) if strict else None,
        replay=options.replay if options.replay != "auto" else "all" if strict else "type5",
        max_replay_bytes=max_replay_bytes,
        identities="keep" if options.dry_run else _identities(options),
        usual_on_error=options.on_error,
        on_error_by_type=dict(_exception(text) for text in options.on_error_by_type),
    )
    if options.compliance and options.dry_run:
        raise ConfigError("`dry_run` and `compliance` contradict each other", path="scrub.dry_run")
    if options.compliance:
        if policies.forwards_on_error:
            raise ConfigError("`forward` and `compliance` contradict each other", path="scrub.on_error")
        if policies.opaque == "forward":
            raise ConfigError("`forward` and `compliance` contradict each other", path="scrub.opaque")
    return policies


def _identities(options: Scrub) -> Literal["keep", "hash", "remove"]:
    if options.identities != "auto":
        return options.identities
    return "hash" if options.profile == "strict" else "keep"


def _exception(text: str) -> tuple[str, OnError]:
    item_type, _, word = (part.strip() for part in text.partition("="))
    for known in _WORDS:
        if word == known and item_type:
            return item_type, known
    raise ConfigError(f"{text!r} is no exception", path="scrub.on_error_by_type", accepted=f"TYPE={'|'.join(_WORDS)}")
