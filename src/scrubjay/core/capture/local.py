"""Whose an envelope is that came to `/stream`, where no request names a key or a project (`capture.md` 5.1).

Pure: what is configured is asked of the caller. Nothing here raises on hostile headers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from scrubjay.core.dsn import Auth, parse_dsn

LOCAL: Final = "local"
"""The project that is shown for envelopes that name none."""
LOCAL_KEY: Final = "spotlight".ljust(32, "0")
"""The key under which those pass: no server gives out such a one. It is not shown."""
LOCAL_PROJECT_ID: Final = 0

_SOURCE: Final = "envelope"


def owner_of(header: Mapping[str, object], project_of: Callable[[str], int | None]) -> tuple[Auth, int]:
    """By its DSN, else by the key of its trace if that is a configured project's, else nobody's but this machine's."""
    dsn, trace = header.get("dsn"), header.get("trace")
    if isinstance(dsn, str):
        try:
            parsed = parse_dsn(dsn)
        except ValueError:
            pass
        else:
            return Auth(parsed.key, source=_SOURCE), parsed.project_id
    key = trace.get("public_key") if isinstance(trace, Mapping) else None
    if isinstance(key, str) and (project_id := project_of(key)) is not None:
        return Auth(key, source=_SOURCE), project_id
    return Auth(LOCAL_KEY, source=_SOURCE), LOCAL_PROJECT_ID
