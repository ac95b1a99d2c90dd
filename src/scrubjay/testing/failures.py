"""What a test that waited in vain says: what was wanted, what nearly was it, and what did arrive.

Whatever comes from events is one line without control characters: it ends up in terminals and in logs of CI.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

MAX_SHOWN: Final = 10
_MAX_CHARS: Final = 160


def unsatisfied(
    wanted: str, answer: Mapping[str, Any], arrived: Sequence[Mapping[str, Any]], elsewhere: Iterable[str], dsn: str
) -> str:
    """`answer` is that of `/wait`; `arrived`: records of the same test; `elsewhere`: projects in which others arrived meanwhile."""
    lines = [f"{wanted}, after {float(answer.get('waited_ms') or 0) / 1000:.1f} s"]
    matched = answer.get("events") or ()
    if matched:
        lines += ["", "Matching:", *rows(matched)]
    misses = [miss for miss in answer.get("near_misses") or () if _is_of(miss, arrived)]
    if misses:
        lines += ["", "Nearly:"]
        for miss in misses:
            lines.append(f"  {row(miss.get('event') or {})}")
            lines += [f"      wanted {_failed(one)}" for one in miss.get("failed") or ()]
    others = [one for one in arrived if one.get("id") not in {other.get("id") for other in matched}]
    if others:
        lines += ["", f"Arrived ({len(others)}):", *rows(others)]
    elif not matched:
        lines += ["", "Nothing has arrived for this test.", *_advice(sorted(set(elsewhere)), dsn)]
    return "\n".join(lines)


def unexpected(wanted: str, events: Sequence[Mapping[str, Any]]) -> str:
    return "\n".join((f"{wanted}:", *rows(events)))


def row(event: Mapping[str, Any]) -> str:
    """One record in a line."""
    tags = event.get("tags")
    marks = [f"{name}={tags[name]}" for name in sorted(tags)] if isinstance(tags, Mapping) else []
    outcome = event.get("outcome", "accepted")
    if outcome != "accepted":
        marks.append(f"{outcome}: {event.get('outcome_reason', '')}")
    kind = " ".join(str(event[name]) for name in ("type", "level") if event.get(name))
    return plain(f"{kind:<16} {event.get('title', '')}{'  ' if marks else ''}{' '.join(marks)}")


def plain(text: str) -> str:
    """One line that does nothing to a terminal."""
    shown = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
    return shown if len(shown) <= _MAX_CHARS else f"{shown[: _MAX_CHARS - 1]}…"


def rows(events: Sequence[Mapping[str, Any]]) -> list[str]:
    """The first ten, a line each."""
    shown = [f"  {row(event)}" for event in events[:MAX_SHOWN]]
    return [*shown, f"  and {len(events) - MAX_SHOWN} more"] if len(events) > MAX_SHOWN else shown


def _failed(one: Mapping[str, Any]) -> str:
    actual = ", ".join(map(str, one.get("actual") or ())) or "nothing"
    return plain(f"{one.get('condition')}, but it has {actual}")


def _is_of(miss: Mapping[str, Any], arrived: Sequence[Mapping[str, Any]]) -> bool:
    """The sink knows of other tests' records, which are no help here."""
    return (miss.get("event") or {}).get("id") in {one.get("id") for one in arrived}


def _advice(elsewhere: Sequence[str], dsn: str) -> list[str]:
    if elsewhere:
        return [
            f"Something has arrived meanwhile for project {', '.join(elsewhere)}: was the SDK started with another DSN?",
            f"This test's is {dsn}",
        ]
    return [
        "Was the SDK started with this test's DSN, and in this process? Has it been flushed, and does it sample?",
        f"The DSN is {dsn}",
    ]
