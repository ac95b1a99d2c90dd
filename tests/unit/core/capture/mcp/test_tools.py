"""The tools as clients see them."""

from __future__ import annotations

import pytest
from jsonschema import Draft202012Validator

from scrubjay.core.capture.mcp.tools import MAX_TRACES, TOOLS


def test_spotlights_names_and_three_more() -> None:
    assert list(TOOLS) == [
        "search_errors",
        "search_logs",
        "search_traces",
        "get_traces",
        "get_event",
        "get_scrub_report",
        "search",
    ]


@pytest.mark.parametrize("name", TOOLS)
def test_each_is_described_and_only_reads(name: str) -> None:
    told = TOOLS[name].document()
    Draft202012Validator.check_schema(told["inputSchema"])
    assert told["annotations"]["readOnlyHint"] is True  # type: ignore[index]
    assert len(str(told["description"])) > 40


@pytest.mark.parametrize(
    ("name", "arguments", "is_right"),
    [
        ("search_errors", {}, True),
        ("search_errors", {"filters": {"timeWindow": 60}}, True),
        ("search_errors", {"filters": {"limit": 3, "offset": 2}}, True),
        ("search_logs", {"filters": {"filename": "a.py"}}, True),
        ("search_traces", {"filters": {"limit": MAX_TRACES + 1}}, False),
        ("search_errors", {"filter": {}}, False),
        ("get_traces", {}, False),
        ("get_traces", {"traceId": "0123abcd"}, True),
        ("search", {"query": ""}, True),
        ("search", {}, False),
    ],
)
def test_the_schema_says_what_is_taken(name: str, arguments: object, is_right: bool) -> None:
    assert Draft202012Validator(TOOLS[name].document()["inputSchema"]).is_valid(arguments) is is_right
