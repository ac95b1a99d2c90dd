"""The README's commands, word for word, in a clean copy of the checkout: a stranger must get what it promises."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.processes import Child, answers, free_port, get
from support.requirements import tool

ROOT = Path(__file__).parents[2]
INSTALL_S = 300
READY = "/api/relay/healthcheck/ready/"


def commands(title: str) -> list[str]:
    """The shell blocks of one section, in order."""
    section = (ROOT / "README.md").read_text().split(f"## {title}\n", 1)[1].split("\n## ", 1)[0]
    return re.findall(r"```sh\n(.*?)```", section, re.DOTALL)


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a clone of the working tree would hold: no environment, no build output."""
    git = tool("git")
    listing = [str(git), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    folder = tmp_path_factory.mktemp("clone")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def started(clone: Path) -> Iterator[tuple[Child, int]]:
    """The first command of the README, running; on another port, since 3000 may be taken here."""
    port = free_port()
    env = {"SCRUBJAY__RELAY__PORT": str(port), "SCRUBJAY__CAPTURE__SPOTLIGHT_PORT": "0", "VIRTUAL_ENV": ""}
    child = Child(["bash", "-c", commands("Start in a minute")[0]], cwd=clone, log=clone / "run.log", env=env)
    try:
        child.wait_until(lambda: answers(port, READY), "the relay of the README is ready", timeout_s=INSTALL_S)
        yield child, port
    finally:
        child.kill()


def test_one_command_runs_it(started: tuple[Child, int]) -> None:
    child, port = started
    assert f"@localhost:{port}/" in child.output(), "it prints the DSN to use"
    assert get(port, "/")[0] == 200


def test_the_first_event_arrives_scrubbed(started: tuple[Child, int], clone: Path) -> None:
    _, port = started
    send = commands("Start in a minute")[1].replace("3000", str(port))
    done = subprocess.run(["bash", "-c", send], cwd=clone, stdin=subprocess.DEVNULL, timeout=INSTALL_S, check=False)
    assert done.returncode == 0
    status, found = get(port, "/api/capture/wait?type=error&timeout=20")
    assert status == 200
    assert "card [creditcard] of [email]" in json.dumps(json.loads(found))
    assert b"4242" not in found
    assert b"ana@lab.example" not in found
