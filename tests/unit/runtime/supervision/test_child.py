"""Starting processes: what a worker is told and inherits, and what comes of a check. The program is a stand-in."""

from __future__ import annotations

import json
import socket
import sys
import time
from pathlib import Path

import pytest

from scrubjay.runtime.supervision import child
from scrubjay.runtime.supervision.child import Check, Workers
from scrubjay.runtime.supervision.orders import Orders
from scrubjay.runtime.supervision.slot import Slot

ORDERS = Orders("static", "127.0.0.1", 0, 2, "/the/state")


def program(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    monkeypatch.setattr(child, "_PROGRAM", (sys.executable, "-c", code))


def test_a_worker_is_held_to_what_belongs_to_the_whole(tmp_path: Path) -> None:
    with socket.socket() as listener:
        slot = Slot(1, listener)
        slot.partition = 5
        workers = Workers(["--config=conf", "--port=0"], ORDERS, 4242, tmp_path / "l")
        command = workers.command(slot, 99)
        assert command[5:] == [
            *("--config=conf", "--port=0", "--host", "127.0.0.1", "--port", "4242", "--workers", "2"),
            *("--slot", "5", "--socket", str(listener.fileno()), "--channel", "99", "--ledger", str(tmp_path / "l")),
        ]
        assert command[1] == "-P", "the folder it is started in is no place for modules"
        slot.follows_a_death = True
        assert workers.command(slot, 99)[-1] == "--again"


def test_further_listeners_are_handed_on_by_name(tmp_path: Path) -> None:
    with socket.socket() as listener, socket.socket() as internal, socket.socket() as unix:
        slot = Slot(1, listener, {"internal": internal, "unix": unix})
        command = Workers([], ORDERS, 1, tmp_path).command(slot, 99)
        assert command[-4:] == ["--internal-socket", str(internal.fileno()), "--unix-socket", str(unix.fileno())]


def test_it_inherits_its_own_descriptors_and_no_more(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program(
        monkeypatch,
        "import json, os, socket, sys\n"
        "given = dict(zip(sys.argv[1::2], sys.argv[2::2]))\n"
        "channel = socket.socket(fileno=int(given['--channel']))\n"
        "kept = [n for n in range(3, 1024) if os.path.exists(f'/proc/self/fd/{n}') and 'socket' in os.readlink(f'/proc/self/fd/{n}')]\n"
        "channel.send(json.dumps([sorted(kept), os.environ['SCRUBJAY__RELAY__STATE_DIR']]).encode())\n",
    )
    ours, theirs = socket.socketpair()
    with socket.socket() as listener, socket.socket() as internal, ours, theirs:
        process = Workers([], ORDERS, 1, tmp_path)(Slot(0, listener, {"internal": internal}), theirs)
        expected = sorted([listener.fileno(), internal.fileno(), theirs.fileno()])
        assert json.loads(ours.recv(1000)) == [expected, "/the/state"]
        assert process.wait() == 0


def result(check: Check) -> Orders | str:
    while (found := check.result()) is None:
        time.sleep(0.01)
    return found


def test_a_check_brings_orders(monkeypatch: pytest.MonkeyPatch) -> None:
    program(monkeypatch, f"import sys; assert sys.argv[-1] == '--orders', sys.argv; print({ORDERS.dump()!r})")
    assert result(Check(["--config=conf"])) == ORDERS


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("import sys; sys.exit('a note\\nconfig: relay.port: nonsense')", "config: relay.port: nonsense"),
        ("import sys; sys.exit(4)", "checking it ended with 4"),
    ],
)
def test_or_says_why_there_are_none(monkeypatch: pytest.MonkeyPatch, code: str, problem: str) -> None:
    program(monkeypatch, code)
    assert result(Check([])) == problem


def test_a_check_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    program(monkeypatch, "import time; time.sleep(100)")
    monkeypatch.setattr(child, "_LONGEST_CHECK_S", 0.0)
    assert Check([]).result() == "checking it ended with -9"


def test_nobody_waits_for_a_check_that_is_not_wanted_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    program(monkeypatch, "import time; time.sleep(100)")
    check = Check([])
    assert check.result() is None
    check.end()
    assert check.result() == "checking it ended with -9"
