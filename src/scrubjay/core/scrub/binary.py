"""Bytes of files, overwritten in place: what a rule finds is covered, and no byte moves (scrubbing.md 12.4).

Every rule looks twice: at the bytes as they are, and at the text in UTF-16 between what it covered (`wide.py` reads that). Which rules
a file gets is said by the selectors of the advanced config, whose steps are the attachment and its name.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, Final

import re2

from scrubjay.core.scrub import patterns
from scrubjay.core.scrub.bounds import MANY, Allowance
from scrubjay.core.scrub.detector import SPACE, WORD
from scrubjay.core.scrub.matching import TRUE, State
from scrubjay.core.scrub.program import Pass, ScrubProgram
from scrubjay.core.scrub.record import Count, Record
from scrubjay.core.scrub.redact import Finder, Redaction, Span
from scrubjay.core.scrub.rules import DryRule, Rule, Step
from scrubjay.core.scrub.selectors import KeyItem, Path, TypeItem
from scrubjay.core.scrub.wide import wide_spans

_ASCII: Final = bytes(byte if byte < 0x80 else 1 for byte in range(256))
"""Bytes beyond ASCII as a control character, which detectors, all of ASCII, take for what any other byte is to them."""
_BYTE_CLASSES: Final = (
    (patterns.NO_SPACE, r"\x00-\x08\x0e-\x1f!-\xff"), (WORD, "0-9A-Za-z_"), (SPACE, r"\t-\r "),
)  # fmt: skip
_STAR: Final = b"*"


def scrub_binary(
    program: ScrubProgram,
    payload: bytes | memoryview,
    filename: str,
    *,
    gated: bool,
    by_text_rules: bool = False,
    record: Record | None = None,
) -> bytes | None:
    """Scrub one file by the rules bound to attachments; None if it may leave as it is. Raises Unscrubbable.

    `gated`: only where the config names an attachment by a plain path. `by_text_rules`: by the rules for texts too.
    """
    data = original = bytes(payload)
    allowance = Allowance(program.bounds, documents=MANY)
    for one in program.passes:
        if not one.legacy_view and (not gated or names_attachments(one)):
            data = overwrite(data, file_state(one, filename, "binary").rules[TRUE], allowance, record)
        if by_text_rules:
            data = overwrite(data, one.text_rules, allowance, record)
    return None if data == original else data


def names_attachments(one: Pass) -> bool:
    """Whether a selector is a plain path from `$attachments` to a key: only that switches ordinary attachments on."""
    return any(
        isinstance(selector, Path)
        and selector.items[0] == TypeItem("attachments")
        and len(selector.items) > 1
        and isinstance(selector.items[1], KeyItem)
        for selector in one.matcher.selectors
    )


def file_state(one: Pass, filename: str, value_type: str) -> State:
    """Where a file stands: below an attachment, under its own name."""
    matcher = one.matcher
    attachment = matcher.step(matcher.root, matcher.key_match("") | matcher.types_match(("attachments",)))
    return matcher.step(attachment, matcher.key_match(filename) | matcher.types_match((value_type,)))


def overwrite(
    data: bytes,
    rules: Iterable[Rule],
    allowance: Allowance,
    record: Record | None = None,
    *,
    narrow: bool = True,
    wide: bool = True,
) -> bytes:
    """The same bytes with what the rules find covered; as many as before. `narrow` and `wide`: the two ways to look.

    Raises Unscrubbable where it takes longer than it may.
    """
    for rule in rules:
        if type(rule) is DryRule or not data:
            continue
        spans: list[Span] = []
        if rule.takes_nodes:
            spans.append((0, len(data)))
            data = _cover(data, spans, rule.redaction)
        for step in rule.steps:
            if step.gate_bit:  # what counts below a key only: files have none
                continue
            allowance.check_time()
            covered = _byte_spans(step, data) if narrow else []
            data = _cover(data, covered, rule.redaction)
            spans += covered
            if wide:
                finder, words_only = _wide_finder(step), step.pattern is None
                found = [
                    span
                    for start, end in _between(covered, len(data))
                    for span in wide_spans(data, start, end, finder, words_only=words_only)
                ]
                data = _cover(data, found, rule.redaction, is_wide=True)
                spans += found
        if spans and record is not None:
            record.add(rule, Count(len(spans), sum(end - start for start, end in spans)))
    return data


def overwrite_path(
    data: bytes, rules: Iterable[Rule], allowance: Allowance, record: Record | None = None, *, is_wide: bool
) -> bytes:
    """The same path, in UTF-16LE if it is wide, else in UTF-8; only what stands before the last separator is looked at."""
    text = data.decode("utf-16-le", "replace") if is_wide else data.decode("latin-1")
    head = text[: max(text.rfind("/"), text.rfind("\\"), 0)]
    size = len(head.encode("utf-16-le")) if is_wide else len(head)
    return overwrite(data[:size], rules, allowance, record, narrow=not is_wide, wide=is_wide) + data[size:]


def _byte_spans(step: Step, data: bytes) -> list[Span]:
    """What a step finds in bytes, in order and apart. What it takes whole texts for takes the whole file."""
    if step.pattern is None:
        assert step.find is not None
        return _apart(span for groups in step.find(data.translate(_ASCII)) for span in groups)
    pattern = _compile_for_bytes(step.pattern.pattern, step.pattern.options.case_sensitive)
    if step.find is None:
        return [(0, len(data))] if pattern.search(data) is not None else []
    return _apart(_matches(pattern, step.groups, data))


@lru_cache(maxsize=512)
def _compile_for_bytes(pattern: str, case_sensitive: bool) -> Any:
    """A pattern, already in RE2's words, over bytes: `.` is any byte, words are of ASCII. What only Unicode has is searched as UTF-8."""
    options = re2.Options()
    options.log_errors = False
    options.case_sensitive = case_sensitive
    options.dot_nl = True
    options.encoding = re2.Options.Encoding.LATIN1
    narrow = pattern
    for wide, ascii_only in _BYTE_CLASSES:
        narrow = narrow.replace(wide, ascii_only)
    try:
        return re2.compile(narrow.encode(), options=options)
    except re2.error:
        options.encoding = re2.Options.Encoding.UTF8
        return re2.compile(pattern, options=options)


