"""What the screen looks for on behalf of user patterns: wherever such a pattern matches, the raw bytes are flagged, however spelled.

Patterns and texts that they should match are drawn together from one grammar; whether they do is up to the compiled pattern.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pytest

from scrubjay.core.scrub.documents import scrub_document
from scrubjay.core.scrub.literals import required_literals
from scrubjay.core.scrub.patterns import PatternError, compile_pattern
from scrubjay.core.scrub.program import ScrubProgram, compile_program
from scrubjay.core.scrub.screen import ScreenBuilder
from scrubjay.errors import ConfigError, Unscrubbable
from scrubjay.settings.scrub import Scrub
from support import scrubbing

Sample = Callable[[random.Random], str]
# Letters with partners in other scripts, letters of escapes, seams, and the rest.
ALPHABET = "abkstfnrueSKBXYZ019_-/:,.\"\\+<&'{}[] \t\néßяåΩ密😀\u212a\u017f\u0663\u0000\x01\x7f"
CLASSES: tuple[tuple[str, str], ...] = (
    (r"\d", "0379\u0663\u096f"), ("[0-9]", "0379"), (r"\w", "ak_9éя"), (r"\s", " \t\n\u00a0\u3000\x85"), ("[a-f0-9]", "abf09"),
    ("[A-Z]", "AKSZ"), (r"[-. ]", "-. "), (r"[\d-]", "09-\u0663"), ("[^a]", 'b,"é\n'), (".", 'a",é'), (r"[é-í]", "éêí"),
    (r"[\s/-]", " /-\t"), (r"[:,x]", ":,x"), (r"[[:alpha:]_]", "ak_"), (r"\pL", "aéя"), ("[я]", "я"), (r"\x41", "A"),
    (r"\S", "a-\u0663"), ("[]a]", "]a"), (r"[\]\\-]", "]\\-"), (r"[e+-]", "e+-"), (r"\x{e9}", "é"),
)  # fmt: skip
REPEATS = (("?", 0, 1), ("*", 0, 3), ("+", 1, 4), ("{2}", 2, 2), ("{3}", 3, 3), ("{2,}", 2, 5), ("{1,3}", 1, 3), ("{0,2}?", 0, 2), ("{5}", 5, 5), ("+?", 1, 3))  # fmt: skip
BETWEEN = (r"\b", "^", "$", r"\B", "(?i)", "(?:)", r"\A", "(?s)")


def sample_of(characters: str) -> Sample:
    return lambda turn: turn.choice(characters)


def draw(turn: random.Random, depth: int = 0) -> tuple[str, Sample]:
    """A pattern, and what draws texts of it."""
    parts = [draw_part(turn, depth) for _ in range(turn.randint(1, 6))]
    return "".join(part for part, _ in parts), lambda turn: "".join(sample(turn) for _, sample in parts)


def draw_part(turn: random.Random, depth: int) -> tuple[str, Sample]:
    kind = turn.random()
    if kind < 0.55:
        text = "".join(turn.choice(ALPHABET) for _ in range(turn.randint(1, 5)))
        pattern, sample = "".join(map(quoted, text)), lambda turn: swapped(text, turn)
        if len(text) > 1 or turn.random() < 0.7:
            return pattern, sample
    elif kind < 0.8 or depth > 2:
        pattern, characters = turn.choice(CLASSES)
        sample = sample_of(characters)
    elif kind < 0.85:
        return turn.choice(BETWEEN), lambda _turn: ""
    else:
        ways = [draw(turn, depth + 1) for _ in range(turn.choice((1, 1, 2, 3)))]
        opening = turn.choice(("(", "(?:", "(?P<n%d>" % turn.randrange(10**6), "(?i:"))
        pattern = opening + "|".join(way for way, _ in ways) + ")"
        sample = lambda turn: turn.choice(ways)[1](turn)  # noqa: E731
    if turn.random() < 0.4:
        suffix, low, high = turn.choice(REPEATS)
        inner = sample
        return pattern + suffix, lambda turn: "".join(inner(turn) for _ in range(turn.randint(low, high)))
    return pattern, sample


def quoted(character: str) -> str:
    if character == "\0":
        return r"\x00"
    return "\\" + character if character in '\\.+*?()|[]{}^$-/"' else character


def swapped(text: str, turn: random.Random) -> str:
    """Now and then in the other case."""
    return text.swapcase() if turn.random() < 0.2 else text


def spelled(text: str, turn: random.Random) -> str:
    """The inside of a JSON string in some spelling, each character for itself."""
    often = turn.choice((0.0, 0.1, 1.0))
    short = {"\b": r"\b", "\f": r"\f", "\n": r"\n", "\r": r"\r", "\t": r"\t", '"': r"\"", "\\": r"\\"}
    out = []
    for character in text:
        if character in short and turn.random() < 0.8:
            out.append(short[character])
        elif character == "/" and turn.random() < 0.5:
            out.append(r"\/")
        elif (
            character < " "
            or character in short
            or (turn.random() < often and (character in "<>&'" or character > "~"))
        ):
            units = character.encode("utf-16-be")
            escapes = "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
            out.append("\\u" + escapes[2:].upper().replace("\\U", "\\u") if turn.random() < 0.5 else escapes)
        else:
            out.append(character)
    return "".join(out)


@pytest.mark.parametrize("seed", range(4))
def test_wherever_a_pattern_matches_the_bytes_are_flagged(seed: int) -> None:
    turn = random.Random(seed)
    tried = screened = 0
    while tried < 150:
        pattern, sample = draw(turn)
        try:
            compiled = compile_pattern(pattern)
        except PatternError:
            continue
        tried += 1
        literals = required_literals(pattern)
        if literals is None:
            continue
        builder = ScreenBuilder()
        bit = builder.literal_bit(literals, in_keys=False)
        scan = builder.build().borrow()
        for _ in range(20):
            text = turn.choice(("", "x ", "é", '"')) + sample(turn) + turn.choice(("", " y", "9", "\\"))
            if compiled.search(text.replace("\0", "").encode()) is None:
                continue
            screened += 1
            raw = spelled(text, turn)
            for _ in range(turn.choice((0, 0, 1, 2))):  # JSON within JSON
                raw = spelled(raw, turn)
            assert scan(f'{{"k": "{raw}"}}'.encode()) & bit, (pattern, text, raw, literals)
    assert screened > 200


def placed(text: str, other: str, turn: random.Random) -> dict[str, Any]:
    """A document with a text in the places where texts come about otherwise than by being there."""
    places: dict[str, Any] = {
        "extra": {"x": text, other: 1}, "tags": [[text, "v"], ["k", text]], "logentry": {"formatted": [text, other], "params": [text]},
        "exception": {"values": [{"type": "E", "value": {"k": text, "n": [1, other]}}]},
        "request": {
            "headers": {"x-a": [other, text], text: "v"}, "cookies": {text: other}, "query_string": f"{text}=1&q={text}".replace(" ", "+"),
            "data": json.dumps({"inner": [text, {other: text}]}), "url": f"https://h/{text}",
        },
        "user": {"id": turn.choice((4494, 12.5, 1e20, 12345678901234567890, 0.00001234)), "username": text},
        "contexts": {text: {"a": other}}, "breadcrumbs": [{"message": text, "data": {"d": [[text, other]]}}],
    }  # fmt: skip
    return {name: places[name] for name in turn.sample(sorted(places), 4)}


def outcome(program: ScrubProgram, payload: bytes) -> Any:
    try:
        scrubbed = scrub_document(program, payload, "event")
    except Unscrubbable:
        return "refused"
    return json.loads(payload if scrubbed is None else scrubbed)


@pytest.mark.parametrize("profile", ["parity", "strict"])
@pytest.mark.parametrize("seed", range(3))
def test_the_screen_does_not_show_under_rules_of_users(seed: int, profile: str) -> None:
    turn = random.Random(seed + 50)
    changed = rounds = 0
    while rounds < 15:
        drawn = [draw(turn) for _ in range(3)]
        rules = {
            "p": {"type": "pattern", "pattern": drawn[0][0], "redaction": {"method": "mask"}},
            "q": {"type": "pattern", "pattern": drawn[1][0], "redaction": {"method": "remove"}},
            "k": {"type": "redact_pair", "keyPattern": drawn[2][0], "redaction": {"method": "replace"}},
        }
        config = {
            "rules": rules,
            "applications": {"$string && !tags.**": ["p", "q"], "$string || $number || $object": ["k"]},
        }
        try:
            program = compile_program(pii_config=config, settings=None, options=Scrub(profile=profile))
        except ConfigError:
            continue
        if program.forced_full:  # nothing would be passed over
            continue
        rounds += 1
        for _, sample in drawn * 3:
            text = sample(turn).replace("\0", "") or "x"
            document = placed(text, turn.choice(drawn)[1](turn), turn)
            how = turn.choice(({}, {}, {"gaps": True}, {"slashes": True}, {"escapes": 1.0}))
            payload = scrubbing.spell(document, turn, **how).encode("utf-8", "replace")
            screened = outcome(program, payload)
            with scrubbing.full_walk():
                full = outcome(program, payload)
            assert screened == full, (rules, payload)
            changed += full != json.loads(payload)
    assert changed > 30
