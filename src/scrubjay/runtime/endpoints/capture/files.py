"""Files of this machine that stack traces name: their lines, and opening them in an editor (`capture.md` 5.4, 6.4).

Owns which files may be touched: regular ones below the configured folders, after symbolic links are followed, up to a size; and of which
servers scripts and their source maps may be fetched, if `capture.fetch_sourcemaps` wants that: how is `capturing.source_files`'. On any address
but loopback neither route is there. Who may ask is the guard's business.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import shlex
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from aiohttp import web
from yarl import URL

from scrubjay.core.capture.context_lines import Frame, with_context
from scrubjay.core.capture.originals import url_of, with_originals
from scrubjay.core.envelope import decode_json
from scrubjay.errors import ConfigError
from scrubjay.runtime.capturing.source_files import SourceFiles, Sources
from scrubjay.runtime.endpoints.capture.site import Site
from scrubjay.runtime.endpoints.common import Request, receive
from scrubjay.runtime.endpoints.front import Route
from scrubjay.runtime.endpoints.guard import Guests, answer, error_reply, is_local_name
from scrubjay.runtime.log import LimitedLog
from scrubjay.runtime.tasks import Tasks
from scrubjay.settings.capture import Capture

MAX_FILE_BYTES: Final = 2 * 1024 * 1024
_MAX_TRACE_BYTES: Final = 4 * 1024 * 1024
_MAX_PLACE_BYTES: Final = 8 * 1024
_PLACE: Final = re.compile(r"(?P<file>.+?)(:(?P<line>\d{1,9}))?(:(?P<column>\d{1,9}))?", re.DOTALL)


def routes(site: Site) -> list[Route]:
    if not site.guard.on_loopback:
        return []
    options, guard = site.settings.capture, site.guard
    files = _Files(site, Roots.of(options))
    found = [Route("PUT", "/contextlines", guard(files.context_lines), "capture")]
    if options.open_in_editor is not None:
        files.editor = _command(options.open_in_editor)
        found.append(Route("POST", "/open", guard(files.open), "capture"))
    return found


class Roots:
    """The folders below which files may be read. Relative names are looked for in each, in order."""

    def __init__(self, folders: Sequence[str]) -> None:
        self._folders = [Path(folder).resolve() for folder in folders]

    @classmethod
    def of(cls, options: Capture) -> Roots:
        """The working directory, unless told otherwise; but not where that is the whole disk, as in a service."""
        if options.context_roots is not None:
            return cls(options.context_roots)
        here = Path.cwd()
        return cls([] if here == here.parent else [str(here)])

    def find(self, name: str) -> Path | None:
        """The file that is meant, if it is one that may be read."""
        named = _local_path(name)
        if named is None:
            return None
        for folder in self._folders:
            try:
                found = (folder / named).resolve(strict=True)
                if any(map(found.is_relative_to, self._folders)) and found.is_file():
                    return found
            except (OSError, ValueError, RuntimeError):  # not there, no name for a file, links in a circle
                continue
        return None

    def lines(self, frame: Frame) -> list[str] | None:
        """Of a frame's file; None for one that cannot be read, is too long, or is no text."""
        names = (frame.get("abs_path"), frame.get("filename"))
        found = next((path for name in names if isinstance(name, str) and (path := self.find(name))), None)
        content = None if found is None else _content(found)
        if content is None or b"\0" in content:
            return None
        return content.decode("utf-8", "replace").splitlines()

    def __repr__(self) -> str:
        return f"<Roots {[str(folder) for folder in self._folders]}>"


