"""A real Bugsink as central server: own environment, sqlite, one gunicorn process on a loopback port.

Owns its installation, start, stop and restart on the same port, and reading what it stored: events as Bugsink digested
them, and the envelopes as they came over the wire. `PROJECTS` projects exist from the start; each test takes its own.
"""

import sqlite3
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from support.environments import python_environment
from support.processes import Child, answers, free_port, wait_for

VERSION = "2.6.1"
PROJECTS = 60
_SETTINGS = """
DATABASES["default"]["NAME"] = {folder!r} + "/db.sqlite3"
DATABASES["snappea"]["NAME"] = {folder!r} + "/snappea.sqlite3"
# The address of whoever sent an event is kept as a server behind one proxy would learn it.
USE_X_FORWARDED_FOR = True
X_FORWARDED_FOR_PROXY_COUNT = 1
BUGSINK.update({{
    "BASE_URL": {url!r}, "PHONEHOME": False, "KEEP_ENVELOPES": 1_000_000, "INGEST_STORE_BASE_DIR": {folder!r} + "/ingest",
    "MAX_EVENTS_PER_PROJECT_PER_5_MINUTES": 100_000, "MAX_EVENTS_PER_PROJECT_PER_HOUR": 100_000,
    "MAX_EVENTS_PER_5_MINUTES": 100_000, "MAX_EVENTS_PER_HOUR": 100_000,
}})
"""
_MAKE_PROJECTS = """
import uuid
from projects.models import Project
from teams.models import Team
team, _ = Team.objects.get_or_create(name="tests")
for number in range(1, {count} + 1):
    Project.objects.create(id=number, name=f"p{{number}}", slug=f"p{{number}}", team=team, sentry_key=uuid.UUID(int=number))
"""


class Project:
    """One project of a Bugsink: its address, and what is stored for it."""

    def __init__(self, server: "Bugsink", number: int) -> None:
        self._server = server
        self.id = number
        self.key = uuid.UUID(int=number).hex

    @property
    def dsn(self) -> str:
        return f"http://{self.key}@127.0.0.1:{self._server.port}/{self.id}"

    def events(self) -> list[dict[str, object]]:
        """Rows of the digested events, `data` holding the event's JSON text."""
        return self._server.query("select * from events_event where project_id = ? order by digested_at", self.id)

    def envelopes(self) -> list[bytes]:
        """Bodies of the envelopes, decompressed, otherwise as received."""
        rows = self._server.query("select data from ingest_envelope where project_pk = ? order by id", self.id)
        return [bytes(row["data"]) for row in rows]  # type: ignore[call-overload]

    def wait_for_events(self, count: int = 1, *, timeout_s: float = 30.0) -> list[dict[str, object]]:
        wait_for(lambda: len(self.events()) >= count, f"{count} events in project {self.id}", timeout_s=timeout_s)
        return self.events()

    def everything_stored(self) -> bytes:
        """All that the server keeps of this project's traffic, in one piece to search in."""
        cells = (str(cell).encode(errors="surrogateescape") for row in self.events() for cell in row.values())
        return b"\n".join([*cells, *self.envelopes()])


class Bugsink:
    """The server. `start` and `stop` may alternate; the port and the data stay."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self._bin = python_environment("bugsink", f"bugsink=={VERSION}")
        self._env = {"PYTHONPATH": str(folder), "DJANGO_SETTINGS_MODULE": "bugsink_conf", "SENTRY_DSN": ""}
        self._child: Child | None = None
        self._numbers: Iterator[int] = iter(range(1, PROJECTS + 1))
        self._prepare()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def start(self) -> None:
        gunicorn = [self._bin / "gunicorn", "--bind", f"127.0.0.1:{self.port}", "--workers", "1", "--threads", "4"]
        self._child = Child(
            [*gunicorn, "--graceful-timeout", "1", "--no-control-socket", "bugsink.wsgi"],
            cwd=self.folder,
            log=self.folder / "log",
            env=self._env,
        )
        self._child.wait_until(lambda: answers(self.port, "/health/ready"), "Bugsink answers")

    def stop(self) -> None:
        if self._child is not None:
            self._child.stop()
            self._child = None

    def kill(self) -> None:
        """SIGKILL."""
        if self._child is not None:
            self._child.kill()
            self._child = None

    def project(self) -> Project:
        """A project that no other test has used."""
        return Project(self, next(self._numbers))

    def query(self, statement: str, *parameters: object) -> list[dict[str, object]]:
        """Rows of a read-only query on Bugsink's database."""
        with closing(sqlite3.connect(f"file:{self.folder}/db.sqlite3?mode=ro", uri=True, timeout=10)) as database:
            database.row_factory = sqlite3.Row
            return [dict(row) for row in database.execute(statement, parameters)]

    def _prepare(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        conf = self.folder / "bugsink_conf.py"
        host = ["--host", "127.0.0.1", "--port", str(self.port)]
        self._manage("bugsink-create-conf", "--template", "local", *host, "-o", str(conf))
        with conf.open("a") as lines:
            lines.write(_SETTINGS.format(folder=str(self.folder), url=self.url.rstrip("/")))
        self._manage("bugsink-manage", "migrate", "--verbosity=0")
        self._manage("bugsink-manage", "migrate", "snappea", "--database=snappea", "--verbosity=0")
        self._manage("bugsink-manage", "shell", "-c", _MAKE_PROJECTS.format(count=PROJECTS))

    def _manage(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [str(self._bin / program), *arguments],
            cwd=self.folder,
            env={"PATH": "/usr/bin:/bin", **self._env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{program} {arguments}:\n{done.stdout}"
