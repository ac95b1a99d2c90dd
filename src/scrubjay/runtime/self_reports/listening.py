"""What the log says, as material for reports: errors and warnings, and what was going on before them.

Owns which lines count, and what of a line may be told: no more than the log itself shows (`runtime.log`), less all addresses. Runs on whichever thread
logs. Invariants: listening never raises and never waits; what is said about reporting itself is not heard.
"""

from __future__ import annotations

import logging
import traceback
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from scrubjay.runtime.log import Line, Listener, told_of, without_addresses

TOPIC: Final = "self_reports"
"""Of our own lines, in `scrubjay.<topic>`."""
MAX_BREADCRUMBS: Final = 30
_OWN: Final = f"scrubjay.{TOPIC}"
_PACKAGE: Final = Path(__file__).parents[3]


@dataclass(frozen=True, slots=True)
class Frame:
    """`file` within the package, or the name alone of somebody else's."""

    file: str
    line: int
    function: str


@dataclass(frozen=True, slots=True)
class Breadcrumb:
    """One line of the log."""

    time_unix: float
    level: int
    topic: str
    text: str
    fields: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Report:
    """One error or warning, and the lines before it. `key`: the beginning of the key that it is about; `error`: the type of an exception."""

    line: Breadcrumb
    breadcrumbs: tuple[Breadcrumb, ...]
    key: str = ""
    error: str = ""
    problem: str = ""
    frames: tuple[Frame, ...] = ()


class ReportingHandler(Listener):
    """Hands on each error and warning. `tell` must not wait, and is called on any thread."""

    def __init__(self, on_report: Callable[[Report], None]) -> None:
        super().__init__(logging.INFO)
        self._on_report = on_report
        self._line = Line(None, backtraces=False)
        self._breadcrumbs: deque[Breadcrumb] = deque(maxlen=MAX_BREADCRUMBS)

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.startswith(_OWN):
            return
        with suppress(Exception):  # a line that cannot be told stands in the log, and whoever wrote it goes on
            breadcrumb = self._breadcrumb(record)
            if record.levelno >= logging.WARNING:
                self._on_report(self._report(record, breadcrumb))
            self._breadcrumbs.append(breadcrumb)

    def _breadcrumb(self, record: logging.LogRecord) -> Breadcrumb:
        given = self._line.fields(record)
        fields = {
            name: without_addresses(value) if isinstance(value, str) else value
            for name, value in given.items()
            if name not in ("error", "at")
        }
        text = without_addresses(self._line.message(record))
        return Breadcrumb(record.created, record.levelno, record.name, text, fields)

    def _report(self, record: logging.LogRecord, breadcrumb: Breadcrumb) -> Report:
        key = str(breadcrumb.fields.get("project_key", ""))
        breadcrumbs = tuple(self._breadcrumbs)
        error = record.exc_info[1] if record.exc_info else None
        if error is None:
            return Report(breadcrumb, breadcrumbs, key)
        frames = traceback.extract_tb(error.__traceback__)
        return Report(
            breadcrumb,
            breadcrumbs,
            key,
            type(error).__name__,
            without_addresses(told_of(error)),
            tuple(Frame(_place(frame.filename), frame.lineno or 0, frame.name) for frame in frames),
        )

    def __repr__(self) -> str:
        return f"<ReportingHandler {len(self._breadcrumbs)} breadcrumbs>"


def _place(file: str) -> str:
    path = Path(file)
    return str(path.relative_to(_PACKAGE)) if path.is_relative_to(_PACKAGE) else path.name
