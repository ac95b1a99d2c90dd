"""The sidecar as the chart renders it, beside an application: both run as processes, and a real SDK's events arrive (`operations_118`).

The pod is that of `helm/example-app`: command, environment, files, users, read-only roots, probes and order are the rendered ones;
only image names mean this checkout's environment, and the ports are free ones of this machine.
"""

import http.client
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from support.helm import EXAMPLE_CHART, RELAY_CHART, helm
from support.image import base_store
from support.kubelet import Image, Pod
from support.processes import free_port, get, wait_for
from support.recorder import Recorder, recording

PATH = {"PATH": f"{Path(sys.prefix) / 'bin'}:/usr/bin:/bin"}
RELAY = Image(("scrubjay",), ("run",), PATH, "/var/lib/scrubjay", 10001)
PYTHON = Image((), ("python3",), PATH)
SECRET = "hunter2-planted"
QUICK = {
    "http": {"retry_delay": 0.1, "outage_grace_period": 1, "max_retry_interval": 1},
    "limits": {"shutdown_timeout": 3},
}

Pods = Callable[..., Pod]


@pytest.fixture(scope="module")
def chart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return helm("helm-4").resolve(EXAMPLE_CHART, tmp_path_factory.mktemp("charts"))


@pytest.fixture
def pods(chart: Path, tmp_path: Path) -> Iterator[Pods]:
    """Makes pods of the example, not started; the upstream is on `port` of `host`."""
    made: list[Pod] = []

    def make(
        port: int,
        *,
        host: str = "127.0.0.1",
        packages: list[str] | None = None,
        relay: Image = RELAY,
        **sidecar: Any,
    ) -> Pod:
        values = {
            "dsn": f"https://{'a' * 32}@errors.example/7",
            "port": free_port(),
            "packages": packages or [],  # the tests' own environment has the SDK
            "scrubjay.config": {**QUICK, "relay": {"upstream": f"http://{host}:{port}/"}},
            "scrubjay.relay": {"port": free_port(), "reloadInterval": 1},
            "scrubjay.internalPort": free_port(),
            "scrubjay.sidecar": sidecar,
        }
        manifests = helm("helm-4").template(chart, values)
        workload = next(each for each in manifests if each["kind"] == "Deployment")
        made.append(
            Pod(
                tmp_path / f"pod-{len(made)}",
                workload,
                objects=_objects(manifests),
                images={"scrubjay": relay, "python": PYTHON},
            )
        )
        return made[-1]

    yield make
    for pod in made:
        pod.close()


def test_operations_118_the_application_ends_first_and_its_last_event_arrives(pods: Pods) -> None:
    with recording() as server:
        pod = pods(server.port, packages=["sentry-sdk==2.75.0"])
        pod.start()
        wait_for(lambda: pod.is_ready, "the pod is ready")
        status, event_id = _visit(pod, "/error")
        assert status == 500
        wait_for(lambda: server.deliveries, "the event has arrived")
        assert server.deliveries[0].envelope()[0]["event_id"] == event_id
        assert b'"visited":"/error"' in server.deliveries[0].body
        assert SECRET.encode() not in server.deliveries[0].body
        assert "readinessProbe" not in pod.container("scrubjay")

        ended = pod.end()
        assert [each.name for each in ended] == ["app", "scrubjay"]
        assert [each.status for each in ended] == [0, 0], pod.log("scrubjay")
        assert "ending: SIGTERM" in _messages(server), "what the application said last was sent before the pod ended"


def test_an_outage_of_the_upstream_and_a_killed_sidecar_cost_the_pod_nothing(pods: Pods) -> None:
    port = free_port()
    pod = pods(port)
    pod.start()  # the upstream is away from the beginning
    wait_for(lambda: pod.is_ready, "the pod is ready without an upstream")
    assert pod.probe("scrubjay", "livenessProbe")
    before = [_visit(pod, "/error")[1] for _ in range(3)]
    wait_for(lambda: _held(pod) == 3, "all are on the volume")
    assert pod.is_ready
    assert pod.probe("scrubjay", "livenessProbe"), "an outage is no reason to restart"

    pod.kill("scrubjay")
    pod.launch("scrubjay")
    wait_for(lambda: pod.probe("scrubjay", "startupProbe"), "the sidecar is back")
    after = _visit(pod, "/error")[1]
    with recording(port) as server:
        wait_for(lambda: len(server.deliveries) >= 4, "all have arrived")
        assert {each.envelope()[0]["event_id"] for each in server.deliveries} == {*before, after}


@pytest.mark.deep
def test_sidecars_send_batches_to_a_gateway_of_the_same_chart(pods: Pods, tmp_path: Path) -> None:
    port, internal = free_port(), free_port()
    with recording() as server:
        values = {
            "config": {**QUICK, "relay": {"upstream": server.url}, "gateway": {"batch_require_auth": False}},
            "persistence.enabled": False,
            "relay": {"port": port, "workers": 1},
            "internalPort": internal,
        }
        manifests = helm("helm-4").template(RELAY_CHART, values)
        workload = next(each for each in manifests if each["kind"] == "Deployment")
        with closing(
            Pod(tmp_path / "gateway", workload, _objects(manifests), {"scrubjay": RELAY}, ip="127.0.0.3")
        ) as gateway:
            gateway.start()
            wait_for(lambda: gateway.is_ready, "the gateway is ready")
            pod = pods(port, host=gateway.ip)
            pod.start()
            event_id = _visit(pod, "/error")[1]
            wait_for(lambda: server.deliveries, "the event has come through both")
            assert server.deliveries[0].envelope()[0]["event_id"] == event_id
            assert SECRET.encode() not in server.deliveries[0].body
            figures = get(internal, "/metrics")[1].decode()
            assert re.search(r'^scrubjay_batch_records_total{.*fate="taken".*} [1-9]', figures, re.MULTILINE)