def _matches(pattern: Any, groups: Sequence[int], data: bytes) -> Iterator[Span]:
    at = 0
    while at <= len(data) and (match := pattern.search(data, at)) is not None:
        for group in groups:
            if group <= pattern.groups:
                yield match.span(group)
        at = max(match.end(), match.start() + 1)


def _wide_finder(step: Step) -> Finder:
    """What finds in text in UTF-16. A word that would take a whole text is covered alone."""
    if step.find is not None:
        return step.find
    return patterns.finder(step.pattern, (0,))


def _apart(spans: Iterable[Span]) -> list[Span]:
    """In order, without empty ones and those of groups that took no part; what overlaps is one."""
    out: list[Span] = []
    cut = 0
    for start, end in sorted(spans):
        if end <= max(start, cut):
            continue
        if start < cut:
            start = out.pop()[0]
        out.append((start, end))
        cut = end
    return out


def _between(covered: Sequence[Span], size: int) -> list[Span]:
    """What is left of `size` bytes beside the spans."""
    edges = [0, *[edge for span in covered for edge in span], size]
    return [(start, end) for start, end in zip(edges[::2], edges[1::2], strict=True) if end > start]


def _cover(data: bytes, spans: Sequence[Span], redaction: Redaction, *, is_wide: bool = False) -> bytes:
    if not spans or not (redaction.writes or redaction.removes):
        return data
    out = bytearray(data)
    for start, end in spans:
        out[start:end] = _covering(bytes(out[start:end]), redaction, is_wide=is_wide)
    return bytes(out)


def _covering(match: bytes, redaction: Redaction, *, is_wide: bool) -> bytes:
    """As many bytes as the match has."""
    text = b""
    if redaction.method == "replace":
        text = redaction.text.encode("utf-8", "replace")
    elif redaction.method == "hash":
        text = hmac.digest(b"", match, "sha1").hex().upper().encode()
    elif redaction.name is not None:
        text = redaction.name(match.decode("utf-16-le", "replace").encode() if is_wide else match)
    if not is_wide:
        return text[: len(match)].ljust(len(match), _STAR)
    units = text.decode().encode("utf-16-le")[: len(match)]
    return units + "*".encode("utf-16-le") * ((len(match) - len(units)) // 2)
