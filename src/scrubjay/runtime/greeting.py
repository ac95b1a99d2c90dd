"""What a person who starts it by hand sees first: where it listens, the DSN to use, the page to open.

Only in mode `capture`, whose user is a developer at a terminal; all else is in the log.
"""

from __future__ import annotations

import click

from scrubjay.runtime.doors import Doors
from scrubjay.runtime.endpoints.capture.site import SAMPLE_KEY
from scrubjay.settings.schema import Settings


def greet(settings: Settings, doors: Doors) -> None:
    """Prints to standard output, in an order that scripts may rely on: the address comes first."""
    if settings.relay.mode != "capture":
        return
    host, port = settings.relay.host, doors.number
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    dsn = address.replace("://", f"://{SAMPLE_KEY}@") + "/1"
    click.echo(
        f"""listening {address}

Nothing leaves this machine: what your app sends is scrubbed as configured and shown at

    {address}/

DSN       {dsn}
Python    import sentry_sdk; sentry_sdk.init("{dsn}")
Node      require("@sentry/node").init({{ dsn: "{dsn}" }})
Any SDK   export SENTRY_DSN={dsn}

Ctrl-C stops it."""
    )
