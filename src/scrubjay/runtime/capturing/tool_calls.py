"""Running the tools of the Model Context Protocol on a sink (`capture.md` 14).

Owns which question each tool is. What tools are called and take is `core.capture.mcp`'s business, as is how answers read. Only what is
scrubbed is asked for; long looks are shared out, as everywhere. What a client asks wrongly is told to the model, which can mend it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from scrubjay.core.capture.mcp import texts
from scrubjay.core.capture.mcp.arguments import Search, of_kind, of_text, the_one
from scrubjay.core.capture.query import BadQuery
from scrubjay.core.capture.reading import Json
from scrubjay.core.capture.store import Found
from scrubjay.core.capture.traces import MIN_PREFIX, Traces
from scrubjay.runtime.capturing.looking import look_through
from scrubjay.runtime.capturing.sink import CaptureSink

_MAX_CANDIDATES: Final = 5
_SHOWN: Final = ("spans", "errors", "logs")
"""What of a trace can be shown; some have no more than a check-in or a replay."""


class ToolCalls:
    """One per sink."""

    def __init__(self, sink: CaptureSink) -> None:
        self._sink = sink
        self._store = sink.store
        self._traces = Traces()
        self._tools: Mapping[str, Callable[[Json], Awaitable[list[str]]]] = {
            "search_errors": self._errors,
            "search_logs": self._logs,
            "search_traces": self._newest_traces,
            "get_traces": self._trace,
            "get_event": self._event,
            "get_scrub_report": self._report,
            "search": self._search,
        }

    async def run(self, name: str, arguments: Json) -> Json:
        """The result of one of `tools.TOOLS`."""
        try:
            return texts.result(await self._tools[name](arguments))
        except BadQuery as error:
            return texts.result([str(error)], is_error=True)

    async def _errors(self, arguments: Json) -> list[str]:
        wanted = of_kind(arguments, "error", self._sink.now())
        return await self._blocks("errors", wanted, texts.error)

    async def _logs(self, arguments: Json) -> list[str]:
        wanted = of_kind(arguments, "log", self._sink.now())
        return await self._blocks("logs", wanted, texts.log)

    async def _search(self, arguments: Json) -> list[str]:
        wanted = of_text(arguments, self._sink.now())
        said, *rows = await self._blocks("records", wanted, texts.row)
        return ["\n".join((said, "", *rows))]

    async def _blocks(self, what: str, wanted: Search, tell: Callable[[Found], str]) -> list[str]:
        found = await self._found(wanted)
        shown = found[wanted.offset : wanted.offset + wanted.limit]
        return [texts.page(what, len(shown), wanted.offset, len(found)), *map(tell, shown)]

    async def _newest_traces(self, arguments: Json) -> list[str]:
        wanted = of_kind(arguments, "", self._sink.now())
        ids = {found.id for found in await self._found(wanted)} if wanted.conditions else None
        rows = [row for row in self._traces.rows(self._store.found(), ids) if any(map(row.get, _SHOWN))]
        shown = rows[wanted.offset : wanted.offset + wanted.limit]
        said = texts.page("traces", len(shown), wanted.offset, len(rows))
        return ["\n".join((said, "", *map(texts.trace_row, shown)))]

    async def _trace(self, arguments: Json) -> list[str]:
        wanted = the_one(arguments, "traceId")
        ids = self._traces.ids(self._store.found(), wanted)
        if len(ids) > 1:
            listed = ", ".join(ids[:_MAX_CANDIDATES])
            raise BadQuery(f"{len(ids)} traces begin with {wanted[:80]!r}: {listed}")
        found = self._traces.one(self._store.found(), ids[0]) if ids else None
        if found is None:
            raise BadQuery(f"no such trace; at least {MIN_PREFIX} digits are needed, and it may be gone")
        return [texts.trace(found)]

    async def _event(self, arguments: Json) -> list[str]:
        return texts.event(self._one(arguments))

    async def _report(self, arguments: Json) -> list[str]:
        found = self._one(arguments)
        report = await self._sink.report(found)
        return [texts.report(found, *report.of_part(found.record.part), report)]

    def _one(self, arguments: Json) -> Found:
        found = self._store.find(the_one(arguments, "id"))
        if found is None:
            raise BadQuery("no such record; it may have been evicted")
        return found

    async def _found(self, wanted: Search) -> list[Found]:
        """Everything that matches, newest first, inside an envelope too: a log comes in batches."""
        if wanted.needs_reports:
            await self._sink.examined()
        found: list[Found] = []
        await look_through(
            list(self._store.found()),
            lambda founds: found.extend(filter(wanted.matches, founds)),
            costly=wanted.looks_inside,
        )
        return sorted(found, key=lambda one: (one.captured.id, one.record.index, one.record.part), reverse=True)
