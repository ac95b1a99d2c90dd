"""What filters ask of an item, whatever its type: the questions, answered for an item that says nothing.

Who has answers: `event_facts`, `record_facts`. They read the item's subject, so that filters and conditions open a document once and
agree on what stands in it. What is missing or cannot be read is no answer, and no filter matches that.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from scrubjay.core.envelope import Item
from scrubjay.core.filters.user_agents import Browser
from scrubjay.core.networks import Address
from scrubjay.core.subjects import Fields


class Facts:
    """An item, or one record of it, of which only is known where it came from."""

    __slots__ = ("client_ip", "item", "subject")

    def __init__(self, item: Item, subject: Fields, client_ip: Address | None) -> None:
        self.item = item
        self.subject = subject
        self.client_ip = client_ip

    def text(self, name: str) -> str | None:
        """A text by the name that conditions use."""
        value = self.subject.value(name)
        return value if isinstance(value, str) else None

    def release(self) -> str | None:
        return None

    def address(self) -> str | None:
        """The user's own, as the item has it."""
        return None

    def url(self) -> str | None:
        return None

    def hosts(self) -> Sequence[str]:
        """Whom the recorded request was addressed to, by its headers."""
        return ()

    def user_agent(self) -> str | Browser | None:
        """As it was sent, or taken apart already."""
        return None

    def transaction(self) -> str | None:
        """The name of the transaction that the item is, or that it belongs to as a record."""
        return None

    def messages(self) -> Iterable[str]:
        """The event's message, and `type: value` of every exception."""
        return ()

    def thrown_text(self) -> str | None:
        """What the first exception says."""
        return None

    def thrown_by(self) -> str | None:
        """The file that the first exception comes from."""
        return None

    def csp_urls(self) -> Sequence[str | None] | None:
        """What a report on the content security policy names; None: it is none."""
        return None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.item!r}>"
