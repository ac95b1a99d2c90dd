"""Filters for tests: compiled without problems, asked about one item."""

from scrubjay.core.envelope import Item
from scrubjay.core.filters.chain import Filters
from scrubjay.core.filters.compile import compile_filters
from scrubjay.core.items.partial import Dropped
from scrubjay.core.networks import parse_address
from support.items import make_item


def compiled(own: list[object] | None = None, everywhere: object = None, **settings: object) -> Filters:
    """`settings`: members of `filterSettings`."""
    filters, problems = compile_filters(settings, own=own or [], global_filters=everywhere)
    assert problems == []
    assert filters is not None
    return filters


def why(filters: Filters, item: Item, client_ip: str | None = None) -> str | None:
    """The reason's code under which the whole item falls; None: it stays whole."""
    rulings = filters.match(item, None if client_ip is None else parse_address(client_ip))
    if not rulings:
        return None
    (ruling,) = rulings
    assert isinstance(ruling, Dropped)
    return ruling.reason.code


def why_event(filters: Filters, event: object, item_type: str = "event") -> str | None:
    return why(filters, make_item(item_type, event))


def asks(user_agent: str) -> dict[str, object]:
    """An event of a page that this user agent asked for."""
    return {"request": {"url": "https://shop.example/", "headers": {"User-Agent": user_agent}}}


def container(item_type: str, *records: object) -> Item:
    return make_item(item_type, {"items": list(records)}, item_count=len(records))


def record(**attributes: object) -> dict[str, object]:
    """A record with these attributes; two underscores stand for a dot."""
    return {"attributes": {name.replace("__", "."): {"value": value} for name, value in attributes.items()}}
