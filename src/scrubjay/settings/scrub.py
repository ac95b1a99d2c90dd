"""The settings of scrubbing: defaults for all projects, and what a project may say otherwise (`scrubbing.md` 14, 15).

Owns the section `scrub` and how `config.scrubjay.scrub` of a project lies over it; both are the same table. What the words do is
`core/scrub`'s business.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, get_args, get_origin, get_type_hints

import msgspec

from scrubjay.errors import ConfigError
from scrubjay.settings.gaps import Gap
from scrubjay.settings.setting import MIB, Secret, Section, setting
from scrubjay.settings.suggestions import nearest_word

Compression = Literal["gzip", "zip", "zstd", "xz", "bzip2", "7z", "rar"]
OnError = Literal["drop", "strip", "forward"]
"""What becomes of a payload that cannot be scrubbed (`scrubbing.md` 15.7)."""

_NO_KEY: Final = f"2027a:{'0' * 64}"  # an example that could be read, and must never be used

DEFAULT_BUNDLES: Final = (
    "@secrets", "@card", "@iban_strict", "@phone", "@passport", "@national_id_be", "@national_id_br", "@national_id_es", "@national_id_fi",
    "@national_id_gb", "@national_id_it", "@national_id_pl", "@national_id_se", "@national_id_us",
)  # fmt: skip
"""Families that take no more than one innocent value in 1,000 clean events; `tests/bench/look_alikes.py` measures it."""


class Scrub(Section, frozen=True):
    """Defaults of scrubbing; a project overrides them under `config.scrubjay.scrub`."""

    profile: Literal["strict", "parity"] = setting(
        "strict", "`parity` removes exactly what the reference removes, `strict` closes its gaps.", reload=True
    )
    open_gaps: tuple[Gap, ...] = setting(
        (), "Closures of `strict` to go without, by name; what each closes is in `docs/differences.md`.", reload=True
    )
    bundles: tuple[str, ...] = setting(
        DEFAULT_BUNDLES,
        "Rules beyond the reference's that run with its default rules in profile `strict`: bundles such as `@secrets` and `@gdpr`, and"
        " families such as `@card`; all are in `docs/detectors.md`.",
        example='["@secrets", "@gdpr", "@national_id_de"]',
        reload=True,
    )
    opaque: Literal["drop", "forward"] = setting(
        "drop", "Payloads of unknown types that are not JSON: drop them, or let them leave unread.", reload=True
    )
    attachments: Literal["text", "keep", "drop"] = setting(
        "text",
        "Attachments: scrub those that are text or JSON (in profile `strict`), keep all unread, or drop all.",
        reload=True,
    )
    binary_attachments: Literal["keep", "drop", "scrub_bytes"] = setting(
        "keep",
        "Attachments that are no text (images, films, core files, minidumps) and crash archives: keep them, drop them, or overwrite"
        " what the rules for texts find in their bytes. Rules bound to `$attachments`, `$minidump` or `$binary` run in any case.",
        reload=True,
    )
    compressed_attachments: tuple[Compression, ...] = setting(
        (),
        "Kinds of compressed attachments that may leave unread: gzip, zip, zstd, xz, bzip2, 7z, rar. Profile `strict` drops others.",
        example="[gzip, zip]",
        reload=True,
    )
    replay: Literal["auto", "all", "type5", "keep", "drop"] = setting(
        "auto",
        "Replay recordings: scrub every text (`all`), only what the SDK says of the page (`type5`), keep them unread, or drop"
        " replays. `auto`: `all` in profile `strict`, `type5` in `parity`.",
        reload=True,
    )
    identities: Literal["auto", "keep", "hash", "remove"] = setting(
        "auto",
        "Name and address in user reports, and the user of a session: keep what the rules leave, put a hash (a pseudonym, with"
        " a key) in their place, or remove them. `auto`: `hash` in profile `strict`, `keep` in `parity`.",
        reload=True,
    )
    on_error: OnError = setting(
        "drop",
        "A payload that cannot be scrubbed: drop it, strip it to what the protocol needs, or let it leave unscrubbed.",
        reload=True,
    )
    on_error_by_type: tuple[str, ...] = setting(
        (),
        "The same for single item types, as `TYPE=WORD`.",
        example="[event=strip, profile=forward]",
        reload=True,
    )
    compliance: bool = setting(
        False,
        "Refuse a plan under which payloads could leave unscrubbed because they could not be read, and envelopes (503) while the"
        " audit log cannot be written.",
        reload=True,
    )
    max_text_bytes: int = setting(
        MIB,
        "The longest text that is scrubbed; longer ones make their payload unscrubbable.",
        unit="bytes",
        minimum=1024,
        reload=True,
    )
    max_nodes: int = setting(
        100_000,
        "Values of one payload that are looked at one by one; with more it is unscrubbable.",
        minimum=100,
        reload=True,
    )
    max_depth: int = setting(
        127, "Levels of nesting; with more a payload is unscrubbable.", minimum=8, maximum=500, reload=True
    )
    max_event_ms: int = setting(
        250, "Time for one document; one that takes longer is unscrubbable.", unit="ms", minimum=1, reload=True
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
    dry_run: bool = setting(
        False,
        "Try all rules and count what they find, but take nothing out: payloads leave as if there were no rules. Single rules and"
        " applications take `dry_run` too.",
        reload=True,
    )
    mode: Literal["deny", "allow"] = setting(
        "deny",
        "`deny`: what a rule finds is taken out. `allow`: only what `allow` lists leaves, scrubbed.",
        reload=True,
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
    audit: Literal["off", "counts", "items"] = setting(
        "counts",
        "What the audit log tells: nothing, figures per project, rule and day, or a line for each item too. Never a value.",
        reload=True,
    )
    audit_paths: Literal["schema", "full"] = setting(
        "schema",
        "Paths in the lines of items: up to the first key that the protocol does not name, or whole (keys can be personal data).",
        reload=True,
    )
    audit_dir: str | None = setting(
        None,
        "Folder of the audit log.",
        unit="path",
        example="/var/lib/scrubjay/audit",
        shown="`audit` in `relay.state_dir`",
    )
    audit_interval: float = setting(
        60,
        "How often the figures of the audit log are written; a kill loses no more than that. Lines about items: each second.",
        unit="s",
        minimum=0.1,
    )
    audit_max_file_size: int = setting(
        64 * MIB, "A file of the audit log that has grown so large is followed by another.", unit="bytes", minimum=4096
    )


_TYPES: Final = get_type_hints(Scrub)
_OPERATORS: Final = ("pseudonym_key", "audit_dir", "audit_interval", "audit_max_file_size")
PROJECT_FIELDS: Final = frozenset(name for name in Scrub.__struct_fields__ if not name.startswith(_OPERATORS))
"""What a project may set. Keys and files are the operator's alone."""


