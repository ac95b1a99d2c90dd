"""Where commands of the documents are run word for word: a machine that looks like a reader's.

Owns a private network, in which the usual ports are free and `https://errors.example.com/` is a server with a certificate that is trusted; and
the rules by which a line of a page is run: one that begins to serve goes on in the background, one that follows is ended after a
moment, all others have to end with 0, or with the exit code that the line's comment names.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from support.certificates import make_authority, server_context
from support.requirements import require, tool

if TYPE_CHECKING:
    from support.mini_upstream import Arrival, Hook

ROOT = Path(__file__).parents[2]
SERVER = "errors.example.com"
LONGEST_S = 400

_FENCE = re.compile(r"^```(\w*)\s*$")
_CODE = re.compile(r"#.*exit (?:code|status) (\d+)$", re.MULTILINE)
_SERVES = re.compile(
    r"^[^|#]*\bscrubjay\b[^|#]*\b(?:run|(?<!capture )capture)(?: --?[\w-]+(?:[= ][\w.:/]+)?)*\s*&?\s*(?:#.*)?$"
)
_FOLLOWS = re.compile(r"^[^|#]*\bscrubjay\b[^|#]*(?:--follow\b|\btail\b)")

_PRELUDE = r"""
set -u
umask 022
ip link set lo up
mount --bind hosts /etc/hosts
export HOME=$PWD PATH="$SCRIPTS:$PATH" NO_COLOR=1 SSL_CERT_FILE=$PWD/ca.pem CURL_CA_BUNDLE=$PWD/ca.pem
"$PYTHON" -m support.stage "$PWD/server.pem" >server.log 2>&1 &
answers() { curl -s -o /dev/null --max-time 5 "$1"; }
within() { for _ in $(seq 1200); do "$@" && return; sleep 0.05; done; return 1; }
within answers https://errors.example.com/ || { echo "the server of the stage does not answer"; exit 1; }
servers=()
leave() { ((${#servers[@]})) && kill "${servers[@]}" 2>/dev/null && wait "${servers[@]}"; servers=(); }
serve() { # PORT: begins what stands in $line
  answers "http://127.0.0.1:$1/healthz" && leave
  eval "exec_=1; { $line
  } >>served.log 2>&1 &"
  servers+=($!)
  within answers "http://127.0.0.1:$1/healthz"
}
follow() { timeout -k 5 3 bash -c "$line"; local status=$?; return $((status == 124 ? 0 : status)); }
check() { # STATUS WANTED PLACE
  if [[ $1 != "$2" ]]; then
    printf '%s: ended with %s instead of %s:\n%s\n' "$3" "$1" "$2" "$line" >&2
    tail -n 30 served.log >&2 2>/dev/null
    leave; exit 1
  fi
}
"""


@dataclass(frozen=True, slots=True)
class Line:
    """One command of a page; it may take several lines there."""

    page: str
    number: int
    text: str

    @property
    def status(self) -> int:
        found = _CODE.search(self.text)
        return int(found[1]) if found else 0

    @property
    def call(self) -> str:
        """How the stage runs it."""
        if _SERVES.match(self.text):
            port = re.search(r"--port[= ](\d+)|config/chain/(gateway)|(?:INTERNAL|RELAY)_PORT=(\d+)", self.text)
            if port is not None:
                return f"serve {port[1] or port[3] or 3001}"
            return f"serve {8969 if re.search(r'scrubjay capture', self.text) else 3000}"
        return "follow" if _FOLLOWS.match(self.text) else 'eval "$line"'


def lines(page: str) -> Iterator[Line]:
    """All commands of a page's `sh` blocks; page: its path in the repository."""
    language, command, start = None, "", 0
    for number, text in enumerate((ROOT / page).read_text(encoding="utf-8").splitlines(), 1):
        fence = _FENCE.match(text)
        if fence:
            assert not command, f"{page}:{start}: the block ends before the command"
            language = fence[1] if language is None else None
        elif language == "sh" and (command or text.strip()):
            command, start = (f"{command}\n{text}", start) if command else (text, number)
            if _is_whole(command):
                yield Line(page, start, command)
                command = ""


def _is_whole(command: str) -> bool:
    if command.endswith("\\"):
        return False
    done = subprocess.run(["bash", "-n", "-c", command], capture_output=True, check=False)
    return done.returncode == 0 and not done.stderr  # a text that does not end is a warning


def play(page: str, folder: Path, *, before: str = "", instead: Mapping[str, str] | None = None) -> str:
    """Runs a page in `folder`, which gets a copy of `config`; returns what it printed. `before`: shell that makes what the page takes for granted;
    `instead`: words that the reader is to replace → by what.
    """
    unshare = tool("unshare", "util-linux")
    tool("ip", "iproute2")
    tool("curl")
    require(os.geteuid() == 0, "a private network needs root")
    make_authority(folder, SERVER)
    hosts = f"127.0.0.1 localhost {SERVER}\n::1 localhost\n"
    (folder / "hosts").write_text(hosts)
    subprocess.run(["cp", "-r", ROOT / "config", folder], check=True)
    script = _PRELUDE + before
    for line in lines(page):
        text = line.text
        for word, replacement in (instead or {}).items():
            text = text.replace(word, replacement)
        script += f"\nline=$(cat <<'LINE_OF_THE_PAGE'\n{text}\nLINE_OF_THE_PAGE\n)\n"
        script += f'{Line(page, line.number, text).call}; check $? {line.status} "{page}:{line.number}"\n'
    (folder / "stage.sh").write_text(f"{script}\nleave\n")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "SENTRY", "COV"))}
    done = subprocess.run(
        [unshare, "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "bash", "stage.sh"],
        cwd=folder,
        env={
            **kept,
            "PYTHON": sys.executable,
            "SCRIPTS": str(Path(sys.executable).parent),
            "PYTHONPATH": str(ROOT / "tests"),
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LONGEST_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:]
    return done.stdout


def registrar() -> Hook:
    """As Sentry answers relays: whoever comes may register, and every key has a configuration."""
    from support.authority import CONFIGS, Authority, document, name_of
    from support.mini_upstream import Answer

    sentry = Authority()

    def answer(arrival: Arrival) -> Answer | None:
        if arrival.method != "POST" or not arrival.path.startswith("/api/0/relays/"):
            return None
        name, headers = (
            name_of(arrival.path, arrival.body),
            {key.lower(): text for key, text in arrival.headers.items()},
        )
        if name == CONFIGS:
            sentry.projects |= {key: document(key, 42) for key in json.loads(arrival.body)["publicKeys"]}
        told = sentry.answer(name, headers, arrival.body)
        return Answer(told.status, body=json.dumps(told.body).encode())

    return answer


async def _serve(certificate: Path) -> None:
    from support.mini_upstream import MiniUpstream

    upstream = MiniUpstream(ssl_context=server_context(certificate))
    upstream.port, upstream.hook = 443, registrar()
    async with upstream:
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1])))
