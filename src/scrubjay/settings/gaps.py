"""Where scrubjay differs from the reference on purpose: the closures of profile `strict`, and what no switch governs.

One table, of which the names are the values of `scrub.open_gaps` and the texts are the page `docs/differences.md`
(`scrubbing.md` 14, 15.6). What closes each gap is in `core/scrub`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, Literal, NamedTuple

Gap = Literal[
    "incoming_remarks", "ipv6", "userpath", "places", "email", "url_credentials", "numbers", "meta", "overlaps", "validation", "imei",
    "ai_texts", "keys", "encoded", "surrogates", "wrong_kinds", "bodies", "queries", "headers", "embedded",
]  # fmt: skip
"""Closures that profile `strict` adds, by name; in `scrub.open_gaps` one is switched off, and `strict` is as `parity` there."""

Whose = Literal["theirs", "ours"]


class Difference(NamedTuple):
    """One difference. `row` is that of the specification; `whose`: a bug of theirs, or ours by intent."""

    row: str
    reference: str
    ours: str
    whose: Whose


CLOSURES: Final[Mapping[Gap, Difference]] = {
    "incoming_remarks": Difference(
        "G1",
        "A remark that a client sends over a text hides the text from every rule.",
        "Ranges of incoming remarks protect nothing; the remarks stay, for display, where the text stays.",
        "theirs",
    ),
    "ipv6": Difference(
        "G2",
        "`2001:db8::1` loses its tail only; the second of two addresses with one character between them, addresses after a "
        "letter, zones and the IPv6 part around an embedded IPv4 address stay.",
        "Addresses are found by their grammar and go whole, zone and embedded address included.",
        "theirs",
    ),
    "userpath": Difference(
        "G3",
        "`@common:filter` names `@userpath:filter`, which does not exist; `Documents and Settings` is looked for without its spaces.",
        "`@userpath:filter` writes `[Filtered]`, so the default rules take user names in paths; the folder is found as Windows spells it.",
        "theirs",
    ),
    "places": Difference(
        "G4",
        "The default rules never reach `request.url`, tags, `exception.values.*.value`, breadcrumb categories, span descriptions, "
        "templates of log entries.",
        "These get the rules for texts: e-mail, card, IBAN, US SSN, bearer token, URL credentials, key blocks, IP addresses if asked for.",
        "ours",
    ),
    "email": Difference(
        "G5",
        "The default rules leave e-mail addresses outside of message texts.",
        "`@email:replace` runs there too.",
        "ours",
    ),
    "url_credentials": Difference(
        "G6",
        "Credentials in URLs are missed with an upper-case scheme, without scheme or user, and with characters like `!` or `:`.",
        "Everything between `//` and the last `@` before the next `/`, `?`, `#`, white space or quote counts.",
        "theirs",
    ),
    "numbers": Difference(
        "G7",
        "JSON numbers are never searched: a card number without quotes passes.",
        "Integers of 12 to 19 digits are searched in decimal form; a hit removes the number.",
        "ours",
    ),
    "meta": Difference(
        "G9",
        "Original values in `_meta` that are no text, and whatever stands in `err`, are not scrubbed.",
        "Such values are deleted where any rule could reach the field, and those of cookies always; of `err` only codes and reasons "
        "stay, and nothing that is no remark, length, error or original value.",
        "theirs",
    ),
    "overlaps": Difference(
        "G11",
        "Replaced groups of a pattern that overlap crash the call.",
        "A group that starts before the end of the last replaced one is skipped; group 0 beside others is refused at load.",
        "theirs",
    ),
    "validation": Difference(
        "G12",
        "Unknown rule ids are skipped, unknown redactions delete without a remark, patterns that do not compile do nothing.",
        "All three are refused when the configuration is loaded.",
        "ours",
    ),
    "imei": Difference("G13", "`@imei:mask` hashes.", "It masks.", "theirs"),
    "ai_texts": Difference(
        "G14",
        "Prompts and answers of AI spans are scrubbed in transactions, but not in standalone spans and logs.",
        "They are scrubbed in both.",
        "theirs",
    ),
    "keys": Difference(
        "G15",
        'Object keys are never rewritten: `{"ana@lab.example": 1}` passes.',
        "The value rules of the default set run on keys longer than five characters, names of headers and parameters included, not "
        "of tags; a key that loses something is replaced, with `~2`, `~3` if it then stands there already.",
        "ours",
    ),
    "encoded": Difference(
        "G17",
        "Percent-encoded and escaped values are other texts: `ana%40lab.example`, `ana&#64;lab.example`.",
        "Texts with such spellings are searched decoded as well, three layers deep, by built-in detectors; a hit replaces the encoded "
        "stretch. Base64 is not looked into.",
        "ours",
    ),
    "surrogates": Difference(
        "13",
        "A payload with a lone surrogate escape is refused, though SDKs send them.",
        "Each is replaced by U+FFFD and the payload scrubbed like any other.",
        "ours",
    ),
    "wrong_kinds": Difference(
        "5.6",
        "A value of another kind than its field has moves into `_meta` or is dropped; members nobody has heard of are left as they are.",
        "Both are scrubbed where they stand, as untyped JSON.",
        "ours",
    ),
    "bodies": Difference(
        "5.6, N1-N3",
        "The query of a URL, a body sent as text and the `Cookie` header are taken apart before scrubbing by the server's "
        "normalisation, which a relay in front may not have done.",
        "They are taken apart here; if scrubbing takes something, the parsed form is sent, else what came.",
        "ours",
    ),
    "queries": Difference(
        "15.6",
        "URLs and query texts elsewhere are texts like others: one password word takes all of it, or nothing is seen at all.",
        "Below `url`, `http.url`, `http.query`, `url.query`, `url.full` and in `request.data` the values of parameters with telling "
        "names are replaced in place, and the rest stays unless a telling word is left in it.",
        "ours",
    ),
    "headers": Difference(
        "15.6",
        "Session ids stay in lists of cookies that do not parse, and in `Set-Cookie`.",
        "Known session cookies go by name, in texts below `cookie`, `cookies`, `set-cookie`, `HTTP_COOKIE` and `headers`.",
        "ours",
    ),
    "embedded": Difference(
        "15.6",
        "JSON inside a text is text: below a harmless key every value that is no pattern's passes, and one word takes the whole.",
        "It is scrubbed as a document at the same path, three levels deep and up to 1 MiB, and written back as text if that changed "
        "something. A telling key takes its own value then; a telling word in a value, or above a value that is no text, takes the whole.",
        "ours",
    ),
}

WITHOUT_SWITCH: Final = (
    Difference(
        "G8",
        "Words such as `author` or `prompt_tokens: 5` take whole texts.",
        "The same: removing more is never a gap. `--explain` marks such hits as `word`, so that `excludeFields` can be tuned.",
        "theirs",
    ),
    Difference(
        "G10",
        "What cannot be read, and item types without scrubber, leave as they came.",
        "Dropped, scrubbed as untyped JSON or kept, by the settings `scrub.opaque`, `scrub.attachments` and their kin.",
        "ours",
    ),
    Difference(
        "12.3",
        "Replay recordings are scrubbed only under a feature flag, and then only in what the SDK says of the page; they leave in zlib.",
        "`scrub.replay`: by default every text of every frame in `strict`, what the SDK says in `parity`, without a flag; `keep` leaves them "
        "unread. They leave in the coding they came in.",
        "ours",
    ),
    Difference(
        "12",
        "Form data is merged into the event, msgpack events and breadcrumbs too.",
        "They stay items of their own and are scrubbed as the parts of an event that they will be.",
        "ours",
    ),
    Difference(
        "12.6",
        "View hierarchies are scrubbed only under a feature flag; what is no JSON leaves unscrubbed.",
        "Scrubbed without a flag, in `parity` by the advanced rules alone; what is no JSON is dropped in `strict`.",
        "ours",
    ),
    Difference(
        "15.6",
        "Text attachments are touched only by rules that name them, and padded.",
        "In `strict` text in any encoding is scrubbed as text, after those rules; compressed files are dropped unless listed.",
        "ours",
    ),
    Difference(
        "G16",
        "The hash has no key, so that anybody can look a value up; `vars.hashKey` is ignored.",
        "The same for `hash`; `pseudonym` and `scrub.hash_is_keyed` have a key.",
        "theirs",
    ),
    Difference(
        "13",
        "A payload that is JSON but no object is kept unscrubbed in `_meta`.",
        "Refused in both profiles.",
        "theirs",
    ),
    Difference(
        "5.6",
        "The whole event is brought into protocol shape.",
        "Only the parts in which scrubbing changes something; the rest leaves byte for byte, in both profiles.",
        "ours",
    ),
    Difference(
        "3.5",
        "In patterns of users `\\b` knows the letters of all scripts.",
        "There it is ASCII's, so that more is found beside other letters (category `unicode` of the comparison). Built-in rules "
        "have the reference's boundaries.",
        "ours",
    ),
    Difference(
        "3.5",
        "Patterns may intersect and subtract character classes (`[a-z&&[^x]]`).",
        "Refused when the configuration is loaded: the engine would read them otherwise.",
        "ours",
    ),
)

FOUND: Final = (
    "A leading `*` before `**` also matches the root, and since only the first step that matches is tried, it then always does: "
    "`*.extra.**` reaches what is two steps or more below the top-level `extra`, and `*.vars.**` nothing at all. Kept in both "
    "profiles."
)
"""What running the reference taught that its documentation does not say."""

_WHOSE: Final = {"theirs": "theirs is a bug", "ours": "ours by intent"}
_INTRODUCTION: Final = """\
Profile `parity` does what the reference (Sentry Relay 26.10) does, its gaps included; `tests/oracle` compares them. Profile
`strict`, the default, removes the same and closes the gaps below. Each name can be listed in `scrub.open_gaps`, or in a project's
`config.scrubjay.scrub.open_gaps`; there `strict` is then as `parity`. Rows are those of the specification of scrubbing."""


def page() -> str:
    """`docs/differences.md`."""
    lines = [
        "# Differences from the reference",
        "",
        "Generated by `scrubjay config render`; edit the table, not this page.",
        "",
        *_INTRODUCTION.splitlines(),
        "",
        "## Closures of `strict`",
        "",
        *_table((f"`{name}`", difference) for name, difference in CLOSURES.items()),
        "",
        "## Without a switch",
        "",
        *_table((None, difference) for difference in WITHOUT_SWITCH),
        "",
        "## Found by running it",
        "",
        FOUND,
    ]
    return "\n".join(lines) + "\n"


def _table(rows: Iterable[tuple[str | None, Difference]]) -> list[str]:
    listed = list(rows)
    named = any(name is not None for name, _ in listed)
    head = (["switch"] if named else []) + ["row", "the reference", "scrubjay", "whose"]
    out = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    for name, difference in listed:
        cells = ([name or ""] if named else []) + [
            difference.row, difference.reference, difference.ours, _WHOSE[difference.whose],
        ]  # fmt: skip
        out.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return out
