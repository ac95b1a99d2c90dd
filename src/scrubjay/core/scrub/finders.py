"""From a detector to the finder that a rule runs: pattern, word boundaries, checks (scrubbing.md 10, 15.4).

Detectors are data and shared by all programs, so each finder is made once. What is done with a match is `redact.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from scrubjay.core.scrub import boundaries, patterns
from scrubjay.core.scrub.detector import Detector
from scrubjay.core.scrub.redact import Finder, Span
from scrubjay.core.scrub.short_texts import short_texts


@cache
def finder_of(detector: Detector, *, shared: bool = False) -> Finder:
    """Finds what a detector takes in a text. `shared`: what follows a match may begin the next (gap G2)."""
    if detector.find is not None:
        return _shadowed(detector, detector.find)
    shared = shared and detector.context_shared
    find = _finder_of_pattern(detector, shared=shared)
    if detector.check is not None or shared or len(detector.groups) > 1:
        return find
    return short_texts(detector.pattern, detector.groups[0], find)


def _finder_of_pattern(detector: Detector, *, shared: bool) -> Finder:
    compiled = patterns.compile_pattern(detector.pattern)
    if detector.check is not None:
        find = checked(compiled, detector.groups, detector.check, retries=detector.retries)
    else:
        find = patterns.finder(compiled, detector.groups, context_shared=shared)
    if detector.run:
        return boundaries.checked(compiled, detector.groups, frozenset(detector.run.encode()), find)
    return _shadowed(detector, find)


@cache
def finder_beside(detector: Detector) -> Finder:
    """Finds what a detector takes in a text below a telling key."""
    beside = detector.beside
    assert beside is not None
    compiled = patterns.compile_pattern(beside.pattern)
    if detector.check is None:
        return patterns.finder(compiled, (1,))
    return checked(compiled, (1,), detector.check, retries=False)


def _shadowed(detector: Detector, find: Finder) -> Finder:
    if not detector.stand_in and not detector.unicode_digits:
        return find
    caseless = detector.pattern.startswith("(?i)")
    return boundaries.shadowed(find, detector.stand_in, digits=detector.unicode_digits, caseless=caseless)


def checked(pattern: Any, groups: tuple[int, ...], check: Callable[[bytes], bool], *, retries: bool) -> Finder:
    """Matches of `pattern`, never empty ones, whose first group that took part passes `check`.

    `retries`: where one is refused, shorter ones from the same place are tried, then those that begin inside it.
    """
    search = pattern.search

    def find(text: bytes) -> Sequence[list[Span]]:
        found = []
        at = 0
        while (match := search(text, at)) is not None:
            start, end = match.span()
            while True:
                spans = [span for group in groups if (span := match.span(group))[0] >= 0]
                if check(text[slice(*spans[0])]):
                    found.append(spans)
                    at = match.end()
                    break
                at = start + 1 if retries else end
                match = search(text, start, match.end() - 1) if retries else None
                if match is None or match.start() != start:
                    break
        return found

    return find
