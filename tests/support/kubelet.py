"""A pod's life as the kubelet leads it, its containers being plain processes of this machine.

Owns the order (init containers one after the other, sidecars among them kept and waited for, then all containers; at the end
preStop and SIGTERM to the containers, and only when they are gone to the sidecars, last one first, all within one grace period), what
a container is told (command, arguments, environment with its references), probes, and restarts. What a container sees of files is
`pod_roots`'. An image is its name here: `Image` says what its configuration would.
"""

import contextlib
import http.client
import os
import re
import signal
import ssl
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support.helm import Manifest
from support.pod_roots import Identity, Root, Volumes, content_of, needs_mounts
from support.processes import Child, wait_for

STEP_S = 180.0
"""Most that a test waits for one container to start or to be done."""
_PROBE_S = 20.0
"""For a probe's answer, however little time the pod gives it: the kubelet asks again and again, a test may ask once, on a machine that is busy."""
_SERVICE_LINKS = {"RELAY_SERVICE_HOST": "10.96.0.9", "RELAY_SERVICE_PORT": "3000", "RELAY_PORT": "tcp://10.96.0.9:3000"}
"""What every pod of a namespace is told where a Service has the unlucky name `relay`."""
_REFERENCE = re.compile(r"\$\(([A-Za-z0-9_.-]+)\)")


@dataclass(frozen=True, slots=True)
class Image:
    """What an image's configuration says, and where its files are; `/`: this machine is the image."""

    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    work_dir: str = "/"
    uid: int = 0
    root: Path = Path("/")


@dataclass(frozen=True, slots=True)
class Ended:
    """One container at the end of its pod, in the order in which they ended."""

    name: str
    status: int
    after_s: float


