"""A gateway and a node's pod as the chart renders them, run as plain processes: what they read, who may ask them, what they keep.

The claim of the StatefulSet is a folder; names of images mean this checkout's environment, ports are free ones.
"""

import base64
import http.client
import json
import os
import secrets
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import pytest

from support.helm import RELAY_CHART, Manifest, helm
from support.kubelet import Image, Pod
from support.openssl import Chain
from support.processes import free_port, wait_for
from support.recorder import recording

PATH = {"PATH": f"{Path(sys.prefix) / 'bin'}:/usr/bin:/bin"}
IMAGES = {"scrubjay": Image(("scrubjay",), ("run",), PATH, "/var/lib/scrubjay", 10001)}
KEY = "a" * 32
OTHER_KEY = "b" * 32
BASE_ID = "7f9b7a54-3d2c-4b0e-9a51-2c6f5c1de001"
CLAIM = "scrubjay-spool"
SCRUBJAY = (sys.executable, "-m", "scrubjay")


class Gateway:
    """One pod of the release, its ports, and the manifests that it came from."""

    def __init__(
        self, folder: Path, upstream: int, objects: list[Manifest], workers: int, values: dict[str, Any]
    ) -> None:
        self.port, self.internal_port = free_port(), free_port()
        settings = {
            "relay": {"upstream": f"http://127.0.0.1:{upstream}/"},
            "http": {"retry_delay": 0.1, "outage_grace_period": 1, "max_retry_interval": 1},
            "cache": {"file_interval": "200ms"},
            "limits": {"shutdown_timeout": 2},
        }
        relay = {"port": self.port, "reloadInterval": 1, "shutdownDelay": 0, "workers": workers}
        ports = {"relay": relay, "internalPort": self.internal_port}
        self.manifests = helm("helm-4").template(RELAY_CHART, {"config": settings, **ports, **values})
        workload = next(each for each in self.manifests if each["kind"] in {"StatefulSet", "DaemonSet"})
        if workload["kind"] == "StatefulSet":
            workload["spec"]["template"]["spec"]["volumes"].append({"name": CLAIM, "emptyDir": {}})
        maps = [each for each in self.manifests if each["kind"] == "ConfigMap"]
        self.pod = Pod(folder, workload, [*maps, *objects], IMAGES)

    def start(self) -> None:
        self.pod.start()
        wait_for(lambda: self.pod.is_ready, "the pod is ready")

    def send(self, *, key: str = KEY, text: str = "hello", tls: ssl.SSLContext | None = None) -> int:
        """The status of an event with `text`."""
        event_id = secrets.token_hex(16)
        lines: list[dict[str, Any]] = [
            {"event_id": event_id},
            {"type": "event"},
            {"event_id": event_id, "message": text},
        ]
        headers = {"X-Sentry-Auth": f"Sentry sentry_version=7, sentry_key={key}"}
        body = "\n".join(map(json.dumps, lines))
        return self.ask(self.port, "POST", "/api/42/envelope/", headers, body, tls)[0]

    def ask(
        self,
        port: int,
        method: str,
        path: str,
        headers: dict[str, str] | None = None,
        body: str | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> tuple[int, str]:
        """As the rest of the cluster does, by the pod's address."""
        if tls is None:
            connection = http.client.HTTPConnection(self.pod.ip, port, timeout=60)
        else:
            connection = http.client.HTTPSConnection(self.pod.ip, port, timeout=60, context=tls)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def edit(self, suffix: str, change: Callable[[dict[str, str]], None]) -> None:
        """Another content of a ConfigMap, as the kubelet brings it."""
        change(next(each for (_, name), each in self.pod.volumes.objects.items() if name.endswith(suffix))["data"])
        self.pod.volumes.refresh()


@pytest.fixture
def gateways(tmp_path: Path) -> Iterator[Callable[..., Gateway]]:
    made: list[Gateway] = []

    def make(upstream: int, *objects: Manifest, workers: int = 1, **values: Any) -> Gateway:
        made.append(Gateway(tmp_path / f"pod-{len(made)}", upstream, list(objects), workers, values))
        return made[-1]

    yield make
    for gateway in made:
        gateway.pod.close()


def secret(name: str, **content: bytes) -> Manifest:
    data = {key.replace("_", "."): base64.b64encode(value).decode() for key, value in content.items()}
    return {"kind": "Secret", "metadata": {"name": name}, "data": data}


def test_everything_by_reference(gateways: Callable[..., Gateway], tmp_path: Path) -> None:
    """TLS on both ports, a token, an encrypted spool: all from Secrets; `helm test` and the probes get their answers."""
    chain = Chain(tmp_path / "chain")
    pair = chain.leaf("relay", names="IP:127.0.0.2")
    token = secrets.token_hex(16)
    references = {
        "tls": {"existingSecret": "certificate", "internal": True},
        "admin": {"existingSecret": "admin"},
        "spoolKey": {"existingSecret": "spool"},
        "credentials": {"existingSecret": "identity", "id": BASE_ID},
    }
    identity = subprocess.run(
        [*SCRUBJAY, "credentials", "generate", "--stdout"], capture_output=True, check=True
    ).stdout
    objects = [
        secret("certificate", tls_crt=pair.cert.read_bytes(), tls_key=pair.key.read_bytes()),
        secret("admin", token=token.encode() + b"\n"),
        secret("spool", key=base64.b64encode(secrets.token_bytes(32))),
        secret("identity", credentials_json=identity),
    ]
    trusting = ssl.create_default_context(cafile=str(chain.root))
    with recording() as server:
        gateway = gateways(server.port, *objects, **references)
        gateway.start()
        assert gateway.send(text="card 4111 1111 1111 1111", tls=trusting) == 200
        wait_for(lambda: server.deliveries, "the event has arrived")
        assert b"4111" not in server.deliveries[0].body, "the chart's default project scrubs"

        asked = (gateway.internal_port, "GET", "/api/scrubjay/limits")
        assert gateway.ask(*asked, tls=trusting)[0] == 401
        assert gateway.ask(*asked, {"Authorization": f"Bearer {token}"}, tls=trusting)[0] == 200
        assert gateway.ask(gateway.port, *asked[1:], {"Authorization": f"Bearer {token}"}, tls=trusting)[0] == 404
        assert gateway.pod.execute("scrubjay", ["scrubjay", "status"]) == 0, gateway.pod.log("scrubjay")
        assert gateway.pod.execute("scrubjay", ["scrubjay", "credentials", "show"]) == 0
        assert str(uuid5(UUID(BASE_ID), "r-scrubjay-0")) in gateway.pod.log("scrubjay"), "each pod has an id of its own"

        assert helm_test(gateway).returncode == 0
        (ended,) = gateway.pod.end()
        assert ended.status == 0
        assert ended.after_s < gateway.pod.grace_s
        failed = helm_test(gateway)
        assert failed.returncode == 1
        assert "Connection refused" in failed.stderr


def helm_test(gateway: Gateway) -> subprocess.CompletedProcess[str]:
    """The chart's test pod; its Services are the pod's address."""
    pod = next(each for each in gateway.manifests if each["metadata"]["name"].endswith("-test"))
    (container,) = pod["spec"]["containers"]
    env = {each["name"]: each["value"] for each in container["env"]}
    services = {"RELAY": f"{gateway.pod.ip}:{gateway.port}", "INTERNAL": f"{gateway.pod.ip}:{gateway.internal_port}"}
    command = [sys.executable, *container["command"][1:], *container["args"]]
    return subprocess.run(
        command, env={**os.environ, **env, **services}, capture_output=True, text=True, timeout=60, check=False
    )


def test_projects_and_settings_come_to_running_pods(gateways: Callable[..., Gateway]) -> None:
    """What `helm upgrade` changes in the ConfigMaps is in force in both workers, without a restart."""
    with recording() as server:
        projects = {"default": None, "42": {"publicKeys": [{"publicKey": KEY}]}}
        gateway = gateways(server.port, workers=2, projects=projects)
        gateway.start()
        assert [gateway.send(), gateway.send(key=OTHER_KEY)] == [200, 403]

        project = f"projectId: 42\npublicKeys: [{{publicKey: {OTHER_KEY}}}]\n"
        gateway.edit("-projects", lambda data: data.update({"other.yaml": project}))
        wait_for(lambda: {gateway.send(key=OTHER_KEY) for _ in range(8)} == {200}, "both workers know the other key")
        small = "limits:\n  max_event_size: 1kB"
        gateway.edit(
            "-config", lambda data: data.update({"scrubjay.yaml": data["scrubjay.yaml"].replace("limits:", small)})
        )

        wait_for(lambda: {gateway.send(text="x" * 2000) for _ in range(8)} == {413}, "both workers have the new limit")
        assert gateway.pod.probe("scrubjay", "livenessProbe")


def test_what_waits_outlives_the_pod(gateways: Callable[..., Gateway]) -> None:
    """Without an upstream the pod is ready and keeps what it gets; its successor on the same claim delivers."""
    port = free_port()
    first = gateways(port)
    first.start()
    assert [first.send(text=f"number {number}") for number in range(5)] == [200] * 5
    assert first.pod.is_ready, "an outage is no reason to send nothing more here"
    (ended,) = first.pod.end()
    assert ended.status == 0, first.pod.log("scrubjay")

    second = gateways(port)
    claim = second.pod.volumes.path(CLAIM)
    claim.rmdir()
    first.pod.volumes.path(CLAIM).rename(claim)
    with recording(port) as server:
        second.start()
        wait_for(lambda: len(server.deliveries) >= 5, "all have arrived")
        texts = {json.loads(each.envelope()[1][0].payload)["message"] for each in server.deliveries}
        assert texts == {f"number {number}" for number in range(5)}


def test_a_folder_of_the_node_becomes_the_relays_own(gateways: Callable[..., Gateway]) -> None:
    """The kubelet makes it as root's; a container that may do nothing else gives it away before the relay starts."""
    with recording() as server:
        node = gateways(server.port, shape="daemonset")
        folder = node.pod.volumes.path(CLAIM)
        assert folder.stat().st_uid == 0
        node.start()
        assert (folder.stat().st_uid, folder.stat().st_gid) == (10001, 10001)
        assert node.send() == 200
        wait_for(lambda: server.deliveries, "the event has arrived")
        assert list((folder / "spool").glob("p*")), "what waits lies in the node's folder"
