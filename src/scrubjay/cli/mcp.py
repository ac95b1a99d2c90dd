"""`scrubjay mcp`: the Model Context Protocol over standard input and output, for editors that start their servers (`capture.md` 14).

Owns lines and what becomes of them. The protocol is `core.capture.mcp`'s; tools are run by the sink, whose `/mcp` is asked anew for each, so that a
sink may come and go while the editor runs. Invariant: nothing but answers goes to standard output.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from typing import IO, Any, Final

import click

from scrubjay.capture_client import ApiError, CaptureClient
from scrubjay.cli.capture_options import TOKEN_VARIABLE, address_options, client_of
from scrubjay.cli.terminal import safe
from scrubjay.cli.verb import verb
from scrubjay.core.capture.mcp.jsonrpc import INTERNAL_ERROR, INVALID_REQUEST, Fault, batch, parse, read_message
from scrubjay.core.capture.mcp.protocol import Call, answer
from scrubjay.core.capture.mcp.texts import result
from scrubjay.core.capture.reading import Json
from scrubjay.core.envelope import encode_json
from scrubjay.errors import ScrubjayError

MAX_LINE_BYTES: Final = 1 << 20


@verb("mcp")
@address_options
@click.pass_context
def mcp(ctx: click.Context, /, **given: Any) -> None:
    """Let an editor's assistant look at what is captured: the Model Context Protocol over standard input and output.

    The sink has to run with `capture.mcp: true`. Ends with its input.
    """
    client = client_of(given)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        for line in _lines(sys.stdin.buffer):
            told = _answered(line, client)
            if told is not None:
                sys.stdout.buffer.write(encode_json(told) + b"\n")
                sys.stdout.buffer.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what is still in its buffer
    except KeyboardInterrupt:
        pass
    ctx.exit(0)


def _lines(source: IO[bytes]) -> Iterator[bytes | None]:
    """None: one that is too long, whose rest is not kept."""
    while line := source.readline(MAX_LINE_BYTES + 1):
        if len(line) <= MAX_LINE_BYTES:
            if line.strip():
                yield line
            continue
        while line and not line.endswith(b"\n"):
            line = source.readline(MAX_LINE_BYTES)
        yield None


def _answered(line: bytes | None, client: CaptureClient) -> object | None:
    """What is written; None: nothing."""
    try:
        if line is None:
            raise Fault(INVALID_REQUEST, f"a message has at most {MAX_LINE_BYTES} bytes")
        node = parse(line)
        if isinstance(node, list):  # the oldest versions have batches
            return [told for one in batch(node) if (told := _one(one, client)) is not None] or None
    except Fault as fault:
        return fault.document()
    return _one(node, client)


def _one(node: object, client: CaptureClient) -> Json | None:
    try:
        message = read_message(node)
        told = None if message is None else answer(message)
        return _called(told, client) if isinstance(told, Call) else told
    except Fault as fault:
        return fault.document()


def _called(call: Call, client: CaptureClient) -> Json:
    """A sink that cannot be asked is told to the model: somebody reads it there, who can start one. Raises `Fault`."""
    try:
        told = client.call_tool(call.name, call.arguments)
    except ApiError as error:
        return call.answer(result([_remedy(error, client.url)], is_error=True))
    except ScrubjayError as error:
        said = f"{error}. Start a sink with `SCRUBJAY__CAPTURE__MCP=true scrubjay capture`."
        return call.answer(result([safe(said, 1_000)], is_error=True))
    found = told.get("result")
    if not isinstance(found, dict):
        fault = told.get("error")
        message = fault.get("message") if isinstance(fault, dict) else "the sink gives no answer of this protocol"
        raise Fault(INTERNAL_ERROR, safe(str(message), 1_000), to=call.id)
    return call.answer(found)


def _remedy(error: ApiError, url: str) -> str:
    if error.status == 404:
        return (
            f"The sink at {url} does not answer tools: start it with `capture.mcp: true` (SCRUBJAY__CAPTURE__MCP=true)."
        )
    hint = f"; set --token or {TOKEN_VARIABLE}" if error.status == 401 else ""
    return safe(f"The sink at {url} answers {error.status}: {error}{hint}", 1_000)
