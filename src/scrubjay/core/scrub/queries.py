"""Queries and forms written as text: values whose parameter has a sensitive name are replaced in place (scrubbing.md 15.6).

Elsewhere a telling word takes the whole text. That the names of what was taken here do not is the business of `taken.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Final

from scrubjay.core.scrub.redact import Finder, Span

if TYPE_CHECKING:
    from scrubjay.core.scrub.rules import Rule

SELECTOR: Final = "$http.data || url || 'http.url' || 'http.query' || 'url.query' || 'url.full'"
# U+0000 stands for what is redacted.
_PARAMETER: Final = re.compile(rb"(?:^|(?<=[?&;#]))([^=&?#;\s/@]+)=([^&#;\s\"'<>\0]+)")


def value_rules(rules: Iterable[Rule], key_verdict: Callable[[str], int]) -> tuple[Rule, ...]:
    """Of rules that act on keys, the same for names of parameters. `key_verdict` tells which rules a key concerns."""
    return tuple(rule.finding(_values(rule.key_bits, key_verdict), "parameter") for rule in rules if rule.key_bits)


def _values(key_bits: int, key_verdict: Callable[[str], int]) -> Finder:
    def find(text: bytes) -> Sequence[list[Span]]:
        return [
            [match.span(2)]
            for match in _PARAMETER.finditer(text)
            if key_verdict(match[1].decode("utf-8", "replace")) & key_bits
        ]

    return find
