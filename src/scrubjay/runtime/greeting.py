"""What a person who starts it by hand sees first: where it listens, the DSN to use, the page to open (`capture.md` 2).

Only in mode `capture`, whose user is a developer at a terminal; all else is in the log. A program that starts it reads the first line:
`listening URL`, or one JSON object.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import click

from scrubjay.capture_client import SPOTLIGHT_PORT
from scrubjay.hosts import url_host
from scrubjay.runtime.doors import Doors
from scrubjay.runtime.endpoints.capture.site import SAMPLE_KEY
from scrubjay.settings.schema import Settings

Greeting = Callable[[Settings, Doors], None]

_BY_NAME: Final = {"127.0.0.1": "localhost", "::1": "localhost", "0.0.0.0": "localhost", "::": "localhost"}  # noqa: S104
_EVERYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104  said, not bound


@dataclass(frozen=True, slots=True)
class Addresses:
    """How a sink is reached. `spotlight` is what `SENTRY_SPOTLIGHT` has to say."""

    url: str
    dsn: str
    spotlight_url: str
    spotlight: str


def addresses_of(settings: Settings, doors: Doors) -> Addresses:
    """In what is pasted into an application it is `localhost`, where that name leads here."""
    host, port = settings.relay.host, doors.number
    scheme = "http" if settings.tls.cert is None else "https"
    name = _BY_NAME.get(host, url_host(host))
    spotlight_url = f"{'http' if doors.spotlight else scheme}://{name}:{doors.spotlight or port}/stream"
    is_usual = SPOTLIGHT_PORT in (doors.spotlight, port) and name == "localhost"
    return Addresses(
        url=_page(settings, doors),
        dsn=f"{scheme}://{SAMPLE_KEY}@{name}:{port}/1",
        spotlight_url=spotlight_url,
        spotlight="1" if is_usual else spotlight_url,
    )


def _page(settings: Settings, doors: Doors) -> str:
    """Where people look: on the internal listener, if there is one."""
    host, port, is_secure = settings.relay.host, doors.number, settings.tls.cert is not None
    if doors.internal is not None:
        host, port, is_secure = settings.relay.admin_host, doors.internal, settings.tls.internal
    return f"{'https' if is_secure else 'http'}://{_EVERYWHERE.get(host, url_host(host))}:{port}"


def greet(settings: Settings, doors: Doors) -> None:
    """Prints to standard output, in an order that scripts may rely on: the address comes first."""
    if settings.relay.mode != "capture":
        return
    at = addresses_of(settings, doors)
    click.echo(
        f"""listening {at.url}

Nothing leaves this machine: what your app sends is scrubbed as configured and shown at

    {at.url}/

DSN        {at.dsn}
Any SDK    export SENTRY_DSN={at.dsn}
Spotlight  export SENTRY_SPOTLIGHT={at.spotlight}
Python     import sentry_sdk; sentry_sdk.init("{at.dsn}")
Node       require("@sentry/node").init({{ dsn: "{at.dsn}" }})

Ctrl-C stops it."""
    )
    if settings.capture.token is not None and settings.relay.admin_host not in ("127.0.0.1", "::1"):
        click.echo(
            f"warning: {settings.relay.admin_host} is not this machine alone: anybody who reaches it may send; reading needs the token "
            f"(the page: open {at.url}/#token=… once)",
            err=True,
        )


def greet_program(settings: Settings, doors: Doors) -> None:
    """The same for a program: one line of JSON."""
    at = addresses_of(settings, doors)
    told = {"url": at.url, "port": doors.number, "dsn": at.dsn, "spotlight_url": at.spotlight_url, "pid": os.getpid()}
    click.echo(json.dumps(told))