@pytest.mark.deep
def test_the_image_in_the_pod_of_the_chart(pods: Pods) -> None:
    store = base_store()
    name = store.build(COMPILE="0")
    config = store.config(name)
    with store.mounted(name) as root, recording() as server:
        env = dict(variable.partition("=")[::2] for variable in config["Env"])
        uid = int(config["User"].partition(":")[0])
        image = Image(tuple(config["Entrypoint"]), tuple(config["Cmd"]), env, config["WorkingDir"], uid, root)
        pod = pods(server.port, relay=image)
        pod.start()
        _visit(pod, "/error")
        wait_for(lambda: server.deliveries, "the event has arrived")
        assert SECRET.encode() not in server.deliveries[0].body
        for verb in ("status", "drops", "healthcheck", "doctor"):
            assert pod.execute("scrubjay", ["scrubjay", verb]) == 0, pod.log("scrubjay")
        assert [(each.name, each.status) for each in pod.end()] == [("app", 0), ("scrubjay", 0)], pod.log("scrubjay")


@pytest.mark.deep
def test_an_ordinary_container_does_the_same_where_there_are_no_native_sidecars(pods: Pods) -> None:
    with recording() as server:
        pod = pods(server.port, native=False, applicationGraceSeconds=2)
        assert [each["name"] for each in pod.spec["containers"]] == ["scrubjay", "app"], "the relay is started first"
        pod.start()
        ended = pod.end()
        assert [each.name for each in ended] == ["app", "scrubjay"]
        assert [each.status for each in ended] == [0, 0], pod.log("scrubjay")
        assert ended[1].after_s >= 2, "it waited for as long as the application may take"
        assert "ending: SIGTERM" in _messages(server)


def test_who_reaches_it_what_it_takes_up_and_how_it_ends_in_an_outage(pods: Pods) -> None:
    with recording() as server:
        pod = pods(server.port)
        pod.start()
        internal, relay = _ports(pod)
        assert get(internal, "/livez")[0] == 200
        assert pod.probe("scrubjay", "livenessProbe"), "from the pod's address"
        with pytest.raises(ConnectionRefusedError):
            http.client.HTTPConnection(pod.ip, relay, timeout=5).request("GET", "/livez")
        assert get(relay, "/metrics")[0] == 404, "figures are on the internal port alone"
        assert pod.execute("scrubjay", ["scrubjay", "healthcheck"]) == 0, pod.log("scrubjay")
        assert pod.execute("scrubjay", ["touch", "/etc/scrubjay/x"]) != 0
        assert pod.execute("scrubjay", ["touch", "/usr/x"]) != 0, "the root is read-only"
        assert pod.execute("scrubjay", ["touch", "/tmp/x", "/var/lib/scrubjay/x"]) == 0

        _visit(pod, "/error")
        wait_for(lambda: server.deliveries, "the event before the change")
        assert b'"visited":"/error"' in server.deliveries[0].body
        _change_projects(pod, "config: {piiConfig: {applications: {extra.visited: ['@anything:remove']}}}")

        def is_gone() -> bool:
            expected = len(server.deliveries) + 1
            _visit(pod, "/error")
            wait_for(lambda: len(server.deliveries) == expected, "one more event")
            return b'"visited":"/error"' not in server.deliveries[-1].body

        wait_for(is_gone, "the new rule holds")

        server.is_away = True
        _visit(pod, "/error")
        assert [(each.name, each.status) for each in pod.end()] == [("app", 0), ("scrubjay", 0)], "in time all the same"
        assert "2 envelopes are left in the spool, and lost if its folder goes with the relay" in pod.log("scrubjay")


def _change_projects(pod: Pod, text: str) -> None:
    """Somebody edits the ConfigMap, and the kubelet comes by."""
    projects = next(each for (_, name), each in pod.volumes.objects.items() if name.endswith("-projects"))
    projects["data"]["default.yaml"] = text
    pod.volumes.refresh()


def _visit(pod: Pod, path: str) -> tuple[int, str]:
    """Status and text of a page of the application, asked with a password in the header."""
    connection = http.client.HTTPConnection(pod.ip, pod.container("app")["ports"][0]["containerPort"], timeout=60)
    try:
        connection.request("GET", path, headers={"Authorization": f"Bearer {SECRET}"})
        answer = connection.getresponse()
        return answer.status, answer.read().decode().strip()
    finally:
        connection.close()


def _messages(server: Recorder) -> str:
    return " ".join(item.payload.decode() for each in server.deliveries for item in each.envelope()[1])


def _ports(pod: Pod) -> tuple[int, int]:
    """The internal port, and the one for clients, which the pod does not declare."""
    container = pod.container("scrubjay")
    relay = next(each["value"] for each in container["env"] if each["name"] == "RELAY_PORT")
    return container["ports"][0]["containerPort"], int(relay)


def _held(pod: Pod) -> int:
    figures = get(_ports(pod)[0], "/metrics")[1].decode()
    rows = [line for line in figures.splitlines() if line.startswith("scrubjay_items_held{")]
    return int(sum(float(line.rpartition(" ")[2]) for line in rows))


def _objects(manifests: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [each for each in manifests if each["kind"] in {"ConfigMap", "Secret"}]
