"""What the chart's manifests are held against does find mistakes: each one here is made on purpose, in manifests that have none."""

import copy
from typing import Any

import pytest
import yaml

from support.chart_values import CASES, EXTERNAL
from support.helm import RELAY_CHART, Manifest, StrictLoader, helm
from support.kubernetes_schemas import findings, operator_findings
from support.manifests import contradictions, pod_specs
from support.pod_security import violations

WORKLOAD, SERVICE, HEADLESS, POLICY = (
    "StatefulSet/r-scrubjay",
    "Service/r-scrubjay",
    "Service/r-scrubjay-internal",
    "NetworkPolicy/r-scrubjay",
)
POD = "spec.template.spec"
CONTAINER = f"{POD}.containers.0"
GONE = object()

CONTRADICTIONS: list[tuple[str, str, Any, str]] = [
    (WORKLOAD, "spec.selector.matchLabels.extra", "label", "its selector does not match its pods"),
    (WORKLOAD, "spec.serviceName", "elsewhere", "its Service elsewhere is not a headless one"),
    (WORKLOAD, "spec.serviceName", "r-scrubjay", "is not a headless one"),
    (WORKLOAD, "spec.podManagementPolicy", "parallel", "podManagementPolicy is 'parallel'"),
    (
        WORKLOAD,
        "spec.volumeClaimTemplates.0.metadata.name",
        "spool",
        "volume scrubjay-spool is mounted, but there is none",
    ),
    (WORKLOAD, "spec.volumeClaimTemplates.0.spec.accessModes", ["ReadWriteTwice"], "ReadWriteTwice"),
    (WORKLOAD, "spec.volumeClaimTemplates.0.spec.resources.requests.storage", "10 GB", "no quantity: '10 GB'"),
    (WORKLOAD, f"{POD}.topologySpreadConstraints.0.whenUnsatisfiable", "Never", "whenUnsatisfiable is 'Never'"),
    (WORKLOAD, f"{CONTAINER}.imagePullPolicy", "ifNotPresent", "imagePullPolicy is 'ifNotPresent'"),
    (WORKLOAD, f"{CONTAINER}.ports.0.name", "relay-port-for-clients", "no port's name"),
    (WORKLOAD, f"{CONTAINER}.ports.0.name", "internal", "port internal stands 2 times"),
    (WORKLOAD, f"{CONTAINER}.ports.0.name", "main", "the pods have no port relay"),
    (WORKLOAD, f"{CONTAINER}.livenessProbe.httpGet.port", "health", "livenessProbe asks port health"),
    (WORKLOAD, f"{CONTAINER}.livenessProbe.httpGet.scheme", "TLS", "scheme is 'TLS'"),
    (WORKLOAD, f"{CONTAINER}.volumeMounts.0.mountPath", "/tmp", "2 volumes at /tmp"),
    (WORKLOAD, f"{CONTAINER}.volumeMounts.0.subPath", "x", "does not follow changes"),
    (WORKLOAD, f"{CONTAINER}.env.0.name", "A NAME", "no variable's name"),
    (WORKLOAD, f"{CONTAINER}.env.0.name", "RELAY_LOG_LEVEL", "variable RELAY_LOG_LEVEL stands 2 times"),
    (WORKLOAD, f"{CONTAINER}.resources.limits.memory", "512MB", "no quantity: '512MB'"),
    (
        WORKLOAD,
        f"{POD}.securityContext.seccompProfile.type",
        "runtime/default",
        "seccompProfile.type is 'runtime/default'",
    ),
    (WORKLOAD, f"{POD}.volumes.0.projected.sources.0.configMap.name", "r-config", "'r-config', which neither"),
    (WORKLOAD, f"{POD}.volumes.0.projected.sources.1.secret.name", "nobody", "'nobody', which neither"),
    (WORKLOAD, "spec.template.metadata.labels.team", "a b", "no label: team: 'a b'"),
    (WORKLOAD, "metadata.name", "r.scrubjay", "no name: 'r.scrubjay'"),
    (SERVICE, "spec.selector.extra", "label", "matches 0 workloads"),
    (SERVICE, "spec.ports.0.targetPort", "http", "the pods have no port http"),
    (SERVICE, "spec.type", "Loadbalancer", "Service.spec.type is 'Loadbalancer'"),
    (SERVICE, "metadata.namespace", "default", "is in namespace default"),
    (HEADLESS, "metadata.name", "r-scrubjay", "Service r-scrubjay stands 2 times"),
    (HEADLESS, "metadata.labels", {}, "it selects 0 Services"),
    (HEADLESS, "spec.ports.1.name", "metrics", "the Service has no port internal"),
    (POLICY, "spec.policyTypes", ["Inn"], "policyTypes is 'Inn'"),
    (POLICY, "spec.ingress.0.ports.0.port", "http", "the pods have no port http"),
    ("PodDisruptionBudget/r-scrubjay", "spec.selector.matchLabels.extra", "label", "matches 0 workloads"),
    ("HorizontalPodAutoscaler/r-scrubjay", "spec.scaleTargetRef.kind", "Deployment", "which is not there"),
    ("Ingress/r-scrubjay", "spec.rules.0.http.paths.0.backend.service.port.name", "http", "it leads to"),
    ("Ingress/r-scrubjay", "spec.rules.0.http.paths.0.pathType", "prefix", "pathType is 'prefix'"),
    ("ConfigMap/r-scrubjay-config", "data", {"a/b": "x"}, "no key: 'a/b'"),
    ("ConfigMap/r-scrubjay-config", "data.large", "x" * 1_000_001, "bytes of data"),
]
"""Object, path in it, what is put there, and what is told of it."""