def over(defaults: Scrub, overrides: Mapping[str, Any]) -> Scrub:
    """The settings of one project. Raises ConfigError with the member's path."""
    if not overrides:
        return defaults
    for name in overrides:
        if name not in PROJECT_FIELDS:
            raise ConfigError(
                "unknown member",
                path=f"config.scrubjay.scrub.{name}",
                accepted=", ".join(sorted(PROJECT_FIELDS)),
                near=nearest_word(name, PROJECT_FIELDS),
            )
    values = {name: getattr(defaults, name) for name in Scrub.__struct_fields__}
    for name, value in overrides.items():
        try:
            values[name] = msgspec.convert(value, _TYPES[name], strict=True)
        except msgspec.ValidationError as error:
            words = _words(_TYPES[name])
            raise ConfigError(
                str(error),
                path=f"config.scrubjay.scrub.{name}",
                accepted=", ".join(words),
                near=nearest_word(value, words) if isinstance(value, str) else "",
            ) from None
    if defaults.compliance and not values["compliance"]:
        raise ConfigError("is on for all projects", path="config.scrubjay.scrub.compliance", accepted="true")
    return Scrub(**values)


def _words(hint: Any) -> list[str]:
    """The words that a type names, if it does."""
    literals = [option for option in (hint, *get_args(hint)) if get_origin(option) is Literal]
    return [word for literal in literals for word in get_args(literal)]
