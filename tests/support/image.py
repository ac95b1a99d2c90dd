"""The container image without a container daemon: built by buildah, on a base that is made on the spot, and run as Kubernetes would.

Owns a base (Debian with Python, nothing else), kept in the cache of `environments`; the store of layers around it; building, looking at what was built, and
running it: the image's own entry point, environment, user and working directory, in a root that is mounted read-only, without any capability, with
the volume and a small /tmp as the only places to write. It needs root.
"""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support.environments import installed
from support.processes import Child, answers
from support.requirements import require, tool

ROOT = Path(__file__).parents[2]
BASE = "localhost/base"
IMAGE = "localhost/scrubjay"
PACKAGES = ("python3", "python3-venv", "ca-certificates")
READY = "/readyz"
_LEFT_OUT = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*")
_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
_PIP = Path("/etc/pip.conf")
_BUILD_S = 600

_RUN_READ_ONLY = """
mount --bind "$ROOT" "$ROOT"
mount -t proc -o ro proc "$ROOT/proc"
mount -t tmpfs -o size=16m,mode=1777 tmpfs "$ROOT/tmp"
mount --bind /dev "$ROOT/dev"
while [ "$1" != -- ]; do mkdir -p "$ROOT$2"; mount --bind "$1" "$ROOT$2"; shift 2; done
shift
[ "$WRITABLE" = 1 ] || mount -o remount,bind,ro "$ROOT"
cd "$ROOT"
exec "$@"
"""


def make_tree(folder: Path, suite: str, *packages: str) -> None:
    """A bare Debian with `packages` in `folder`, which is new or empty."""
    require(os.geteuid() == 0, "needs root, to make a Debian tree")
    program = tool("mmdebstrap", "Debian package mmdebstrap")
    command = [str(program), "-q", "--variant=minbase", "--format=directory", f"--include={','.join(packages)}"]
    command += [f"--dpkgopt=path-exclude={pattern}" for pattern in _LEFT_OUT]
    command += ["--dpkgopt=force-unsafe-io", suite, str(folder)]
    subprocess.run(command, check=True, timeout=_BUILD_S, stdin=subprocess.DEVNULL, capture_output=True, text=True)


@dataclass(frozen=True, slots=True)
class Store:
    """Layers and images in a folder of their own. `suite`: the Debian that the base is, which says which Python."""

    folder: Path
    suite: str

    def buildah(self, *arguments: str | Path) -> str:
        """What it printed; AssertionError with everything it said if it fails."""
        own = ["--root", self.folder / "store", "--runroot", self.folder / "run"]
        command = [str(part) for part in (tool("buildah", "Debian package buildah"), *own, *arguments)]
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_BUILD_S, check=False
        )
        assert done.returncode == 0, f"{command}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
        return done.stdout.strip()

    def build(self, context: Path = ROOT, **arguments: str) -> str:
        """The name of the image that the Dockerfile makes; `arguments` are its build arguments. Nothing of how packages are had stays in it."""
        options: list[str | Path] = [f"--build-arg={name}={value}" for name, value in arguments.items()]
        if _CERTIFICATES.is_file():
            options.append(f"--volume={_CERTIFICATES}:{_CERTIFICATES}:ro")
        if _PIP.is_file():
            options.append(f"--secret=id=pipconf,src={_PIP}")
        options += ["--pull-never", "--isolation=chroot", "--format=docker", f"--build-arg=BASE_IMAGE={BASE}"]
        self.buildah("bud", "-q", *options, "-t", IMAGE, context)
        return IMAGE

    def config(self, image: str) -> dict[str, Any]:
        """What the image says of itself."""
        config = json.loads(self.buildah("inspect", "--type", "image", image))["Docker"]["config"]
        return dict(config)

    def layer_bytes(self, image: str, folder: Path) -> list[int]:
        """The compressed size of each layer, as a registry would hold it; those of the base come first."""
        self.buildah("push", "-q", image, f"oci:{folder}:image")
        index = json.loads((folder / "index.json").read_text())
        digest = index["manifests"][0]["digest"].partition(":")[2]
        manifest = json.loads((folder / "blobs" / "sha256" / digest).read_text())
        return [int(layer["size"]) for layer in manifest["layers"]]

    @contextmanager
    def mounted(self, image: str) -> Iterator[Path]:
        """The files of an image, in a copy that may be changed."""
        container = self.buildah("from", "--pull-never", image)
        try:
            yield Path(self.buildah("mount", container))
        finally:
            self.buildah("umount", container)
            self.buildah("rm", container)

    def tidy(self) -> None:
        """Nothing is left but the base, whoever was interrupted."""
        self.buildah("rm", "--all")
        names = self.buildah("images", "--format", "{{.ID}} {{.Name}}").splitlines()
        for image in {line.split()[0] for line in names if not line.endswith(BASE)}:
            self.buildah("rmi", "--force", image)


