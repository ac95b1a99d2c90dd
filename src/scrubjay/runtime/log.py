"""How log lines look, what never gets into them, and how often one may be repeated.

Owns the formats of `upstream-and-operations.md` 9.8: pretty, simplified and JSON, on standard error. What is worth a line is
`telemetry`'s business. Fields travel in the record's `fields` mapping and are flattened into the JSON object.

Invariants: no secrets, no payloads, no addresses of clients. Passwords and keys in URLs are cut; lines of foreign libraries are
cleared of IP addresses; of a foreign exception only its type and place are shown, for its message may quote what it choked on.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final, TextIO

from scrubjay.errors import ScrubjayError

REPEAT_S: Final = 10.0
KEY_LENGTH: Final = 8
_MAX_CALL_SITES: Final = 1_000
_MAX_TEXT: Final = 500

TRACE: Final = 5
LEVELS: Final[Mapping[str, int]] = {
    "off": logging.CRITICAL + 10,
    "": logging.ERROR,
    "error": logging.ERROR,
    "warn": logging.WARNING,
    "info": logging.INFO,
    "debug": logging.DEBUG,
    "trace": TRACE,
}
_LEVEL_NAMES: Final = {logging.WARNING: "WARN", logging.CRITICAL: "ERROR", TRACE: "TRACE"}
_FAINT: Final = "2"
_COLOURS: Final = {logging.ERROR: "31", logging.WARNING: "33", logging.INFO: "32"}

_URL_SECRET: Final = re.compile(r"(?<=://)([^/@\s:]{0,64})(:[^/@\s]*)?@")
_ADDRESS: Final = re.compile(
    r"(?<![\w.])(?:\d{1,3}(?:\.\d{1,3}){3}|(?:[0-9a-f]{0,4}:){2,7}(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-f]{0,4}))(?![\w.])",
    re.IGNORECASE,
)
_KEY: Final = re.compile(r"(?<![0-9a-z])([0-9a-f]{8})[0-9a-f]{24}(?![0-9a-z])", re.IGNORECASE)
_CONTROL: Final = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))}

Fields = Mapping[str, object]


def configure(
    level: str = "info",
    form: str = "auto",
    *,
    worker: int | None = None,
    backtraces: bool = False,
    stream: TextIO | None = None,
) -> None:
    """Sets up the root logger. `form`: auto, pretty, simplified or json. Called again, it replaces what it set up before."""
    out = sys.stderr if stream is None else stream
    if form == "auto":
        form = "pretty" if out.isatty() else "simplified"
    handler = logging.StreamHandler(out)
    handler.setFormatter(_FORMATS[form](worker, backtraces, colours=takes_colours(out)))
    root = logging.getLogger()
    root.handlers = [handler, *(other for other in root.handlers if isinstance(other, Listener))]
    root.setLevel(LEVELS[level])
    logging.captureWarnings(True)
    for noisy in ("aiohttp.access", "asyncio"):  # the first logs addresses of clients, the second each poll at debug
        logging.getLogger(noisy).setLevel(max(LEVELS[level], logging.WARNING))


def takes_colours(out: TextIO) -> bool:
    """As `rich` judges for the tables of the command line: NO_COLOR forbids, then FORCE_COLOR demands, then it is the terminal's matter."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (out.isatty() and os.environ.get("TERM", "dumb") != "dumb")


def told_of(error: BaseException) -> str:
    """What an exception may say: only ours and the system's quote nothing of a payload."""
    return str(error) if isinstance(error, ScrubjayError | OSError) else ""


def _without_credentials(text: str) -> str:
    """Of a URL's user, which is the key in a DSN, only the beginning; of a password nothing."""
    return _URL_SECRET.sub(lambda match: f"{match[1][:KEY_LENGTH]}…@", text)


def without_addresses(text: str) -> str:
    return _ADDRESS.sub("[ip]", text)


def of_others(text: str) -> str:
    """What a server said, which may quote what it was sent: no addresses, and no more than the beginning of a key or an id."""
    return _KEY.sub(r"\1…", without_addresses(text))


class Listener(logging.Handler):
    """Who hears what is logged beside the stream, and goes on hearing it when the log is set up anew."""


