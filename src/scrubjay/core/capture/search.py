"""The search box: words, phrases, `key:value`, `!`, `OR` and brackets become conditions (`capture.md` 10.6).

Owns the grammar, which is the same in the page, in the API (`q`) and in the terminal:

    search = all { "OR" all }        all  = one { [ "AND" ] one }
    one    = [ "!" ] ( "(" search ")" | key ":" value | key operator amount | word | "phrase" )

What a key is and how its value is compared is `filters`' business. A key that no filter has is a tag, or the plain text as it stands;
one that looks like a slip of the pen for a filter is refused, since it would find nothing and seem right. Length, terms and nesting
are bounded; whatever is written, the answer is a condition or `BadQuery`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from scrubjay.core.capture.filters import FILTERS, Condition, comparison, condition
from scrubjay.core.capture.moments import TIMES, moment
from scrubjay.core.capture.values import BadQuery

if TYPE_CHECKING:
    from scrubjay.core.capture.store import Found

MAX_SEARCH_CHARS: Final = 2_000
MAX_TERMS: Final = 100
MAX_NESTING: Final = 20

_TOKEN: Final = re.compile(
    r"""\s*(?:
        (?P<open>\()
      | (?P<close>\))
      | (?P<not>!(?=[^\s)]))
      | (?P<pointer>path:/[^\s="]*=)(?P<place>"[^"]*"|[^\s)"]*)
      | (?P<key>[A-Za-z_][\w.\-]*)(?P<operator>:(?:>=|<=|>|<)|>=|<=|>|<|:)(?P<value>!?~?"[^"]*"|[^\s()":/][^\s()"]*|/(?!/)[^\s()"]*)
      | "(?P<phrase>[^"]*)"?
      | (?P<word>[^\s()"]+)
    )""",
    re.VERBOSE,
)
_QUOTED: Final = re.compile(r'(?P<sign>!?~?)"(?P<text>[^"]*)"')
_SLIP: Final = 0.75
"""How near a key must be to a filter's name to be taken for one."""
_TEXTS: Final = ("culprit", "transaction")

_Test = Callable[["Found"], bool]


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str = ""
    operator: str = ""
    value: str = ""


def search(text: str, now_unix: float) -> list[Condition]:
    """The conditions that all have to hold. Raises `BadQuery`."""
    if len(text) > MAX_SEARCH_CHARS:
        raise BadQuery(f"q: at most {MAX_SEARCH_CHARS} characters")
    return _Reader(_tokens(text), now_unix).read()


def word(text: str) -> Condition:
    """Somewhere in what a record says: title, message, culprit, transaction, tags; letter case does not count."""
    parts = [part for part in text.lower().split("*") if part] if "*" in text else [text.lower()]
    return Condition("q", _quoted(text), lambda found: _holds(found, parts), _title)


def _holds(found: Found, parts: list[str]) -> bool:
    return any(_in_order(parts, said.lower()) for said in _said(found))


def _in_order(parts: list[str], said: str) -> bool:
    at = 0
    for part in parts:
        at = said.find(part, at)
        if at < 0:
            return False
        at += len(part)
    return True


def _said(found: Found) -> Iterator[str]:
    record = found.record
    yield record.message
    for name in _TEXTS:
        if isinstance(value := record.value(name), str):
            yield value
    tags = record.value("tags")
    if isinstance(tags, Mapping):
        for name, value in tags.items():
            yield f"{name}:{value}"


def _title(found: Found) -> tuple[str, ...]:
    return (str(found.record.value("title") or ""),)


def _tokens(text: str) -> list[_Token]:
    tokens = []
    at = 0
    text = text.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        assert match is not None, "a word takes what nothing else takes"
        tokens.append(_token(match))
        at = match.end()
    if sum(token.kind in ("term", "word") for token in tokens) > MAX_TERMS:
        raise BadQuery(f"q: at most {MAX_TERMS} terms")
    return tokens


def _token(match: re.Match[str]) -> _Token:
    if match["pointer"]:
        return _Token("term", match["pointer"][:-1], ":", _unquoted(match["place"]))
    if match["key"]:
        return _Token("term", match["key"], match["operator"], _unquoted(match["value"]))
    if match["phrase"] is not None:
        return _Token("word", match["phrase"])
    if match["word"]:
        kind = {"OR": "or", "AND": "and"}.get(match["word"], "word")
        return _Token(kind, match["word"])
    return _Token("open" if match["open"] else "close" if match["close"] else "not")


def _unquoted(value: str) -> str:
    """What stands in quotes is meant as it stands."""
    quoted = _QUOTED.fullmatch(value)
    if quoted is None:
        return value
    sign, text = quoted["sign"], quoted["text"]
    return f"{sign}{text}" if "~" in sign else f"{sign}\\{text}"


class _Reader:
    """By descent. Brackets and `OR` make one condition of several, at the top each one stays by itself."""

    def __init__(self, tokens: list[_Token], now_unix: float) -> None:
        self._tokens = tokens
        self._now_unix = now_unix
        self._at = 0
        self._depth = 0

    def read(self) -> list[Condition]:
        alternatives = self._alternatives()
        if self._at < len(self._tokens):
            raise BadQuery("q: `)` without `(`")
        return alternatives[0] if len(alternatives) == 1 else [_any(alternatives)]

    def _alternatives(self) -> list[list[Condition]]:
        found = [self._all()]
        while self._peek() == "or":
            self._at += 1
            found.append(self._all())
        if len(found) > 1 and not all(found):
            raise BadQuery("q: `OR` wants something on both sides")
        return found

    def _all(self) -> list[Condition]:
        found: list[Condition] = []
        while self._peek() not in ("", "or", "close"):
            if self._peek() == "and":
                self._at += 1
                continue
            found += self._one()
        return found

    def _one(self) -> list[Condition]:
        negated = False
        while self._peek() == "not":
            negated = not negated
            self._at += 1
        if self._peek() == "open":
            conditions = self._bracket()
        else:
            token = self._tokens[self._at]
            self._at += 1
            conditions = _term(token, self._now_unix) if token.kind == "term" else [word(token.text)]
        return [_not(conditions)] if negated and conditions else conditions

    def _bracket(self) -> list[Condition]:
        self._at += 1
        self._depth += 1
        if self._depth > MAX_NESTING:
            raise BadQuery(f"q: at most {MAX_NESTING} brackets inside each other")
        alternatives = self._alternatives()
        if self._peek() != "close":
            raise BadQuery("q: `(` without `)`")
        self._at += 1
        self._depth -= 1
        return alternatives[0] if len(alternatives) == 1 else [_any(alternatives)]

    def _peek(self) -> str:
        return self._tokens[self._at].kind if self._at < len(self._tokens) else ""


def _term(token: _Token, now_unix: float) -> list[Condition]:
    key, operator, value = token.text, token.operator, token.value
    lowered = key.lower()
    name = lowered if lowered in FILTERS else key
    if operator != ":" and (name in FILTERS or operator.startswith(":")):
        return [comparison(name, operator.lstrip(":"), value)]
    if operator != ":":
        return [word(f"{key}{operator}{value}")]
    if name in TIMES:
        return [moment(name, value, now_unix)]
    if name in FILTERS or name.startswith(("tag.", "user.", "path:/")):
        return condition(name, _listed(value))
    if near := get_close_matches(lowered, (*FILTERS, *TIMES), n=1, cutoff=_SLIP):
        raise BadQuery(f"q: unknown key {key!r}; did you mean {near[0]!r}? A tag of that name is `tag.{key}:…`")
    tag, plain = condition(f"tag.{key}", _listed(value)), word(f"{key}:{value}")
    return tag if value.startswith("!") else [_any([tag, [plain]])]


def _listed(value: str) -> list[str]:
    """`level:[error,fatal]`: any of them."""
    if value.startswith("[") and value.endswith("]"):
        return [one.strip() for one in value[1:-1].split(",") if one.strip()]
    return [value]


def _any(alternatives: list[list[Condition]]) -> Condition:
    groups = [[one.test for one in group] for group in alternatives]

    def test(found: Found) -> bool:
        return any(all(one(found) for one in group) for group in groups)

    shown = " OR ".join(" ".join(one.shown for one in group) for group in alternatives)
    return _joined([one for group in alternatives for one in group], f"({shown})", test)


def _not(conditions: list[Condition]) -> Condition:
    tests = [one.test for one in conditions]
    shown = " ".join(one.shown for one in conditions)
    shown = f"!({shown})" if len(conditions) > 1 else f"!{shown}"
    return _joined(conditions, shown, lambda found: not all(test(found) for test in tests))


def _joined(parts: Iterable[Condition], shown: str, test: _Test) -> Condition:
    parts = list(parts)
    read = parts[0].read if len({one.name for one in parts}) == 1 else _title
    return Condition("q", shown, test, read, max(one.cost for one in parts), any(one.needs_reports for one in parts))


def _quoted(text: str) -> str:
    return f'"{text}"' if re.search(r"[\s()]", text) else text
