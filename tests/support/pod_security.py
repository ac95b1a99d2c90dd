"""Kubernetes' pod security standard `restricted`, as far as pods without Windows and without privileges can break it."""

from collections.abc import Iterator, Mapping
from typing import Any

from support.manifests import containers

ALLOWED_VOLUMES = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
}


def violations(spec: Mapping[str, Any]) -> list[str]:
    """Why a namespace that enforces `restricted` would refuse the pod."""
    return [
        *_of_pod(spec),
        *(f"{each['name']}: {told}" for each in containers(spec) for told in _of_container(each, spec)),
    ]


def _of_pod(spec: Mapping[str, Any]) -> Iterator[str]:
    yield from (name for name in ("hostNetwork", "hostPID", "hostIPC") if spec.get(name))
    for volume in spec.get("volumes", ()):
        yield from (f"volume {volume['name']}: {kind}" for kind in volume.keys() - {"name"} - ALLOWED_VOLUMES)


def _of_container(container: Mapping[str, Any], spec: Mapping[str, Any]) -> Iterator[str]:
    own = container.get("securityContext", {})
    merged = {**spec.get("securityContext", {}), **own}
    if own.get("allowPrivilegeEscalation") is not False:
        yield "may gain privileges"
    if merged.get("runAsNonRoot") is not True or merged.get("runAsUser") == 0:
        yield "may be root"
    if own.get("capabilities", {}).get("drop") != ["ALL"] or set(own["capabilities"].get("add", ())) - {
        "NET_BIND_SERVICE"
    }:
        yield "has capabilities"
    if merged.get("seccompProfile", {}).get("type") not in {"RuntimeDefault", "Localhost"}:
        yield "has no seccomp profile"
    if own.get("privileged"):
        yield "is privileged"
    yield from (f"port {port['hostPort']} of the node" for port in container.get("ports", ()) if "hostPort" in port)
