"""What the kernel says of a process."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest

from scrubjay.runtime import process
from scrubjay.runtime.process import Process, is_gone, max_fds, process_space


def test_it_is_what_the_kernel_says() -> None:
    subject = Process()
    assert time.time() - 7 * 86_400 < subject.started_unix <= time.time() + 1
    before = subject.look()
    assert before.open_fds == len(list(Path("/proc/self/fd").iterdir())) - 1, "but for that of the listing"
    with Path(os.devnull).open(), Path(os.devnull).open():
        after = subject.look()
    assert after.open_fds == before.open_fds + 2
    assert 1 << 20 < after.resident_bytes < 1 << 36
    assert after.max_fds == resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    assert repr(subject).startswith("<Process ")


def test_processor_time_is_told_once_and_its_share_over_a_span(monkeypatch: pytest.MonkeyPatch) -> None:
    now = {"mono": 100.0, "cpu": 5.0}
    monkeypatch.setattr(process.time, "process_time", lambda: now["cpu"])
    subject = Process(mono=lambda: now["mono"])
    assert subject.look().cpu_s == 5.0, "what the start took counts too"
    now.update(mono=102.0, cpu=6.0)
    first = subject.look()
    assert (first.cpu_s, first.cpu_ratio) == (1.0, 3.0), "six seconds in the two since the beginning"
    now.update(mono=102.1, cpu=6.1)
    second = subject.look()
    assert second.cpu_s == pytest.approx(0.1)
    assert second.cpu_ratio == 3.0, "a moment says nothing"
    now.update(mono=104.0, cpu=6.5)
    assert subject.look().cpu_ratio == pytest.approx(0.25)


def test_without_a_kernel_that_tells_there_are_zeros(tmp_path: Path) -> None:
    subject = Process(root=tmp_path)
    found = subject.look()
    assert (found.resident_bytes, found.open_fds) == (0, 0)
    assert abs(subject.started_unix - time.time()) < 5


def test_no_limit_is_as_many_as_a_process_gets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process.resource, "getrlimit", lambda _: (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert max_fds() == 1 << 20


def test_numbers_of_processes_are_of_a_boot_and_a_namespace(tmp_path: Path) -> None:
    boot, namespace = process_space().split(" ")
    assert len(boot) == 36
    assert namespace.startswith("pid:[")
    assert process_space(tmp_path) == "", "the kernel does not tell"


def test_whether_another_process_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not is_gone(os.getpid())
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert is_gone(ended.pid)

    def refuse(pid: int, number: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "kill", refuse)
    assert not is_gone(1), "somebody else's"