def base_store(suite: str = "bookworm") -> Store:
    """A store that holds a base of `suite`, made by whoever asks first."""
    require(os.geteuid() == 0, "needs root, to build an image")
    tool("buildah", "Debian package buildah")

    def install(folder: Path) -> None:
        folder.mkdir()
        store = Store(folder, suite)
        container = store.buildah("from", "scratch")
        make_tree(Path(store.buildah("mount", container)), suite, *PACKAGES)
        store.buildah("umount", container)
        store.buildah("commit", "-q", container, BASE)
        store.buildah("rm", container)

    return Store(installed(f"image-base-{suite}", PACKAGES, install), suite)


@dataclass(frozen=True, slots=True)
class Container:
    """One image, unpacked, with a volume. `env` is added to the image's own; `mounts`: path inside → folder outside."""

    root: Path
    config: Mapping[str, Any]
    volume: Path
    port: int
    env: Mapping[str, str] = field(default_factory=dict)
    mounts: Mapping[str, Path] = field(default_factory=dict)
    is_writable: bool = False

    def start(self, *arguments: str, log: Path) -> Child:
        """The image's entry point with `arguments` (its own without any), until it is ready. Its process id is the relay's."""
        argv = [*self.config["Entrypoint"], *(arguments or self.config["Cmd"])]
        child = Child(self._command(argv), cwd=log.parent, log=log, env=self._outside())
        child.wait_until(lambda: answers(self.port, READY), "the relay of the image is ready")
        return child

    def run(self, *argv: str) -> subprocess.CompletedProcess[str]:
        """A command beside it, as `docker exec` would run it."""
        return subprocess.run(
            self._command(argv),
            env={**os.environ, **self._outside()},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def _outside(self) -> dict[str, str]:
        return {"ROOT": str(self.root), "WRITABLE": str(int(self.is_writable))}

    def _command(self, argv: Sequence[str]) -> list[str]:
        user, group = self.config["User"].split(":")
        if not self.volume.exists():
            self.volume.mkdir(mode=0o750)
            os.chown(self.volume, int(user), int(group))
        mounts = {self.config["WorkingDir"]: self.volume, **self.mounts}
        inside = dict(pair.split("=", 1) for pair in self.config["Env"])
        inside |= {"RELAY_PORT": str(self.port), **self.env}
        return [
            *("unshare", "--mount", "--propagation", "private", "sh", "-euc", _RUN_READ_ONLY, "sh"),
            *(str(part) for inner, outer in mounts.items() for part in (outer, inner)),
            *("--", "env", "-i", *(f"{name}={value}" for name, value in inside.items())),
            *(str(tool("chroot")), str(self.root), "/usr/bin/env", f"--chdir={self.config['WorkingDir']}"),
            *("setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups", "--no-new-privs"),
            *("--bounding-set=-all", "--inh-caps=-all"),
            *argv,
        ]
