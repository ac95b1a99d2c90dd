"""Events and replays by the names that conditions use (`decisions.md` 6.3).

Owns which fields they have and where those stand, in the protocol's spelling and older ones. Beside `value` it answers what other
rules need to know of an event, so that its document is opened once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from msgspec import Raw

from scrubjay.core.conditions import Subject, Value
from scrubjay.core.items.partial import Payload
from scrubjay.core.networks import Address, parse_address
from scrubjay.core.releases import Release, parse_release
from scrubjay.core.subjects.document import Document, Scalar, json_text, lenient, members
from scrubjay.core.subjects.exceptions import EXCEPTION, ExceptionSubject, read_exceptions
from scrubjay.core.subjects.fields import Fields, Reader, at, duration_ms, read_headers, read_tags, state

EXCEPTIONS: Final = "event.exception.values"
"""The one array of events."""

_LOGENTRY: Final = ("logentry", "sentry.interfaces.Message", "message")
_USER: Final = ("user", "sentry.interfaces.User")
_REQUEST: Final = ("request", "sentry.interfaces.Http")
_CONTEXTS: Final = ("contexts", "sentry.interfaces.Contexts")

_LEVEL_NAMES: Final = ("debug", "info", "warning", "error", "fatal")
_LEVELS: Final[dict[Scalar, str]] = {
    **{level: level for level in _LEVEL_NAMES},
    **{(number + 1) * 10: level for number, level in enumerate(_LEVEL_NAMES)},
    "log": "info",
    "critical": "fatal",
}


class EventLike(Fields):
    """What events and replays share: tags and headers."""

    __slots__ = ("_by_lower_name", "_headers", "_tags")

    _reads = True

    def __init__(self, payload: Payload | Raw | None, client_ip: Address | None = None) -> None:
        super().__init__(payload, client_ip)
        self._headers: list[tuple[str, str]] | None = None
        self._by_lower_name: dict[str, str] | None = None
        self._tags: dict[str, str | None] | None = None

    @property
    def headers(self) -> list[tuple[str, str]]:
        """Those of the request that the event is about, names with capitals."""
        if self._headers is None:
            self._headers = read_headers(self.document.child(*_REQUEST).raw("headers"))
        return self._headers

    def header(self, name: str) -> str | None:
        """The first header of that name, in any case."""
        by_lower_name = self._by_lower_name
        if by_lower_name is None:
            by_lower_name = self._by_lower_name = {found.lower(): value for found, value in reversed(self.headers)}
        return by_lower_name.get(name.lower())

    @property
    def tags(self) -> dict[str, str | None]:
        if self._tags is None:
            self._tags = read_tags(self.document.raw("tags"))
        return self._tags

    def _read(self, name: str) -> Value:
        prefix, _, rest = name.partition(".")
        bag, _, key = rest.partition(".")
        return self._read_bag(bag, key) if prefix == "event" and key else None

    def _read_bag(self, bag: str, key: str) -> Value:
        if bag == "tags":
            return self.tags.get(key)
        if bag == "request" and key.startswith("headers."):
            wanted = key.removeprefix("headers.")
            return next((value for name, value in self.headers if name == wanted), None)
        return None


class _Unread:
    """Stands for what nobody has looked for."""


class EventSubject(EventLike):
    """An error, transaction, security report or feedback."""

    __slots__ = ("_exceptions", "_is_transaction")

    def __init__(
        self, payload: Payload | Raw | None, client_ip: Address | None = None, *, is_transaction: bool = False
    ) -> None:
        super().__init__(payload, client_ip)
        self._is_transaction = is_transaction
        self._exceptions: tuple[ExceptionSubject, ...] | _Unread | None = _Unread()

    @property
    def is_transaction(self) -> bool:
        return self._is_transaction or self.document.text("type") == "transaction"

    @property
    def level(self) -> str | None:
        level = self.value("event.level")
        assert level is None or isinstance(level, str)
        return level

    @property
    def exceptions(self) -> tuple[ExceptionSubject, ...]:
        """In the protocol's order: what was raised last comes last."""
        return self._found_exceptions() or ()

    @property
    def fingerprint(self) -> list[str] | None:
        """How the client wants it to be grouped; parts that are no texts are left out."""
        parts = self.document.items("fingerprint")
        return None if parts is None else [part for part in map(lenient, parts) if part is not None]

    def elements(self, name: str) -> Sequence[Subject] | None:
        return self._found_exceptions() if name == EXCEPTIONS else None

    def _found_exceptions(self) -> tuple[ExceptionSubject, ...] | None:
        found = self._exceptions
        if isinstance(found, _Unread):
            found = self._exceptions = read_exceptions(self.document.raw(*EXCEPTION))
        return found

    def _read(self, name: str) -> Value:
        if name == "event.duration":
            return duration_ms(self.document) if self.is_transaction else None
        read = _EVENT.get(name)
        return super()._read(name) if read is None else read(self.document)

    def _read_bag(self, bag: str, key: str) -> Value:
        if bag == "extra":
            return _descend(self.document.child("extra"), key)
        if bag == "measurements":
            return measurement(self.document, key)
        if bag == "breakdowns":
            group, _, name = key.partition(".")
            return self.document.child("breakdowns").child(group).child(name).number("value")
        return super()._read_bag(bag, key)


class ReplaySubject(EventLike):
    """A replay event: an event's fields as far as replays have them."""

    __slots__ = ()

    def _read(self, name: str) -> Value:
        read = _REPLAY.get(name)
        return super()._read(name) if read is None else read(self.document)


