"""`scrubjay capture`: the sink on the port where SDKs look for it, and the verbs that ask one that runs (`capture.md` 2, 11.2).

Owns the flags of the start and what happens when the port is taken. Everything else is the relay's in mode `capture`.
"""

from __future__ import annotations

import errno
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from click.core import ParameterSource

from scrubjay.capture_client import SPOTLIGHT_PORT, CaptureClient
from scrubjay.cli.lazy_group import LazyGroup
from scrubjay.cli.terminal import safe
from scrubjay.cli.verb import Invocation, failing_plainly, pass_invocation, shared_options
from scrubjay.errors import ConfigError, ScrubjayError

if TYPE_CHECKING:
    from scrubjay.runtime.greeting import Greeting
    from scrubjay.settings.load import Loaded

VERBS: Final = {
    "assert": ("scrubjay.cli.capture_assert:assert_", "Check expectations; exit code 5 where one fails."),
    "wait": ("scrubjay.cli.capture_ask:wait", "Wait until records match; exit code 6 where they do not in time."),
    "mark": ("scrubjay.cli.capture_ask:mark", "Print a point in time, to be given as --since."),
    "clear": ("scrubjay.cli.capture_ask:clear", "Forget what matches, or everything."),
    "export": ("scrubjay.cli.capture_ask:export", "Print what matches, an object per line, or one record to paste."),
    "run": ("scrubjay.cli.capture_run:run", "Run a command whose SDK sends to a sink of its own."),
}
"""Verb → where it is, and its line in the help."""

_SETTINGS: Final = {
    "host": "relay.host",
    "port": "relay.port",
    "max_envelopes": "capture.max_envelopes",
    "max_bytes": "capture.max_bytes",
    "originals": "capture.originals",
    "token": "capture.token",
    "record": "capture.record",
}
_LISTS: Final = {
    "allowed_host": "capture.allowed_hosts",
    "allowed_origin": "capture.allowed_origins",
    "context_root": "capture.context_roots",
}
_ALWAYS: Final = {"relay.mode": "capture", "relay.workers": "1", "capture.spotlight_port": "null"}
_ROOMY: Final = {"capture.max_envelopes": "100000", "capture.max_bytes": "1GiB"}
"""A recording is shown whole, if nobody bounds it."""
_FILE: Final = click.Path(path_type=Path, exists=True, dir_okay=False)


_LOADING_S: Final = 300.0


class _Capture(LazyGroup):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["params"] = [*(kwargs.get("params") or []), *shared_options()]
        super().__init__(*args, **kwargs)


