"""What sessions, profiles, spans and records of containers say of themselves (`decisions.md` 7.1).

Sessions, of one or many, have attributes in common, so that an item of them falls whole.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Final

from scrubjay.core.filters.facts import Facts
from scrubjay.core.filters.user_agents import Browser, major_of
from scrubjay.core.subjects import RecordSubject

_LOCALHOST: Final = "127.0.0.1"


class ProfileFacts(Facts):
    """A profile, or a chunk of one."""

    __slots__ = ()

    def release(self) -> str | None:
        return self.subject.document.text("release")


class SessionFacts(Facts):
    """One session, or several that are counted together."""

    __slots__ = ()

    def release(self) -> str | None:
        return self.text("event.release")

    def address(self) -> str | None:
        return self.subject.document.child("attrs").text("ip_address")

    def user_agent(self) -> str | None:
        return self.subject.document.child("attrs").text("user_agent")


class AttributeFacts(Facts, ABC):
    """Something with attributes, by the names of the conventions."""

    __slots__ = ()

    @abstractmethod
    def attribute(self, name: str) -> object:
        """The value under a name, wherever the attributes stand; None if there is none."""

    def release(self) -> str | None:
        return self._text("sentry.release")

    def address(self) -> str | None:
        return _LOCALHOST if self.attribute("sentry.is_localhost") is True else self._text("client.address")

    def url(self) -> str | None:
        return self._text("url.full")

    def user_agent(self) -> str | Browser | None:
        sent = self._text("user_agent.original")
        if sent is not None:
            return sent
        name = self._text("browser.name")
        return None if name is None else Browser(name, major_of(self._text("browser.version")))

    def transaction(self) -> str | None:
        return self._text("sentry.segment.name")

    def _text(self, name: str) -> str | None:
        value = self.attribute(name)
        return value if isinstance(value, str) else None


class RecordFacts(AttributeFacts):
    """A record of a container."""

    __slots__ = ()

    subject: RecordSubject

    def attribute(self, name: str) -> object:
        return self.subject.attribute(name)


class SpanFacts(AttributeFacts):
    """A span that is an item by itself; its data are plain, and some had other names."""

    __slots__ = ()

    def attribute(self, name: str) -> object:
        return self.subject.document.child("data").scalar(name)

    def release(self) -> str | None:
        return self.text("event.release")

    def transaction(self) -> str | None:
        return self.text("event.transaction")