SCHEMAS: list[tuple[str, str, Any, str]] = [
    (WORKLOAD, f"{CONTAINER}.lifecycel", {}, "lifecycel"),
    (WORKLOAD, "spec.replicas", "2", "is not of type 'integer'"),
    (SERVICE, "spec.ports.0.port", GONE, "'port' is a required property"),
    (SERVICE, "apiVersion", "v2", "Couldn't find schema"),
    ("ServiceMonitor/r-scrubjay", "spec.endpoints.0.pth", "/metrics", "no such field"),
]


@pytest.fixture
def manifests() -> list[Manifest]:
    return copy.deepcopy(helm("helm-4").template(RELAY_CHART, CASES["gateway, everything"]))


@pytest.mark.parametrize(
    ("name", "path", "value", "told"), CONTRADICTIONS, ids=[f"{path}={told}" for _, path, _, told in CONTRADICTIONS]
)
def test_contradictions_are_found(manifests: list[Manifest], name: str, path: str, value: Any, told: str) -> None:
    assert not contradictions(manifests, external=EXTERNAL)
    _put(manifests, name, path, value)
    assert told in "\n".join(contradictions(manifests, external=EXTERNAL))


@pytest.mark.parametrize(("name", "path", "value", "told"), SCHEMAS, ids=[told for *_, told in SCHEMAS])
def test_what_no_version_takes_is_found(manifests: list[Manifest], name: str, path: str, value: Any, told: str) -> None:
    assert not findings(manifests)
    _put(manifests, name, path, value)
    assert told in "\n".join(findings(manifests))


def test_what_the_operator_refuses_is_found(manifests: list[Manifest]) -> None:
    _put(manifests, "ServiceMonitor/r-scrubjay", "spec.endpoints.0.interval", "half a minute")
    assert "interval" in "\n".join(operator_findings(manifests))


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        (f"{POD}.hostNetwork", True, "hostNetwork"),
        (f"{POD}.volumes.0", {"name": "node", "hostPath": {"path": "/"}}, "volume node: hostPath"),
        (f"{CONTAINER}.ports.0.hostPort", 3000, "port 3000 of the node"),
        (f"{CONTAINER}.securityContext.allowPrivilegeEscalation", True, "may gain privileges"),
        (f"{CONTAINER}.securityContext.runAsUser", 0, "may be root"),
        (f"{CONTAINER}.securityContext.capabilities", {"drop": ["ALL"], "add": ["NET_RAW"]}, "has capabilities"),
        (f"{CONTAINER}.securityContext.seccompProfile.type", "Unconfined", "has no seccomp profile"),
        (f"{CONTAINER}.securityContext.privileged", True, "is privileged"),
    ],
)
def test_what_the_standard_forbids_is_found(manifests: list[Manifest], path: str, value: Any, told: str) -> None:
    workload = _put(manifests, WORKLOAD, path, value)
    assert told in "\n".join(violations(pod_specs(workload)[0]))


def test_a_key_that_stands_twice_is_found() -> None:
    with pytest.raises(yaml.constructor.ConstructorError, match="stand twice"):
        yaml.load("a: {b: 1, b: 2}", Loader=StrictLoader)


def _put(manifests: list[Manifest], name: str, path: str, value: Any) -> Manifest:
    """Change one place; the manifest that has it."""
    manifest = next(each for each in manifests if f"{each['kind']}/{each['metadata']['name']}" == name)
    at: Any = manifest
    *steps, last = path.split(".")
    for step in steps:
        at = at[int(step)] if isinstance(at, list) else at[step]
    if value is GONE:
        del at[last]
    else:
        at[int(last) if isinstance(at, list) else last] = value
    return manifest
