"""The tools that a client of the Model Context Protocol finds here: names, what they are for, what they take (`capture.md` 14).

The first four are Spotlight's, by name and arguments, so that set-ups made for it go on working. Reading arguments is `arguments`', running
tools `runtime.capturing.tool_calls`'. Each only reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from scrubjay.core.capture.reading import Json

DEFAULT_SHOWN: Final = 10
MAX_SHOWN: Final = 50
MAX_TRACES: Final = 20
MAX_WINDOW_S: Final = 10 * 365 * 86_400
MAX_OFFSET: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Tool:
    """`properties` and `required` as in a JSON schema."""

    name: str
    title: str
    says: str
    properties: Mapping[str, Json]
    required: tuple[str, ...] = ()

    def document(self) -> Json:
        schema: dict[str, object] = {
            "type": "object",
            "properties": dict(self.properties),
            "additionalProperties": False,
        }
        if self.required:
            schema["required"] = list(self.required)
        return {
            "name": self.name,
            "title": self.title,
            "description": self.says,
            "inputSchema": schema,
            "annotations": {"title": self.title, "readOnlyHint": True, "openWorldHint": False},
        }


def _page(most: int) -> dict[str, Json]:
    return {
        "limit": {
            "type": "integer",
            "minimum": 1,
            "maximum": most,
            "description": f"How many, {min(most, DEFAULT_SHOWN)} by default.",
        },
        "offset": {
            "type": "integer",
            "minimum": 0,
            "maximum": MAX_OFFSET,
            "description": "How many of the newest to leave out.",
        },
    }


def _filters(what: str, most: int) -> dict[str, Json]:
    return {
        "filters": {
            "type": "object",
            "description": f"Which {what}; without any the newest. What is given has to hold together.",
            "properties": {
                "timeWindow": {
                    "type": "number",
                    "exclusiveMinimum": 0,
                    "maximum": MAX_WINDOW_S,
                    "description": "Only those of the last so many seconds.",
                },
                "filename": {
                    "type": "string",
                    "description": "Only those that name this source file; the end of its path will do.",
                },
                **_page(most),
            },
            "additionalProperties": False,
        }
    }


_ID: Final[Mapping[str, Json]] = {
    "id": {"type": "string", "description": "Id of a record or of an event, as the searches tell it."}
}

TOOLS: Final[Mapping[str, Tool]] = {
    one.name: one
    for one in (
        Tool(
            "search_errors",
            "Search errors",
            "Errors that the applications sent, newest first, each with its stack trace and what led to it. Use it to find out why something "
            "fails, and after a change to see that it no longer does.",
            _filters("errors", MAX_SHOWN),
        ),
        Tool(
            "search_logs",
            "Search logs",
            "Lines of the applications' structured logs, newest first, with their attributes.",
            _filters("lines", MAX_SHOWN),
        ),
        Tool(
            "search_traces",
            "Search traces",
            "Traces, newest first, with their durations and how many spans and errors they have. Use it to find what is slow; get_traces shows "
            "one whole.",
            _filters("traces", MAX_TRACES),
        ),
        Tool(
            "get_traces",
            "Show a trace",
            "One trace as the tree of its spans with durations, and the errors and logs that belong to it.",
            {
                "traceId": {
                    "type": "string",
                    "description": "Its id, or the first 8 digits or more, as search_traces tells it.",
                }
            },
            ("traceId",),
        ),
        Tool(
            "get_event",
            "Show one record",
            "One record of any kind in full: what it says, and its payload as it would leave this machine.",
            _ID,
            ("id",),
        ),
        Tool(
            "get_scrub_report",
            "Show what scrubbing did",
            "Which places of a record were scrubbed, by which rule and how, and which still look personal. Never shows a value.",
            _ID,
            ("id",),
        ),
        Tool(
            "search",
            "Search everything",
            'Records of any kind by the search text of the capture page: words, "phrases", key:value, !not, OR, brackets. Keys: type, level, '
            "environment, release, transaction, exception, message, file, trace_id, has, outcome, rule, user.id, tag names, and "
            "duration:>500ms, since:10m. For example: type:error !environment:test exception:ValueError.",
            {"query": {"type": "string", "description": "The search text; empty: everything."}, **_page(MAX_SHOWN)},
            ("query",),
        ),
    )
}
