"""What is sent to the capture API itself: JSON questions, and parameters where there may be none."""

from __future__ import annotations

from typing import Final

from scrubjay.core.capture.query import BadQuery
from scrubjay.core.envelope import decode_json
from scrubjay.runtime.endpoints.capture.site import Site
from scrubjay.runtime.endpoints.common import Request, receive

MAX_QUESTION_BYTES: Final = 1 << 20


async def json_body(request: Request, site: Site) -> object:
    """What is asked. Raises `BadQuery` and what `receive` raises."""
    body = await receive(request, MAX_QUESTION_BYTES, site.settings.limits.body_idle_timeout)
    try:
        return decode_json(body)
    except ValueError as error:
        raise BadQuery(f"the body is no JSON: {error}") from None


def no_parameters(request: Request) -> None:
    """A route that takes none says so. Raises `BadQuery`."""
    if request.query:
        raise BadQuery(f"unknown parameter {next(iter(request.query))[:80]!r}: there are none here")