def measurement(document: Document, key: str) -> Value:
    """Of the object under `measurements`, by `<name>.value`. Names are in lower case wherever they are stored."""
    name, _, member = key.rpartition(".")
    if member != "value":
        return None
    measured = document.child("measurements")
    found = next((stored for stored in measured.members if stored.lower() == name), name)
    return measured.child(found).number("value")


def _descend(document: Document, key: str) -> Value:
    *path, name = key.split(".")
    for step in path:
        document = document.child(step)
    return document.scalar(name)


# Fields that are not simply a member of that name


def _filled(document: Document, name: str) -> Value:
    """A text that is missing if it is empty."""
    return document.text(name) or None


def _ip_text(document: Document, name: str) -> Value:
    value = document.text(name)
    return value if value is not None and (value == "{{auto}}" or parse_address(value)) else None


def _level(document: Document) -> Value:
    level = document.scalar("level")
    return None if isinstance(level, (bool, float)) else _LEVELS.get(level)


def _formatted(document: Document) -> Value:
    """A message alone is a formatted one."""
    entry = document.raw(*_LOGENTRY)
    return document.child(*_LOGENTRY).text("formatted") if members(entry) is not None else json_text(entry)


def _release(part: Callable[[Release], Value]) -> Reader:
    def reader(document: Document) -> Value:
        text = document.lenient("release")
        release = None if text is None else parse_release(text)
        return None if release is None else part(release)

    return reader


def _short(release: Release) -> Value:
    return None if release.version is None else release.version.short


def _build(release: Release) -> Value:
    return release.commit if release.version is None else release.version.build


def _context(kind: Callable[[Document, str], Value], context: str, *names: str) -> dict[str, Reader]:
    """Fields of a context; one that says that it is of another type has none."""

    def reader(name: str) -> Reader:
        def read(document: Document) -> Value:
            document = document.child(*_CONTEXTS).child(context)
            return kind(document, name) if document.text("type") in (None, "", context) else None

        return read

    return {f"event.contexts.{context}.{name}": reader(name) for name in names}


_SHARED: Final[dict[str, Reader]] = {
    "event.release": at(Document.lenient, "release"),
    "event.dist": at(Document.text, "dist"),
    "event.environment": at(Document.text, "environment"),
    "event.platform": lambda document: document.text("platform") or "other",
    "event.user.email": at(Document.text, _USER, "email"),
    "event.user.id": at(Document.lenient, _USER, "id"),
    "event.user.segment": at(_filled, _USER, "segment"),
    "event.user.ip_address": at(_ip_text, _USER, "ip_address"),
    "event.user.name": at(Document.text, _USER, "name"),
    **{
        f"event.user.geo.{name}": at(Document.text, _USER, "geo", name)
        for name in ("city", "country_code", "region", "subdivision")
    },
    "event.sentry_user": at(Document.text, _USER, "sentry_user"),
    "event.request.method": at(Document.text, _REQUEST, "method"),
    "event.request.url": at(Document.text, _REQUEST, "url"),
    "event.sdk.name": at(Document.text, "sdk", "name"),
    "event.sdk.version": at(Document.text, "sdk", "version"),
    **_context(Document.truth, "app", "in_foreground"),
    **_context(Document.text, "app", "device_app_hash"),
    **_context(Document.text, "device", "arch", "brand", "family", "model", "locale", "orientation", "name", "uuid"),
    **_context(Document.truth, "device", "charging", "online", "simulator"),
    **_context(Document.number, "device", "battery_level", "screen_density"),
    **_context(Document.whole, "device", "screen_dpi", "screen_width_pixels", "screen_height_pixels"),
    **_context(Document.lenient, "os", "build"),
    **_context(Document.text, "os", "kernel_version", "name", "version"),
    **_context(Document.truth, "os", "rooted"),
    **_context(Document.text, "browser", "name", "version"),
    **_context(Document.hex_id, "profile", "profile_id"),
    **_context(state, "trace", "status"),
    **_context(Document.text, "trace", "op"),
    **_context(Document.whole, "response", "status_code"),
    **_context(Document.text, "unreal", "crash_type"),
}

_EVENT: Final[dict[str, Reader]] = {
    **_SHARED,
    "event.level": _level,
    "event.transaction": at(Document.text, "transaction"),
    "event.logger": at(Document.text, "logger"),
    "event.server_name": at(Document.text, "server_name"),
    "event.release.build": _release(_build),
    "event.release.package": _release(lambda release: release.package),
    "event.release.version.short": _release(_short),
    "event.logentry.formatted": _formatted,
    "event.logentry.message": at(Document.text, _LOGENTRY, "message"),
    "event.transaction.source": at(Document.text, "transaction_info", "source"),
    **_context(Document.text, "gpu", "vendor_name", "name"),
    **_context(Document.text, "monitor", "id", "slug"),
    **_context(Document.text, "runtime", "name"),
}

_REPLAY: Final[dict[str, Reader]] = {
    **_SHARED,
    **_context(Document.text, "ota_updates", "channel", "runtime_version", "update_id"),
}

_SHARED_BAGS: Final = ("event.tags.<key>", "event.request.headers.<Name>")
EVENT_NAMES: Final = (
    *_EVENT,
    "event.duration",
    *_SHARED_BAGS,
    "event.extra.<key>",
    "event.measurements.<name>.value",
    "event.breakdowns.<group>.<name>",
)
"""What stands in angle brackets is any key."""
REPLAY_NAMES: Final = (*_REPLAY, *_SHARED_BAGS)
