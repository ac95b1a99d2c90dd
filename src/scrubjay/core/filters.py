"""Inbound filters: what a project never wants to see (`decisions.md` 7).

Owns `filterSettings`: compiling each filter so that a broken one disables nothing but itself, and matching. Enforced so far are
`releases` and `errorMessages` (7.3); others that are switched on are named as problems. A filter reads only the members that it
judges. Whatever cannot be read does not match: scrubbing decides what becomes of such items.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import msgspec
from msgspec import Raw, Struct, field

from scrubjay import reasons
from scrubjay.core.envelope import Item
from scrubjay.core.globs import Matcher, compile_glob
from scrubjay.core.items.partial import Container, Dropped, Thinned, read

RELEASES: Final = "releases"
ERROR_MESSAGES: Final = "errorMessages"

_LISTS: Final = {RELEASES: "releases", ERROR_MESSAGES: "patterns"}
"""The filters that are enforced, and the member of each that holds its patterns."""

_EVENTS: Final = frozenset({"event", "transaction", "feedback", "security"})
_WITH_RELEASE: Final = _EVENTS | {"profile", "profile_chunk"}
"""Items with a member `release` at the top."""

_SESSIONS: Final = frozenset({"session", "sessions"})
_CONTAINERS: Final = frozenset({"log", "span", "trace_metric"})


@dataclass(frozen=True, slots=True)
class Filters:
    """A project's filters, compiled. Of several that match the first in the order of `decisions.md` 7.1 gives the reason."""

    releases: Matcher | None = None
    error_messages: Matcher | None = None

    def match(self, item: Item) -> Dropped | Thinned | None:
        """What the filters say of an item; None: nothing. Containers are judged record by record."""
        item_type = item.type
        if self.releases is not None:
            if item_type in _CONTAINERS:
                return self._thin(item, self.releases)
            if _any_matches(self.releases, _releases_of(item)):
                return Dropped(reasons.RELEASE_VERSION, RELEASES)
        messages = self.error_messages
        if messages is not None and item_type in _EVENTS and _any_matches(messages, _messages_of(item)):
            return Dropped(reasons.ERROR_MESSAGE, ERROR_MESSAGES)
        return None

    def _thin(self, item: Item, matches: Matcher) -> Dropped | Thinned | None:
        container = Container.open(item)
        if container is None:
            return None
        kept = [record for record in container.records if not _any_matches(matches, _release_of_record(record))]
        return container.keep(kept, reasons.RELEASE_VERSION, RELEASES)

    def __repr__(self) -> str:
        active = [
            name for name, filter_ in ((RELEASES, self.releases), (ERROR_MESSAGES, self.error_messages)) if filter_
        ]
        return f"<Filters {', '.join(active)}>"


def _any_matches(matches: Matcher, candidates: Iterator[str]) -> bool:
    return any(matches(candidate) for candidate in candidates)


# Compiling


def compile_filters(settings: Mapping[str, object]) -> tuple[Filters | None, list[str]]:
    """The filters of `filterSettings`, None if there are none to run, and a sentence on each that is not enforced."""
    problems: list[str] = []
    matchers: dict[str, Matcher] = {}
    for name, options in settings.items():
        if name not in _LISTS:
            if _is_active(options):
                problems.append(f"filterSettings.{name} is not yet enforced")
            continue
        patterns = _patterns(options, _LISTS[name])
        if patterns is None:
            problems.append(f"filterSettings.{name} is disabled: `{_LISTS[name]}` must be a list of patterns")
        elif patterns:
            found: list[str] = []
            matchers[name] = compile_glob(patterns, found)
            problems += (f"filterSettings.{name}: {problem}" for problem in found)
    if not matchers:
        return None, problems
    return Filters(matchers.get(RELEASES), matchers.get(ERROR_MESSAGES)), problems


def _patterns(options: object, member: str) -> list[str] | None:
    patterns = options.get(member) if isinstance(options, Mapping) else None
    if not isinstance(patterns, (list, tuple)) or not all(isinstance(pattern, str) for pattern in patterns):
        return None
    return list(patterns)


