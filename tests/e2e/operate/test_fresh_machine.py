"""A machine that has nothing but Python and git: the README's two commands, in a Debian that was made a moment ago."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.image import ROOT, make_tree
from support.processes import Child, answers, free_port

MACHINE = """
mount -t proc proc "$TREE/proc"
mount --bind /dev "$TREE/dev"
mount --bind "$ROOT" "$TREE/mnt"
for file in /etc/resolv.conf /etc/pip.conf /etc/ssl/certs/ca-certificates.crt; do
  [ ! -f "$file" ] || { mkdir -p "$TREE${file%/*}"; cp "$file" "$TREE$file"; }
done
exec env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 "$@" chroot "$TREE" sh -euc "cd /root/scrubjay; $COMMAND"
"""
CLONE = "git -c safe.directory='*' clone -q /mnt /root/scrubjay"
SELECTION = "-q tests/unit/core/test_dsn.py tests/unit/cli/test_dsn.py tests/integration/test_forward.py"
INSTALL_S = 540


def command(title: str) -> str:
    """The first shell block of a section of the README."""
    section = (ROOT / "README.md").read_text().split(f"## {title}\n", 1)[1]
    return section.split("```sh\n", 1)[1].split("```", 1)[0]


def argv(tree: Path, shell: str, **env: str) -> tuple[list[str], dict[str, str]]:
    """A command on the machine, and the environment to start it with."""
    pairs = [f"{name}={value}" for name, value in env.items()]
    command = ["unshare", "--mount", "--propagation", "private", "sh", "-euc", MACHINE, "sh", *pairs]
    return command, {"TREE": str(tree), "ROOT": str(ROOT), "COMMAND": shell}


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    tree = tmp_path_factory.mktemp("machine") / "tree"
    make_tree(tree, "bookworm", "python3", "python3-venv", "git")
    (tree / "root" / "scrubjay").mkdir()
    clone, env = argv(tree, CLONE)
    subprocess.run(clone, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **env}, check=True, stdin=subprocess.DEVNULL)
    yield tree
    shutil.rmtree(tree)


@pytest.mark.deep
def test_one_command_runs_it(machine: Path, tmp_path: Path) -> None:
    port = free_port()
    start, env = argv(
        machine,
        command("Start in a minute"),
        SCRUBJAY__RELAY__PORT=str(port),
        SCRUBJAY__CAPTURE__SPOTLIGHT_PORT="0",
    )
    child = Child(start, cwd=tmp_path, log=tmp_path / "log", env=env)
    try:
        child.wait_until(lambda: answers(port, "/readyz"), "the relay of the README is ready", timeout_s=INSTALL_S)
        assert f"@localhost:{port}/" in child.output()
    finally:
        child.kill()


@pytest.mark.deep
def test_one_command_tests_it(machine: Path, tmp_path: Path) -> None:
    test, env = argv(machine, command("Tests"), PYTEST_ADDOPTS=SELECTION)
    child = Child(test, cwd=tmp_path, log=tmp_path / "log", env=env)
    try:
        assert child.wait(timeout_s=INSTALL_S) == 0, child.output()[-4000:]
    finally:
        child.kill()
    assert " passed" in child.output()