class Line(logging.Formatter):
    """What all formats share: clean text, fields, exceptions without payload."""

    def __init__(self, worker: int | None, backtraces: bool, *, colours: bool = False) -> None:
        super().__init__()
        self._colours = colours
        self._worker = worker
        self._backtraces = backtraces

    def message(self, record: logging.LogRecord) -> str:
        text = _without_credentials(record.getMessage())
        if not record.name.startswith("scrubjay"):
            text = without_addresses(text)
        return text[:_MAX_TEXT].translate(_CONTROL)

    def fields(self, record: logging.LogRecord) -> dict[str, object]:
        given = getattr(record, "fields", None)
        fields = {name: value for name, value in given.items() if value not in (None, "")} if given else {}
        if "project_key" in fields:
            fields["project_key"] = str(fields["project_key"])[:KEY_LENGTH]
        for name, value in fields.items():
            if isinstance(value, str):
                fields[name] = _without_credentials(value)[:_MAX_TEXT]
        if record.exc_info and record.exc_info[1] is not None:
            fields.update(self._exception(record.exc_info[1]))
        return fields

    def _exception(self, error: BaseException) -> dict[str, object]:
        frames = traceback.extract_tb(error.__traceback__)
        places = [f"{frame.filename}:{frame.lineno} in {frame.name}" for frame in frames]
        told = told_of(error)
        kind = f"{type(error).__name__}: {told}"[:_MAX_TEXT] if told else type(error).__name__
        shown: object = places if self._backtraces else "".join(places[-1:])
        return {"error": kind, "at": shown}

    @staticmethod
    def level(record: logging.LogRecord) -> str:
        return _LEVEL_NAMES.get(record.levelno, record.levelname)

    @staticmethod
    def time(record: logging.LogRecord) -> str:
        return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


class JsonLine(Line):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "timestamp": self.time(record),
            "level": self.level(record),
            "target": record.name,
            "message": self.message(record),
            "filename": record.filename,
            "line_number": record.lineno,
        }
        if self._worker is not None:
            line["worker"] = self._worker
        for name, value in self.fields(record).items():
            line[f"field_{name}" if name in line else name] = value
        return json.dumps(line, ensure_ascii=False, default=str)


class SimpleLine(Line):
    def format(self, record: logging.LogRecord) -> str:
        fields = "".join(f" {name}={_plain(value)}" for name, value in self.fields(record).items())
        who = record.name if self._worker is None else f"{record.name} {self._worker}"
        return f"{self.time(record)} [{who}] {self.level(record)}: {self.message(record)}{fields}"


class PrettyLine(Line):
    def format(self, record: logging.LogRecord) -> str:
        clock = datetime.fromtimestamp(record.created, UTC).astimezone().strftime("%H:%M:%S")
        level = self._in(_COLOURS.get(record.levelno, "36"), f"{self.level(record):<5}")
        fields = "".join(
            f" {self._in(_FAINT, f'{name}=')}{_plain(value)}" for name, value in self.fields(record).items()
        )
        who = "" if self._worker is None else self._in(_FAINT, f" {self._worker}")
        return f"{self._in(_FAINT, clock)}{who} {level} {self.message(record)}{fields}"

    def _in(self, colour: str, text: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self._colours else text


_FORMATS: Final[Mapping[str, type[Line]]] = {"json": JsonLine, "simplified": SimpleLine, "pretty": PrettyLine}


def _plain(value: object) -> str:
    if isinstance(value, list | tuple):
        return "".join(f"\n    {part}" for part in value)
    text = str(value).translate(_CONTROL)
    if " " not in text and '"' not in text:
        return text
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')  # or a client's text could look like another field
    return f'"{quoted}"'


class LimitedLog:
    """Lines of one topic, each call site and key at most once in ten seconds; the next line says how many were left out."""

    __slots__ = ("_logger", "_mono", "_sites")

    def __init__(self, topic: str, mono: Callable[[], float] = time.monotonic) -> None:
        self._logger = logging.getLogger(f"scrubjay.{topic}")
        self._mono = mono
        self._sites: dict[str, tuple[float, int]] = {}

    def enabled(self, level: int) -> bool:
        return self._logger.isEnabledFor(level)

    def line(
        self,
        level: int,
        site: str,
        message: str,
        fields: Fields | None = None,
        *,
        error: BaseException | None = None,
        depth: int = 1,
        repeat_s: float = REPEAT_S,
    ) -> None:
        """`site` names what is limited together, to once in `repeat_s`. `depth`: how many frames up the line that should be blamed is."""
        if not self._logger.isEnabledFor(level):
            return
        now_mono = self._mono()
        site = self._admit(site, now_mono)
        again_mono, suppressed = self._sites.get(site, (0.0, 0))
        if now_mono < again_mono:
            self._sites[site] = (again_mono, suppressed + 1)
            return
        self._sites[site] = (now_mono + repeat_s, 0)
        shown = dict(fields or {})
        if suppressed:
            shown["suppressed"] = suppressed
        self._logger.log(level, "%s", message, extra={"fields": shown}, exc_info=error, stacklevel=depth + 1)

    def _admit(self, site: str, now_mono: float) -> str:
        """`site` itself, or the one that all share when too many are in use at once."""
        if site in self._sites or len(self._sites) < _MAX_CALL_SITES:
            return site
        self._sites = {name: entry for name, entry in self._sites.items() if entry[0] > now_mono}
        return site if len(self._sites) < _MAX_CALL_SITES else ""
