"""Who looks on while a request is worked on: each item comes and ends, and what is refused is seen, too."""

import pytest

from scrubjay.core.envelope import Item
from scrubjay.core.ledger import Booking, Tally
from scrubjay.core.ports import Ingress
from scrubjay.errors import BadRequest, Denied, Rejected
from support.path import EVENT, Path, Plans, envelope


class Onlooker:
    """Sees one request after the other; `seen` is what it was told, in order."""

    def __init__(self) -> None:
        self.seen: list[object] = []

    def watch(self, ingress: Ingress) -> "Onlooker":
        return self

    def opened(self, tally: Tally) -> None:
        self.seen.append([item.type for item in tally.items])

    def ended(self, item: Item, booking: Booking, *, whole: bool) -> None:
        self.seen.append((item.type, booking.reason.code, whole))

    def refused(self, error: Rejected) -> None:
        self.seen.append(error.reason.code)

    async def keep(self, sighting: object) -> None:
        self.seen.append("kept")


def test_who_looks_on_sees_each_item_come_and_end() -> None:
    eye = Onlooker()
    path = Path(outbox=None, capture=eye)
    assert path.send(envelope(("event", EVENT))).status == 200
    assert eye.seen == [["event"], ("event", "captured", True), "kept"]
    assert path.account.lost() == [("event", "captured", "")]
    assert path.closes()


def test_who_looks_on_sees_what_is_refused() -> None:
    eye = Onlooker()
    path = Path(capture=eye)
    with pytest.raises(BadRequest):
        path.send(b"no envelope")
    path.ports.plans = Plans({})
    with pytest.raises(Denied):
        path.send(envelope(("event", EVENT)))
    assert eye.seen == ["invalid_envelope", "kept", ["event"], ("event", "project_id", True), "project_id", "kept"]
