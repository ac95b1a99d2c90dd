"""How `scrubjay scrub` shows what was done: tables without values, a diff with them, selectors to copy.

What is printed by `explain_*` and `totals` comes from `Explanation.public` and counters alone, so that it can be pasted into a ticket.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import msgspec
from rich.console import Console
from rich.text import Text

from scrubjay.cli.tables import table
from scrubjay.core.scrub.explain import CLASS_NAMES, Change, Explanation, pointer
from scrubjay.core.scrub.record import Count, Record
from scrubjay.core.scrub.redact import Span
from scrubjay.core.scrub.remarks import NodePath
from scrubjay.core.scrub.suggestions import Suggestion
from scrubjay.core.scrub.suspects import Suspect

_MOST_SPANS: Final = 3
_CONTEXT_CHARACTERS: Final = 60


def explain_table(out: Console, name: str, explanation: Explanation) -> None:
    """The changes of one payload, and what was left."""
    if explanation.changes:
        columns: tuple[str, ...] = ("path", "rule", "detector", "selector", "class", "characters", "note")
        out.print(table(name, columns, map(_change_row, explanation.changes)))
    else:
        out.print(f"{name}: nothing changed", markup=False)
    if explanation.suspects:
        columns = ("path", "detector", "class", "characters", "left because")
        out.print(table("Still looks personal", columns, map(_suspect_row, explanation.suspects)))


def explain_json(name: str, explanation: Explanation) -> str:
    return msgspec.json.encode({"source": name, **explanation.public()}).decode()


def totals_table(out: Console, totals: Record) -> None:
    """Counts by rule of everything that was read."""
    rows = [*_count_rows(totals.rules, ""), *_count_rows(totals.tried, " (dry run)")]
    if rows:
        columns = ("rule", "hits", "bytes", "nodes", "whole texts")
        out.print(table("Totals", columns, rows, right=columns[1:]))


def totals_json(totals: Record) -> str:
    return msgspec.json.encode({"totals": totals.rules, "tried": totals.tried}).decode()


def diff(out: Console, name: str, explanation: Explanation) -> None:
    """Each changed place before and after, as a unified diff; what a rule took is marked."""
    for path, changes in _by_place(explanation.changes):
        rules = ", ".join(dict.fromkeys(f"{change.rule}{' (dry run)' if change.dry_run else ''}" for change in changes))
        out.print(Text.assemble((f"{name}{'/'.join(('', *path))}", "bold"), f"  {rules}"))
        before, after = changes[0].before, changes[-1].after
        spans = [span for change in changes if change.before == before for span in change.ranges]
        out.print(_marked("- ", before, spans, "red"), soft_wrap=True)
        if after is not None:
            out.print(_marked("+ ", after, _inserted(before, after), "green"), soft_wrap=True)


def selectors_table(out: Console, name: str, suggestions: Sequence[Suggestion]) -> None:
    columns = ("path", "selector", "basic type", "class", "kind")
    rows = (
        ("/".join(("", *one.node.path)), one.specific, one.basic, CLASS_NAMES[one.node.node_class], one.node.kind)
        for one in suggestions
    )
    out.print(table(name, columns, rows))


def selectors_json(name: str, suggestions: Sequence[Suggestion]) -> str:
    listed = [
        {"path": "/".join(("", *one.node.path)), "selector": one.specific, "basic": one.basic,
         "class": CLASS_NAMES[one.node.node_class], "kind": one.node.kind}
        for one in suggestions
    ]  # fmt: skip
    return msgspec.json.encode({"source": name, "selectors": listed}).decode()


def _change_row(change: Change) -> tuple[str, ...]:
    facts = (
        ("the key", change.kind == "key"), ("by key", change.by_key), ("word", change.word), ("dry run", change.dry_run),
    )  # fmt: skip
    notes = [change.action, *(note for note, holds in facts if holds)]
    characters = _characters(change.ranges, change.taken, change.len_before)
    return (
        change.pointer or "/", change.rule, change.detector, change.selector, change.node_class, characters, ", ".join(notes),
    )  # fmt: skip


def _suspect_row(suspect: Suspect) -> tuple[str, ...]:
    taken = sum(end - start for start, end in suspect.spans)
    characters = _characters(suspect.spans, taken, suspect.length)
    return pointer(suspect.path) or "/", suspect.detector, CLASS_NAMES[suspect.node_class], characters, suspect.reason


def _characters(spans: Sequence[Span], taken: int, length: int) -> str:
    shown = ", ".join(f"{start}-{end}" for start, end in spans[:_MOST_SPANS])
    more = f", {len(spans) - _MOST_SPANS} more" if len(spans) > _MOST_SPANS else ""
    return f"{taken} of {length}" + (f" at {shown}{more}" if taken < length else "")


def _count_rows(counts: dict[str, Count], suffix: str) -> Iterator[tuple[Any, ...]]:
    for rule, count in sorted(counts.items()):
        yield f"{rule}{suffix}", count.hits, count.bytes, count.nodes, count.whole


def _by_place(changes: Iterable[Change]) -> list[tuple[NodePath, list[Change]]]:
    places: dict[NodePath, list[Change]] = {}
    for change in changes:
        places.setdefault(change.path, []).append(change)
    return list(places.items())


def _inserted(before: str, after: str) -> list[Span]:
    """What stands in `after` between the beginning and the end that both have."""
    most = min(len(before), len(after))
    start = next((at for at in range(most) if before[at] != after[at]), most)
    end = next((at for at in range(most - start) if before[-1 - at] != after[-1 - at]), most - start)
    return [(start, len(after) - end)]


def _marked(sign: str, text: str, spans: Sequence[Span], colour: str) -> Text:
    """A text with spans in colour; of a long one only what stands around them."""
    line = Text(text, style=colour)
    for start, end in spans:
        line.stylize(f"bold reverse {colour}", start, end)
    first = max(0, min((start for start, _ in spans), default=0) - _CONTEXT_CHARACTERS)
    last = min(len(text), max((end for _, end in spans), default=0) + _CONTEXT_CHARACTERS)
    shown = line[first:last]
    return Text.assemble((sign, colour), "…" if first else "", shown, "…" if last < len(text) else "")
