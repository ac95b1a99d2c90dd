"""Captured records for tests, made as the sink makes them: an envelope is offered to a store, and its records are found in it."""

from collections.abc import Iterable

from scrubjay.core.capture.facts import Coming
from scrubjay.core.capture.item import ACCEPTED, Fate
from scrubjay.core.capture.store import CaptureStore, Found
from scrubjay.core.envelope import Envelope, Item, encode_json
from scrubjay.core.ledger import Account

KEY = "4f2a8c1e9b7d4a6380c5e2f1a7b9d3c4"
NOW = 1_800_000_000.0


class Shelf:
    """A store, and short ways to fill it."""

    def __init__(self, **bounds: int) -> None:
        self.store = CaptureStore(**bounds)
        self.now_unix = NOW

    def offer(
        self,
        *items: tuple[str, object],
        project: int | None = 1,
        key: str = KEY,
        via: str = "dsn",
        user_agent: str = "",
        fate: Fate = ACCEPTED,
        headers: dict[str, object] | None = None,
        **heads: object,
    ) -> list[Found]:
        """`items`: type and payload; a document becomes JSON. `headers` are those of the items, `heads` the envelope's."""
        made = [Item({"type": kind, **(headers or {})}, _bytes(payload)) for kind, payload in items]
        captured = self.store.offer(
            Envelope(dict(heads), made),
            Account(key, project, "r", None, self.now_unix),
            Coming(via=via, user_agent=user_agent),
            now_unix=self.now_unix,
            fates=[fate] * len(made),
        )
        return [Found(captured, record) for record in captured.records]

    def event(self, **payload: object) -> Found:
        (found,) = self.offer(("event", payload))
        return found

    @property
    def founds(self) -> list[Found]:
        return list(self.store.found())


def _bytes(payload: object) -> bytes:
    return payload if isinstance(payload, bytes) else encode_json(payload)


def event(**payload: object) -> Found:
    """One event on a shelf of its own."""
    return Shelf().event(**payload)


def record(kind: str, payload: object, **options: object) -> Found:
    (found,) = Shelf().offer((kind, payload), **options)  # type: ignore[arg-type]
    return found


def titles(founds: Iterable[Found]) -> list[str]:
    return [found.record.title for found in founds]
