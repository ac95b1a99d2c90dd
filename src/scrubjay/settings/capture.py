"""The settings of the capture sink: what is kept of what arrives, who may see it, and what it may read (`capture.md`)."""

from __future__ import annotations

from typing import Literal

from scrubjay.settings.setting import KIB, MIB, Secret, Section, setting

Originals = Literal["auto", "full", "shape", "none"]


class Capture(Section, frozen=True):
    """Mode `capture`, or beside forwarding: what arrives is kept in memory and shown on a page."""

    enabled: bool = setting(
        False,
        "Beside forwarding: show on the page what passes. Mode `capture` does in any case. One worker then.",
    )
    max_envelopes: int = setting(500, "Envelopes that are kept; the oldest go first.", minimum=1)
    max_bytes: int = setting(64 * MIB, "The same in bytes.", unit="bytes", minimum=KIB)
    originals: Originals = setting(
        "auto",
        "What is kept of values that scrubbing took: `full` the original payload, `shape` its lengths and kinds of characters, `none` "
        "nothing. In memory only; on any address but loopback always `none`.",
        shown="`full` in mode `capture`, `shape` beside forwarding, `none` on any address but loopback",
    )
    token: Secret | None = setting(
        None, "Bearer token for reading; demanded on any address but loopback.", example="${CAPTURE_TOKEN}"
    )
    allowed_hosts: tuple[str, ...] = setting(
        (), "Further names by which this machine may be called in `Host`.", example="[dev.example]"
    )
    allowed_origins: tuple[str, ...] = setting(
        (),
        "Further origins whose pages may read what is captured: a whole origin, or a host for any scheme and port.",
        example="[https://shop.test:8443]",
    )
    context_roots: tuple[str, ...] | None = setting(
        None,
        "Folders from which lines of source code are read for stack traces that have none; `[]`: nowhere.",
        unit="path",
        example="[/srv/app]",
        shown="the working directory at start; nowhere on any address but loopback",
    )
    fetch_sourcemaps: bool = setting(
        False,
        "For stack traces of scripts, fetch the scripts, their source maps and what those name, and show the lines as they were "
        "written; from servers of loopback names and of `allowed_origins` alone.",
    )
    record: str | None = setting(
        None,
        "File to which what is captured is written, scrubbed, and from which a start takes it up again.",
        unit="path",
        example="capture.rec",
    )
    spotlight_port: int | None = setting(
        8969,
        "Mode `capture` listens there too, where SDKs look for Spotlight; null: it does not, 0: a free one.",
        minimum=0,
        maximum=65535,
    )
    open_in_editor: str | None = setting(
        None,
        "Command that opens a file of a stack trace, with `{file}`, `{line}` and `{column}`; null: the page offers it not.",
        example="code --goto {file}:{line}:{column}",
    )
    page_badge: bool = setting(
        True,
        "Offer `/assets/main.js`, which Django's development pages load to show a badge with the number of errors.",
    )
    mcp: bool = setting(
        False,
        "Answer at `/mcp` in the Model Context Protocol, so that an editor's assistant can look at what was captured, scrubbed; "
        "`scrubjay mcp` is the way there by standard input and output.",
    )
    replay_to: tuple[str, ...] = setting(
        (),
        "Servers, as scheme://host[:port], to which captured envelopes may be sent again, scrubbed, at somebody's request.",
        unit="url",
        example="[https://errors.example.com]",
    )
