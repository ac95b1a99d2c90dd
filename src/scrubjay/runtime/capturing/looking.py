"""Looking through what is kept, in portions: nobody else waits long, however many records there are and whatever is asked of them.

Owns the shares of time. What is looked for is `core.capture`'s business.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Final

from scrubjay.core.capture.near import Miss, NearMisses
from scrubjay.core.capture.query import Query
from scrubjay.core.capture.select import Selection, in_order
from scrubjay.core.capture.store import Found
from scrubjay.runtime.capturing.sink import CaptureSink

Look = Callable[[Sequence[Found]], None]

_PORTION: Final = 512
_COSTLY_PORTION: Final = 1
"""Of records whose payloads are decoded."""
_SHARE_S: Final = 0.005


class Turns:
    """Ends the turn of a long piece of work whenever its share of time is over."""

    def __init__(self) -> None:
        self._began_mono = time.monotonic()

    async def end(self) -> None:
        if time.monotonic() - self._began_mono > _SHARE_S:
            await asyncio.sleep(0)
            self._began_mono = time.monotonic()


async def look_through(founds: Sequence[Found], look: Look, *, costly: bool) -> None:
    """Shows all of them; lets others run in between. What arrives meanwhile is not among them."""
    portion = _COSTLY_PORTION if costly else _PORTION
    turns = Turns()
    for at in range(0, len(founds), portion):
        look(founds[at : at + portion])
        await turns.end()


async def selected(sink: CaptureSink, query: Query) -> Selection:
    """What a query finds now."""
    if query.needs_reports:
        await sink.examined()
    selection = Selection(query)
    await look_through(in_order(sink.store.found(), query), selection.look, costly=query.looks_inside)
    return selection


async def matching(sink: CaptureSink, query: Query) -> list[Found]:
    """Everything that matches, in the order of the list; limit and cursor do not count."""
    if query.needs_reports:
        await sink.examined()
    found: list[Found] = []

    def look(founds: Sequence[Found]) -> None:
        found.extend(filter(query.matches, founds))

    await look_through(in_order(sink.store.found(), query), look, costly=query.looks_inside)
    return found


async def nearest_misses(sink: CaptureSink, query: Query) -> list[Miss]:
    """Of what is kept now."""
    near = NearMisses(query)
    await look_through(list(sink.store.found()), near.look, costly=query.looks_inside)
    return near.misses
