"""Client reports: what clients lost, as counts (ingest.md A.8, scrubbing.md 15.6).

Names of reasons and categories are all the text that a report needs. Members that the server does not read stay behind, and a reason
is a name: what reads like anything else, or holds what the rules for texts find, becomes empty, as reasons that the server does not
know do there anyway.
"""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from scrubjay.core.scrub.json_text import encode
from scrubjay.core.scrub.program import ScrubProgram
from scrubjay.core.scrub.text import scrub_text
from scrubjay.errors import Unreadable, Unscrubbable

_LISTS: Final = ("discarded_events", "rate_limited_events", "filtered_events", "filtered_sampling_events")
_DECODER: Final = msgspec.json.Decoder(dict[str, Any])
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_:,.~ -]{0,199}", re.ASCII)
_TIME: Final = re.compile(r"[0-9TZ:.+-]{1,40}", re.ASCII)


def scrub_report(program: ScrubProgram, payload: bytes | memoryview) -> bytes | None:
    """Scrub one report; None if it may leave as it is. Raises Unscrubbable."""
    try:
        report = _DECODER.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable(f"client report cannot be read: {type(error).__name__}") from None
    left: dict[str, Any] = {}
    time = report.get("timestamp")
    if _is_number(time) or (isinstance(time, str) and _TIME.fullmatch(time)):
        left["timestamp"] = time
    for name in _LISTS:
        if isinstance(report.get(name), list):
            left[name] = [_line(program, line) for line in report[name] if isinstance(line, dict)]
    return None if left == report else encode(left)


def _line(program: ScrubProgram, line: dict[str, Any]) -> dict[str, Any]:
    left: dict[str, Any] = {
        name: _name(program, line[name]) for name in ("reason", "category") if isinstance(line.get(name), str)
    }
    if _is_number(line.get("quantity")):
        left["quantity"] = line["quantity"]
    return left


def _name(program: ScrubProgram, text: str) -> str:
    if _NAME.fullmatch(text) is None:
        return ""
    try:
        return text if scrub_text(program, text.encode()) is None else ""
    except Unscrubbable:
        return ""


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