class _Files:
    """The handlers. `editor`: the words of a command, with places for file, line and column."""

    def __init__(self, site: Site, roots: Roots) -> None:
        self._bounds = site.ports.bounds
        self._roots = roots
        options = site.settings.capture
        self._sources = SourceFiles(_Reach(options), site.ports.has_memory) if options.fetch_sourcemaps else None
        self._log = LimitedLog("capture")
        self._editors = Tasks(self._note)
        self.editor: list[str] = []

    async def context_lines(self, request: Request) -> web.Response:
        body = await receive(request, _MAX_TRACE_BYTES, self._bounds.body_idle_timeout)
        try:
            trace = decode_json(body)
        except ValueError:
            trace = None
        if not isinstance(trace, Mapping):
            return error_reply(400, "bad_body", "this is no JSON of a stack trace")
        sources = Sources() if self._sources is None else await self._sources.of(trace)
        return answer(await asyncio.to_thread(self._filled, trace, sources))

    def _filled(self, trace: Mapping[str, object], sources: Sources) -> dict[str, object]:
        """In a thread: a disk may be slow. Each file is read once; a script that was fetched is not looked for."""
        known: dict[tuple[object, object], list[str] | None] = {}

        def read(frame: Frame) -> list[str] | None:
            if (url := url_of(frame)) is not None and url in sources.scripts:
                return sources.scripts[url]
            names = frame.get("abs_path"), frame.get("filename")
            names = (names[0] if isinstance(names[0], str) else None, names[1])
            if names not in known:
                known[names] = self._roots.lines(frame)
            return known[names]

        return with_originals(with_context(trace, read), sources.originals)

    async def open(self, request: Request) -> web.Response:
        body = await receive(request, _MAX_PLACE_BYTES, self._bounds.body_idle_timeout)
        match = _PLACE.fullmatch(body.decode("utf-8", "replace").strip())
        found = None if match is None else await asyncio.to_thread(self._roots.find, match["file"])
        if match is None or found is None:
            return error_reply(404, "not_found", "no such file in the folders of capture.context_roots")
        place = {"{file}": str(found), "{line}": match["line"] or "1", "{column}": match["column"] or "1"}
        try:
            program = await _launch([_filled_in(word, place) for word in self.editor])
        except OSError as error:
            self._log.line(logging.WARNING, "editor", f"the editor cannot be started: {error.strerror or error}")
            return error_reply(500, "editor", "the command of capture.open_in_editor cannot be started")
        self._editors.start("editor", _ended(program))
        return web.Response(status=204)

    def _note(self, name: str, error: BaseException) -> None:
        self._log.line(logging.ERROR, name, "waiting for it failed", error=error)


class _Reach:
    """Servers of this machine, and those whose pages may look at what was captured anyway."""

    def __init__(self, options: Capture) -> None:
        self._guests = Guests.of(options)

    def allows(self, url: URL) -> bool:
        host = (url.raw_host or "").lower()
        if url.scheme not in ("http", "https") or not host or url.raw_user is not None or url.raw_password is not None:
            return False
        guests = self._guests
        return self.is_local(host) or host in guests.origin_hosts or str(url.origin()).lower() in guests.origins

    def is_local(self, host: str) -> bool:
        return is_local_name(host.lower())


async def _launch(command: Sequence[str]) -> asyncio.subprocess.Process:
    """Starts a program that outlives the request, and us; whatever it says is its own business."""
    quiet = asyncio.subprocess.DEVNULL
    return await asyncio.create_subprocess_exec(
        *command, stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True
    )


async def _ended(program: asyncio.subprocess.Process) -> None:
    """Somebody has to, or the system keeps what is left of it."""
    await program.wait()


def _command(text: str) -> list[str]:
    """The words of a command, split before anything is put in, so that no file name can become a word of its own."""
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise ConfigError(f"cannot be read as a command: {error}", path="capture.open_in_editor") from None
    if not words or not words[0]:
        raise ConfigError("is empty; null turns it off", path="capture.open_in_editor")
    return words


def _filled_in(word: str, place: Mapping[str, str]) -> str:
    return re.sub(r"\{(file|line|column)\}", lambda match: place[match[0]], word)


def _local_path(name: str) -> str | None:
    """A path of this machine; None for addresses of anything else."""
    if "://" not in name:
        return name
    try:
        url = urlsplit(name)
    except ValueError:
        return None
    return unquote(url.path) if url.scheme == "file" and url.netloc in ("", "localhost") else None


def _content(path: Path) -> bytes | None:
    """Never follows what became a link meanwhile, nor waits for a pipe."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            about = os.fstat(descriptor)
            if not stat.S_ISREG(about.st_mode) or about.st_size > MAX_FILE_BYTES:
                return None
            return file.read(MAX_FILE_BYTES)
    except OSError:
        return None
