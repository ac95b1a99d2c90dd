"""What events and replays say of themselves, and security reports as browsers send them (`decisions.md` 7.1)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Raw

from scrubjay.core.filters.facts import Facts
from scrubjay.core.subjects import EventSubject
from scrubjay.core.subjects.document import Document, array
from scrubjay.core.subjects.events import EventLike

_REQUEST: Final = ("request", "sentry.interfaces.Http")
_USER: Final = ("user", "sentry.interfaces.User")
_CSP: Final = ("csp", "sentry.interfaces.Csp")

_NO_FILES: Final = frozenset({"<anonymous>", "[native code]"})


class VisitFacts(Facts):
    """A replay, or what an event has in common with it."""

    __slots__ = ()

    subject: EventLike

    def release(self) -> str | None:
        return self.text("event.release")

    def address(self) -> str | None:
        return self.subject.document.child(*_USER).text("ip_address")

    def url(self) -> str | None:
        return self.subject.document.child(*_REQUEST).text("url")

    def hosts(self) -> Sequence[str]:
        named = (self.subject.header("Host"), self.subject.header("X-Forwarded-Host"))
        return [host for host in named if host is not None]

    def user_agent(self) -> str | None:
        return self.subject.header("User-Agent")


class EventFacts(VisitFacts):
    """An error, transaction, feedback, or security report that is an event already."""

    __slots__ = ()

    subject: EventSubject

    def transaction(self) -> str | None:
        return self.text("event.transaction") if self.subject.is_transaction else None

    def messages(self) -> Iterable[str]:
        formatted = self.text("event.logentry.formatted")
        message = self.text("event.logentry.message") if formatted is None else formatted
        if message is not None:
            yield message
        for exception in self.subject.exceptions:
            told = ": ".join(part for part in (exception.ty, exception.text) if part)
            if told:
                yield told

    def thrown_text(self) -> str | None:
        exceptions = self.subject.exceptions
        return exceptions[0].text if exceptions else None

    def thrown_by(self) -> str | None:
        """The last frame that is of a file; one that does not say ends the search."""
        exceptions = self.subject.exceptions
        frames = exceptions[0].document.child("stacktrace").items("frames") if exceptions else None
        for frame in reversed(frames or ()):
            path = Document(frame).text("abs_path")
            if path not in _NO_FILES:
                return path
        return None

    def csp_urls(self) -> Sequence[str | None] | None:
        """An event with exceptions is an error, whatever else stands in it."""
        report = self.subject.document.child(*_CSP)
        if not report.members or self.item.type == "feedback" or self.subject.is_transaction or self.subject.exceptions:
            return None
        return [report.text(name) for name in ("blocked_uri", "source_file", "document_uri")]


class ReportFacts(Facts):
    """A report as a browser sends it: bare, below `csp-report`, or as the reporting API does, alone or first of a list."""

    __slots__ = ()

    def release(self) -> str | None:
        return self.text("event.release")

    def url(self) -> str | None:
        return _either(self._report(), *_PAGE)

    def csp_urls(self) -> Sequence[str | None] | None:
        report = self._report()
        return [_either(report, *names) for names in _NAMED] if report.members else None

    def _report(self) -> Document:
        """What is reported on the content security policy; an empty document if it is a report on something else."""
        sent = Document(self.item.payload)
        if not sent.members:
            reports = array(Raw(bytes(self.item.payload).strip()))
            sent = Document(reports[0] if reports else None)
        if "csp-report" in sent.members:
            return sent.child("csp-report")
        return sent.child("body") if sent.text("type") == "csp-violation" else Document(None)


_PAGE: Final = ("document-uri", "documentURL")
_NAMED: Final = (("blocked-uri", "blockedURL"), ("source-file", "sourceFile"), _PAGE)


def _either(document: Document, *names: str) -> str | None:
    return next((value for value in map(document.text, names) if value is not None), None)