class Pod:
    """Of the pod template in `workload`. `ip` is where probes ask, as they do in a cluster: never loopback's first address."""

    def __init__(
        self,
        folder: Path,
        workload: Manifest,
        objects: Iterable[Manifest],
        images: Mapping[str, Image],
        *,
        ip: str = "127.0.0.2",
    ) -> None:
        needs_mounts()
        template = workload["spec"]["template"]
        self.spec: dict[str, Any] = template["spec"]
        self.ip = ip
        self.grace_s = float(self.spec.get("terminationGracePeriodSeconds", 30))
        self.volumes = Volumes(folder / "volumes", self.spec, objects)
        self._folder = folder
        self._images = images
        self._fields = {
            "metadata.name": f"{workload['metadata']['name']}-0",
            "metadata.namespace": "shop",
            "status.podIP": ip,
            "spec.nodeName": "node-1",
        }
        self._children: dict[str, Child] = {}

    def start(self) -> None:
        """Until all containers run and every sidecar has started."""
        for container in self.spec.get("initContainers") or ():
            self.launch(container["name"])
            if container.get("restartPolicy") == "Always":
                self._until_started(container)
            else:
                status = self._children.pop(container["name"]).wait(timeout_s=STEP_S)
                assert status == 0, f"init container {container['name']}: {status}\n{self.log(container['name'])}"
        for container in self.spec["containers"]:
            self.launch(container["name"])
            if hook := container.get("lifecycle", {}).get("postStart"):
                assert self.execute(container["name"], hook["exec"]["command"]) == 0, self.log(container["name"])
            self._until_started(container)

    def launch(self, name: str) -> None:
        """Start one container's process, for the first time or again after its end."""
        container = self.container(name)
        image = self._image(container)
        env = self._env(container)
        entrypoint = container.get("command") or [*image.entrypoint]
        arguments = container.get("args") or ([] if container.get("command") else [*image.cmd])
        argv = [_expanded(part, env) for part in (*entrypoint, *arguments)]
        command = self._root(container).command(argv, env)
        self._children[name] = Child(command, cwd=self._folder, log=self._folder / f"{name}.log")

    def execute(self, name: str, command: list[str]) -> int:
        """Status of a command in a running container: a hook, a probe."""
        return self._beside(name, command).wait(timeout_s=STEP_S)

    def _beside(self, name: str, command: list[str]) -> Child:
        container = self.container(name)
        pid = self._children[name].pid
        wait_for(lambda: Path(f"/proc/{pid}/root").readlink() != Path("/"), f"{name} is in its own root")
        argv = self._root(container).beside(pid, command, self._env(container))
        return Child(argv, cwd=self._folder, log=self._folder / f"{name}.log")

    def probe(self, name: str, kind: str) -> bool:
        """One request of the probe `startupProbe`, `livenessProbe` or `readinessProbe`."""
        container = self.container(name)
        probe = container[kind]
        if "exec" in probe:
            return self.execute(name, probe["exec"]["command"]) == 0
        ask = probe["httpGet"]
        port = ask["port"]
        if isinstance(port, str):
            port = next(each["containerPort"] for each in container["ports"] if each["name"] == port)
        connection = _connection(
            ask.get("scheme", "HTTP"), self.ip, port, max(_PROBE_S, probe.get("timeoutSeconds", 1))
        )
        try:
            connection.request("GET", ask["path"])
            return 200 <= connection.getresponse().status < 400
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    @property
    def is_ready(self) -> bool:
        """The pod's condition: of every container that is not done, what its readiness probe says, or that it runs."""
        return all(
            self._children[name].running
            and ("readinessProbe" not in self.container(name) or self.probe(name, "readinessProbe"))
            for name in self._children
        )

    def kill(self, name: str) -> None:
        """As by the kernel, for want of memory."""
        self._children[name].kill()

    def log(self, name: str) -> str:
        return (self._folder / f"{name}.log").read_text()

    def end(self) -> list[Ended]:
        """Delete the pod. Raises subprocess.TimeoutExpired if a container would have been killed at the end of the grace period."""
        begun = time.monotonic()
        hooks = {
            container["name"]: self._beside(container["name"], hook["exec"]["command"])
            for container in self.spec["containers"]
            if (hook := container.get("lifecycle", {}).get("preStop"))
        }
        ordinary = [each["name"] for each in self.spec["containers"]]
        ended = self._stop([name for name in ordinary if name not in hooks], begun)
        for name, hook in hooks.items():
            assert hook.wait(timeout_s=self.grace_s) == 0, self.log(name)
            ended += self._stop([name], begun)
        for name in list(reversed(self._children)):
            ended += self._stop([name], begun)
        return ended

    def close(self) -> None:
        """Nothing is left, however the test went."""
        for child in self._children.values():
            with contextlib.suppress(ProcessLookupError):
                child.kill()
        self._children.clear()

    def _stop(self, names: list[str], begun: float) -> list[Ended]:
        for name in names:
            os.kill(self._children[name].pid, signal.SIGTERM)
        ended = []
        for name in names:
            left_s = self.grace_s - (time.monotonic() - begun)
            status = self._children[name].wait(timeout_s=left_s)
            del self._children[name]
            ended.append(Ended(name, status, time.monotonic() - begun))
        return ended

    def container(self, name: str) -> dict[str, Any]:
        """As it stands in the pod."""
        every = [*(self.spec.get("initContainers") or ()), *self.spec["containers"]]
        return next(each for each in every if each["name"] == name)

    def _until_started(self, container: Mapping[str, Any]) -> None:
        name = container["name"]
        child = self._children[name]
        if "startupProbe" in container:
            probe = container["startupProbe"]
            allowed_s = probe.get("failureThreshold", 3) * probe.get("periodSeconds", 10)
            child.wait_until(
                lambda: self.probe(name, "startupProbe"), f"{name} has started", timeout_s=max(allowed_s, STEP_S)
            )
        elif "readinessProbe" in container:
            child.wait_until(lambda: self.probe(name, "readinessProbe"), f"{name} is ready", timeout_s=STEP_S)

    def _image(self, container: Mapping[str, Any]) -> Image:
        repository = container["image"].partition("@")[0].rpartition(":")[0]
        return self._images[repository]

    def _root(self, container: Mapping[str, Any]) -> Root:
        merged = {**self.spec.get("securityContext", {}), **container.get("securityContext", {})}
        uid = merged.get("runAsUser", self._image(container).uid)
        assert uid or not merged.get("runAsNonRoot"), f"{container['name']} would run as root, and may not"
        group = merged.get("fsGroup")
        capabilities = tuple(merged.get("capabilities", {}).get("add", ()))
        who = Identity(uid, merged.get("runAsGroup", 0), () if group is None else (group,), capabilities)
        return Root(
            self._image(container).root,
            self._folder / "roots" / container["name"],
            self.volumes,
            container.get("volumeMounts", ()),
            who,
            merged.get("readOnlyRootFilesystem", False),
            container.get("workingDir", self._image(container).work_dir),
        )

    def _env(self, container: Mapping[str, Any]) -> dict[str, str]:
        """Of the image, then of the Services, of `envFrom` and of `env`, as it is put together in a cluster."""
        env = {
            **self._image(container).env,
            **(_SERVICE_LINKS if self.spec.get("enableServiceLinks", True) else {}),
            "KUBERNETES_SERVICE_HOST": "10.96.0.1",
            "HOSTNAME": self._fields["metadata.name"],
        }
        for source in container.get("envFrom", ()):
            kind, reference = (
                ("Secret", source["secretRef"]) if "secretRef" in source else ("ConfigMap", source["configMapRef"])
            )
            content = content_of(self.volumes.objects[kind, reference["name"]])
            env |= {source.get("prefix", "") + key: value.decode() for key, value in content.items()}
        for each in container.get("env", ()):
            if (value := self._value(each)) is not None:
                env[each["name"]] = _expanded(value, env)
        return env

    def _value(self, variable: Mapping[str, Any]) -> str | None:
        source = variable.get("valueFrom")
        if source is None:
            value = variable.get("value", "")
            assert isinstance(value, str), f"a cluster refuses {variable}: not a text"
            return value
        if "fieldRef" in source:
            return self._fields[source["fieldRef"]["fieldPath"]]
        for field_name, kind in (("secretKeyRef", "Secret"), ("configMapKeyRef", "ConfigMap")):
            if reference := source.get(field_name):
                found = self.volumes.objects.get((kind, reference["name"]))
                content = content_of(found) if found else {}
                if reference["key"] in content:
                    return content[reference["key"]].decode()
                assert reference.get("optional"), f"the container would not start: {reference}"
                return None
        raise AssertionError(f"no such reference here: {source}")


def _connection(scheme: str, host: str, port: int, timeout_s: float) -> http.client.HTTPConnection:
    """Under `HTTPS` the kubelet believes every certificate, and shows none."""
    if scheme == "HTTP":
        return http.client.HTTPConnection(host, port, timeout=timeout_s)
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return http.client.HTTPSConnection(host, port, timeout=timeout_s, context=context)


def _expanded(text: str, env: Mapping[str, str]) -> str:
    """`$(NAME)` where there is such a variable."""
    return _REFERENCE.sub(lambda found: env.get(found[1], found[0]), text)