@click.group(
    "capture",
    cls=_Capture,
    verbs=VERBS,
    invoke_without_command=True,
    subcommand_metavar="[COMMAND …]",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option("--host", metavar="IP", default="127.0.0.1", show_default=True, help="Address; others need --token.")
@click.option("--port", metavar="PORT", default=str(SPOTLIGHT_PORT), show_default=True, help="0: a free one.")
@click.option("--rules", type=_FILE, metavar="FILE", help="Scrub by these: a project file, or a piiConfig.")
@click.option("--max-envelopes", metavar="N", help="How many are kept.  [default: 500]")
@click.option("--max-bytes", metavar="SIZE", help="The same in bytes.  [default: 64MiB]")
@click.option("--originals", type=click.Choice(["full", "shape", "none"]), help="What is kept of scrubbed values.")
@click.option("--token", metavar="TOKEN", help="Demanded of readers on any address but loopback.")
@click.option("--allowed-host", multiple=True, metavar="NAME", help="Further name of this machine.")
@click.option("--allowed-origin", multiple=True, metavar="ORIGIN", help="Whose pages may read, too.")
@click.option("--context-root", multiple=True, metavar="DIR", help="Where source code may be read.")
@click.option("--record", metavar="FILE", help="Write down what comes, scrubbed, and take it up again.")
@click.option("--open-recording", type=_FILE, metavar="FILE", help="Show a recording, and leave it as it is.")
@click.option("--open", "opens", is_flag=True, help="Open the page in the browser.")
@click.option("--print-json", is_flag=True, help="Say where it listens as one JSON object.")
@pass_invocation
@click.pass_context
def capture(ctx: click.Context, invocation: Invocation, /, **given: Any) -> None:
    """Catch what SDKs send to this machine, and show it: in the browser, by `scrubjay tail`, to tests."""
    if ctx.invoked_subcommand is not None:
        _refuse_flags(ctx)
        return
    if given["record"] and given["open_recording"]:
        raise click.UsageError("--record and --open-recording exclude each other")
    with failing_plainly(ctx):
        if given["open_recording"]:
            _refuse_what_is_no_recording(given["open_recording"])
        loaded = invocation.load(_flags(given), rules=given["rules"])
        if given["rules"] and loaded.projects.problems:
            raise ConfigError("; ".join(loaded.projects.problems))
        ctx.exit(_serve(loaded, _greeting(given)))


def _refuse_flags(ctx: click.Context) -> None:
    """Of the start, before a verb: they would do nothing there."""
    for name in ctx.params:
        if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            flag = "--open" if name == "opens" else f"--{name.replace('_', '-')}"
            raise click.UsageError(f"{flag} before `{ctx.invoked_subcommand}` has no effect; put it behind the verb")


def _flags(given: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Dotted key → (text, flag). The address and the port are these, whatever a configuration for elsewhere says."""
    flags = {key: (value, "capture") for key, value in _ALWAYS.items()}
    flags |= {
        key: (given[name], f"--{name.replace('_', '-')}") for name, key in _SETTINGS.items() if given[name] is not None
    }
    if given["open_recording"]:
        flags |= {key: (value, "--open-recording") for key, value in _ROOMY.items() if key not in flags}
    flags |= {
        key: (f"[{', '.join(given[name])}]", f"--{name.replace('_', '-')}")
        for name, key in _LISTS.items()
        if given[name]
    }
    return flags


def _serve(loaded: Loaded, greeting: Greeting) -> int:
    from scrubjay.runtime.worker import run as serve

    try:
        return serve(loaded, greeting=greeting)
    except ConfigError as error:
        if getattr(error.__cause__, "errno", None) != errno.EADDRINUSE:
            raise
        from scrubjay.cli.port_taken import neighbour

        message, status = neighbour(loaded.settings.relay.host, loaded.settings.relay.port)
        click.echo(message, err=True)
        return status


def _greeting(given: dict[str, Any]) -> Greeting:
    from scrubjay.runtime.doors import Doors
    from scrubjay.runtime.greeting import addresses_of, greet, greet_program
    from scrubjay.settings.schema import Settings

    def say(settings: Settings, doors: Doors) -> None:
        (greet_program if given["print_json"] else greet)(settings, doors)
        sys.stdout.flush()
        url = addresses_of(settings, doors).url
        if given["open_recording"]:
            client = CaptureClient(url, token=given["token"], timeout_s=_LOADING_S)
            _beside("recording", lambda: _show(client, given["open_recording"]))
        if given["opens"]:
            _beside("browser", lambda: _open(url))

    return say


def _beside(name: str, work: Callable[[], None]) -> None:
    """What waits for the sink, which must be served meanwhile."""
    threading.Thread(target=work, name=name, daemon=True).start()


def _refuse_what_is_no_recording(path: Path) -> None:
    """Before there is a sink that would stay empty. Raises: ConfigError."""
    from scrubjay.core.capture.imports import read_upload
    from scrubjay.core.capture.recording import MAGIC
    from scrubjay.core.capture.values import BadQuery

    try:
        data = path.read_bytes()
        if not data.startswith(MAGIC):
            read_upload(data)
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", where=str(path)) from error
    except BadQuery as error:
        accepted = "a file of --record, lines of `capture export`, or an envelope"
        raise ConfigError("this is no recording", where=str(path), accepted=accepted) from error


def _show(client: CaptureClient, recording: Path) -> None:
    try:
        client.load(recording.read_bytes())
    except (OSError, ScrubjayError) as error:
        click.echo(f"{recording}: {safe(str(error))}", err=True)


def _open(url: str) -> None:
    """In a browser with windows; one that lives in the terminal would take it away."""
    import webbrowser

    has_windows = sys.platform == "darwin" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    has_one = has_windows or os.environ.get("BROWSER")
    if not (has_one and webbrowser.open(url)):
        click.echo(f"no browser to open {url}/ with", err=True)
