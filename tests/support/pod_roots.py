"""What a container finds in its file system, without a container: an overlay of this machine's root with the pod's volumes in it.

Owns the volumes of a pod as the kubelet fills them (an `emptyDir` anybody may write, a new folder of the node root alone; files of ConfigMaps, Secrets and projections that
are swapped all at once by a symbolic link), and the command line that shows them, and nothing else to write to, to one process:
own mount namespace, read-only root, its own user, no capabilities, only the environment it is given. Needs root, as mounting does.
"""

import base64
import itertools
import os
import shlex
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.helm import Manifest
from support.requirements import require, tool

CHECKOUT = Path(__file__).parents[2]


def needs_mounts() -> None:
    """Skip, or fail in CI, where no root file system can be put together."""
    require(os.geteuid() == 0, "mounting volumes needs root")
    tool("unshare", "Debian: util-linux")


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom a container runs as."""

    uid: int
    gid: int
    groups: tuple[int, ...] = ()
    capabilities: tuple[str, ...] = ()

    def flags(self) -> list[str]:
        """For setpriv. Root, too, has no capabilities but those that the container names."""
        groups = f"--groups={','.join(map(str, self.groups))}" if self.groups else "--clear-groups"
        kept = ",".join(["-all", *(f"+{name.lower()}" for name in self.capabilities)])
        return [
            *(f"--reuid={self.uid}", f"--regid={self.gid}", groups),
            *("--no-new-privs", f"--bounding-set={kept}", "--inh-caps=-all"),
        ]


class Volumes:
    """The volumes of one pod by name, as folders below `folder`; `objects` are the ConfigMaps and Secrets of its namespace."""

    def __init__(self, folder: Path, spec: Mapping[str, Any], objects: Iterable[Manifest]) -> None:
        self._folder = folder
        self._spec = spec
        self._group: int | None = spec.get("securityContext", {}).get("fsGroup")
        self._swaps = itertools.count()
        self.objects = {(each["kind"], each["metadata"]["name"]): each for each in objects}
        for volume in spec["volumes"]:
            path = folder / volume["name"]
            path.mkdir(parents=True)
            if "emptyDir" in volume:
                path.chmod(0o777)
                if self._group is not None:
                    os.chown(path, -1, self._group)
                    path.chmod(0o2777)
        self.refresh()

    def path(self, name: str) -> Path:
        return self._folder / name

    def refresh(self) -> None:
        """What the kubelet does each minute: volumes of files become what the objects say now."""
        for volume in self._spec["volumes"]:
            if not {"emptyDir", "hostPath"} & volume.keys():
                self._swap(self._folder / volume["name"], dict(self._files(volume)), _mode(volume))

    def _swap(self, path: Path, files: Mapping[str, bytes], mode: int) -> None:
        """`..data` points at the new folder at one instant; the names beside it point into `..data`."""
        version = path / f"..{next(self._swaps)}"
        for name, content in files.items():
            target = version / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
            target.chmod(mode if self._group is None else mode | 0o440)
            if self._group is not None:
                os.chown(target, -1, self._group)
        version.mkdir(exist_ok=True)
        before = (path / "..data").resolve() if (path / "..data").exists() else None
        (path / "..next").symlink_to(version.name)
        (path / "..next").replace(path / "..data")
        wanted = {Path(name).parts[0] for name in files}
        for link in path.iterdir():
            if link.is_symlink() and not link.name.startswith("..") and link.name not in wanted:
                link.unlink()
        for name in wanted:
            if not (path / name).is_symlink():
                (path / name).symlink_to(f"..data/{name}")
        if before is not None:
            shutil.rmtree(before)

    def _files(self, source: Mapping[str, Any]) -> Iterator[tuple[str, bytes]]:
        for inner in source.get("projected", {}).get("sources", ()):
            yield from self._files(inner)
        for kind, field, name in (("ConfigMap", "configMap", "name"), ("Secret", "secret", "secretName")):
            if (reference := source.get(field)) is None:
                continue
            found = self.objects.get((kind, reference.get(name) or reference["name"]))
            assert found or reference.get("optional"), f"the pod would wait for ever for {kind} {reference}"
            data = content_of(found) if found else {}
            paths = {item["key"]: item["path"] for item in reference.get("items", ())} or {key: key for key in data}
            for key, path in paths.items():
                assert key in data or reference.get("optional"), f"{kind} {reference} has no key {key}"
                if key in data:
                    yield path, data[key]


@dataclass(frozen=True, slots=True)
class Root:
    """The file system of one container: `image` below, its `volumeMounts` in it. An image that is `/` is this machine, with its Python."""

    image: Path
    scratch: Path
    volumes: Volumes
    mounts: Sequence[Mapping[str, Any]]
    who: Identity
    read_only: bool
    work_dir: str

    def command(self, argv: Sequence[str], env: Mapping[str, str]) -> list[str]:
        """Runs `argv` there. The process that is started becomes it: signals reach it, its status is ours."""
        self.scratch.mkdir(parents=True, exist_ok=True)
        script = "\n".join(["set -eu", *self._assembly(), f"exec {shlex.join(self._inside(argv, env, chroot=True))}"])
        return ["unshare", "--mount", "--propagation", "private", "sh", "-c", script]

    def beside(self, pid: int, argv: Sequence[str], env: Mapping[str, str]) -> list[str]:
        """Runs `argv` in the file system that the process `pid` already has: a hook, a probe."""
        inside = self._inside(argv, env, chroot=False)
        return ["nsenter", "--target", str(pid), "--mount", "--root", *inside]

    def _inside(self, argv: Sequence[str], env: Mapping[str, str], *, chroot: bool) -> list[str]:
        variables = [f"{name}={value}" for name, value in env.items()]
        into = ["chroot", str(self.scratch / "root")] if chroot else []
        return [*into, "setpriv", *self.who.flags(), "env", "-i", f"--chdir={self.work_dir}", *variables, *argv]

    def _assembly(self) -> Iterator[str]:
        root = self.scratch / "root"
        scratch = shlex.quote(str(self.scratch))
        yield f"mount -t tmpfs tmpfs {scratch}; mkdir {scratch}/up {scratch}/work {scratch}/root"
        yield f"mknod {scratch}/up/tmp c 0 0"  # overlayfs' mark for what is not there: the machine's /tmp is not the image's
        layers = f"lowerdir={self.image},upperdir={self.scratch}/up,workdir={self.scratch}/work"
        yield f"mount -t overlay overlay -o {shlex.quote(layers)} {scratch}/root"
        needed = _needed_places() if self.image == Path("/") else []
        for place in (place for place in needed if not place.is_relative_to("/tmp")):
            inside = shlex.quote(f"{root}{place}")
            if place.stat().st_dev != Path("/").stat().st_dev:
                yield f"mkdir -p {inside}; mount --bind {shlex.quote(str(place))} {inside}"
            yield from (f"chmod a+x {shlex.quote(f'{root}{parent}')}" for parent in place.parents)
        yield f"mount --rbind /dev {scratch}/root/dev; mount --rbind /proc {scratch}/root/proc"
        yield f"mkdir -p {scratch}/root/tmp {shlex.quote(f'{root}{self.work_dir}')}"
        for mount in sorted(self.mounts, key=lambda mount: str(mount["mountPath"]).count("/")):
            source = self.volumes.path(mount["name"]) / mount.get("subPath", "")
            target = shlex.quote(f"{root}{mount['mountPath']}")
            yield f"mkdir -p {target}; mount --bind {shlex.quote(str(source))} {target}"
        for place in (place for place in needed if place.is_relative_to("/tmp")):
            inside = shlex.quote(f"{root}{place}")
            yield f"mkdir -p {inside}; mount --bind {shlex.quote(str(place))} {inside}"
        for mount in self.mounts:
            if mount.get("readOnly"):
                yield f"mount -o remount,bind,ro {shlex.quote(str(root) + mount['mountPath'])}"
        if self.read_only:
            yield f"mount -o remount,bind,ro {scratch}/root"


def content_of(manifest: Manifest) -> dict[str, bytes]:
    """Key → content of a ConfigMap or a Secret."""
    plain = {**manifest.get("stringData", {}), **(manifest.get("data", {}) if manifest["kind"] == "ConfigMap" else {})}
    coded = manifest.get("binaryData", {}) if manifest["kind"] == "ConfigMap" else manifest.get("data", {})
    return {
        **{key: text.encode() for key, text in plain.items()},
        **{key: base64.b64decode(text) for key, text in coded.items()},
    }


def _mode(volume: Mapping[str, Any]) -> int:
    for field in ("configMap", "secret", "projected"):
        if field in volume:
            return int(volume[field].get("defaultMode", 0o644))
    raise AssertionError(f"no such volume here: {volume}")


def _needed_places() -> list[Path]:
    """Python, the checkout: what stands for the content of the images."""
    return list(dict.fromkeys(map(Path, (sys.prefix, sys.base_prefix, CHECKOUT))))
