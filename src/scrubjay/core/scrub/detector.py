"""What a detector is. The detectors themselves live in `detectors/`, one constant each; this file has no opinion on any of them.

A detector is data: relaxed `screen` patterns that run over raw JSON bytes and may over-report, and an exact `pattern` that runs
over the decoded text and decides (scrubbing.md 10, 15.4 and 16). Code only in `check`, and in `find` for what no pattern can say.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

# Unicode white space as scrubbing.md 1 lists it (SP), as the inside of a character class in RE2 syntax.
SPACE = r"\t-\r \x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}"
# Word characters, as the inside of a class.
WORD = r"\pL\pM\p{Nd}\p{Nl}\p{Pc}\x{200c}\x{200d}\x{24b6}-\x{24e9}\x{1f130}-\x{1f149}\x{1f150}-\x{1f169}\x{1f170}-\x{1f189}"
# White space in raw JSON bytes, other than a space, or `+` in form data: a two-letter escape, a \uXXXX escape or UTF-8.
RAW_OTHER_SPACE = r"(?:\\+[tnrfb]|\\+u[0-9a-f]{4}|[\xc2\xe1-\xe3][\x80-\xbf]{1,2})"
# `::` of an address in raw JSON bytes: before it stands a group or context, and after it too. Names of C++, Ruby and Rust have neither.
RAW_DOUBLE_COLON = r"(?:^|[^g-z]|\\[nrt])::(?:[^g-z]|$)"
# The same for addresses that may stand right behind a word, which then are long ones (`addresses.py`).
RAW_IPV6 = (RAW_DOUBLE_COLON, r"[g-z]::[0-9a-f]{1,4}:")
# `/` in raw JSON bytes: PHP writes `\/`.
RAW_SLASH = r"\\*/"


@dataclass(frozen=True, slots=True)
class Beside:
    """What counts below a telling key only, where the text alone would not tell.

    `key`: RE2 pattern over the node's key. `pattern`: RE2 over the text below it, of which group 1 is redacted.
    `examples` and `counterexamples` are keys with their texts.
    """

    key: str
    pattern: str
    examples: tuple[tuple[str, str], ...] = ()
    counterexamples: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Detector:
    """One kind of personal value.

    `screen`: patterns over raw JSON bytes, caseless unless `exact_case`. No boundaries, no anchors: they must accept every
    spelling of every text that `pattern` accepts.
    `pattern`: RE2 over UTF-8 text. `groups` are the parts that are redacted, 0 being the whole match.
    `whole`: a hit takes the whole text instead. `on_key`: RE2 pattern over the node's key, equal to a whole hit.
    `unicode_digits`: decimal digits of all scripts count as ASCII digits, in pattern and screen.
    `stand_in`: an ASCII word character that `pattern` cannot match where it stands for a letter outside ASCII; `run`: where there is
    none, the characters that a match can begin with (`boundaries.py`). Patterns without word boundaries need neither.
    `context_shared`: what follows the first group is the match's context; in `strict` it may be the next one's too (gap G2).
    `check`: judges the text of the first group that took part; None accepts. `retries`: a refused match may hold a shorter one, or
    a later one may begin inside it. `find`: finds the matches in place of a pattern.
    `beside`: what counts below a telling key, too.
    `examples` are taken, `counterexamples` are left.

    Detectors beyond the reference have a rule family of their own: `family` is the rule type, and `@family` the rule, which writes
    `replacement`. `country`: ISO 3166 code of a detector for one country. `takes` and `verifies` say in words what it does.
    """

    name: str
    screen: tuple[str, ...]
    pattern: str = ""
    groups: tuple[int, ...] = (0,)
    whole: bool = False
    on_key: str = ""
    exact_case: bool = False
    unicode_digits: bool = False
    stand_in: str = ""
    run: str = ""
    context_shared: bool = False
    check: Callable[[bytes], bool] | None = None
    retries: bool = False
    find: Callable[[bytes], Sequence[list[tuple[int, int]]]] | None = None
    beside: Beside | None = None
    examples: tuple[str, ...] = ()
    counterexamples: tuple[str, ...] = ()
    family: str = ""
    replacement: str = ""
    country: str = ""
    takes: str = ""
    verifies: str = ""