def _is_active(options: object) -> bool:
    """Whether a filter that is not enforced would do anything: it is switched on, or has a list that is not empty."""
    if not isinstance(options, Mapping):
        return options is not None
    if options.get("isEnabled") is False:
        return False
    return bool(options.get("isEnabled")) or any(
        isinstance(value, (list, tuple)) and value for value in options.values()
    )


# Reading just what is judged


class _Released(Struct):
    release: Raw = Raw()


class _Session(Struct):
    attrs: Raw = Raw()


class _LogEntry(Struct):
    formatted: Raw = Raw()
    message: Raw = Raw()


class _Exception(Struct):
    """One exception, or a list of them under `values`."""

    values: list[_Exception | None] | None = None
    type: Raw = Raw()
    value: Raw = Raw()


_Message = _LogEntry | str | None
_Exceptions = _Exception | list[_Exception | None] | None


class _Spoken(Struct):
    """Where an event may hold its messages, with the older names of both members."""

    logentry: _Message = None
    message_interface: _Message = field(default=None, name="sentry.interfaces.Message")
    message: _Message = None
    exception: _Exceptions = None
    exception_interface: _Exceptions = field(default=None, name="sentry.interfaces.Exception")


class _Attribute(Struct):
    value: Raw = Raw()


class _Attributes(Struct):
    release: _Attribute | None = field(default=None, name="sentry.release")


class _Record(Struct):
    attributes: _Attributes | None = None


_RELEASED: Final = msgspec.json.Decoder(_Released)
_SESSION: Final = msgspec.json.Decoder(_Session)
_SPOKEN: Final = msgspec.json.Decoder(_Spoken)
_RECORD: Final = msgspec.json.Decoder(_Record)
_TEXT: Final = msgspec.json.Decoder(str)


def _text(raw: Raw) -> str | None:
    """The text that a member holds, None if it holds something else."""
    return read(_TEXT, raw) if raw else None


def _releases_of(item: Item) -> Iterator[str]:
    release: str | None = None
    if item.type in _WITH_RELEASE:
        document = read(_RELEASED, item.payload)
        release = _text(document.release) if document else None
    elif item.type in _SESSIONS:
        session = read(_SESSION, item.payload)
        attributes = read(_RELEASED, session.attrs) if session and session.attrs else None
        release = _text(attributes.release) if attributes else None
    elif item.type == "raw_security":
        header = item.headers.get("sentry_release")
        release = header if isinstance(header, str) else None
    if release is not None:
        yield release


def _release_of_record(record: Raw) -> Iterator[str]:
    document = read(_RECORD, record)
    if document and document.attributes and document.attributes.release:
        release = _text(document.attributes.release.value)
        if release is not None:
            yield release


def _messages_of(item: Item) -> Iterator[str]:
    """The event's message, then `type: value` of every exception (`decisions.md` 7.3)."""
    event = read(_SPOKEN, item.payload)
    if event is None:
        return
    message = _message(event.logentry or event.message_interface or event.message)
    if message is not None:
        yield message
    exceptions = event.exception or event.exception_interface
    if isinstance(exceptions, _Exception):
        exceptions = [exceptions] if exceptions.values is None else exceptions.values
    for exception in exceptions or ():
        if exception is not None:
            spoken = ": ".join(part for part in (_text(exception.type), _value_text(exception.value)) if part)
            if spoken:
                yield spoken


def _message(entry: _Message) -> str | None:
    """`formatted`, else the template; a text alone is the formatted message."""
    if not isinstance(entry, _LogEntry):
        return entry
    formatted = _text(entry.formatted)
    return _text(entry.message) if formatted is None else formatted


def _value_text(raw: Raw) -> str | None:
    """An exception's value; SDKs also send numbers and objects, which count as their JSON text."""
    text = _text(raw)
    if text is None and raw and bytes(raw) != b"null":
        return bytes(raw).decode(errors="replace")
    return text
