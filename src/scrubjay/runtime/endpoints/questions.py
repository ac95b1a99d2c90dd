"""Reading what another relay asks: a body that is small and comes soon (`upstream-and-operations.md` 4.6).

Owns the two bounds. Who asks, and whether it may, is for those who were asked to say.
"""

from __future__ import annotations

import asyncio
from typing import Final

from scrubjay import reasons
from scrubjay.core.ports import Ports
from scrubjay.errors import BadRequest
from scrubjay.runtime.endpoints.common import Request, receive

MAX_BYTES: Final = 262_144
LONGEST_S: Final = 30.0
"""However steadily it comes."""


async def body_of(request: Request, ports: Ports) -> bytes:
    """Raises as `receive` does."""
    try:
        async with asyncio.timeout(LONGEST_S):
            return await receive(request, MAX_BYTES, ports.bounds.body_idle_timeout)
    except TimeoutError:
        raise BadRequest(reasons.BODY_TIMEOUT, "the body took too long", f"more than {LONGEST_S:g} s") from None
