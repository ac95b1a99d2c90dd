"""What has to hold among manifests and is said by no schema: names that refer to each other, enumerations, forms of names.

`contradictions` is the whole of it: one line per finding, with the object it is about. A cluster would take most of these and then do
nothing, or something else, without a word. Leaves fields and types to `kubernetes_schemas`.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from support.helm import Manifest

WORKLOADS = ("StatefulSet", "Deployment", "DaemonSet", "Job")

ENUMERATIONS: Mapping[str, frozenset[str]] = {
    "imagePullPolicy": frozenset({"Always", "IfNotPresent", "Never"}),
    "restartPolicy": frozenset({"Always", "OnFailure", "Never"}),
    "protocol": frozenset({"TCP", "UDP", "SCTP"}),
    "scheme": frozenset({"HTTP", "HTTPS", "http", "https"}),
    "policyTypes": frozenset({"Ingress", "Egress"}),
    "accessModes": frozenset({"ReadWriteOnce", "ReadWriteOncePod", "ReadOnlyMany", "ReadWriteMany"}),
    "podManagementPolicy": frozenset({"Parallel", "OrderedReady"}),
    "whenDeleted": frozenset({"Retain", "Delete"}),
    "whenScaled": frozenset({"Retain", "Delete"}),
    "whenUnsatisfiable": frozenset({"DoNotSchedule", "ScheduleAnyway"}),
    "internalTrafficPolicy": frozenset({"Cluster", "Local"}),
    "externalTrafficPolicy": frozenset({"Cluster", "Local"}),
    "sessionAffinity": frozenset({"None", "ClientIP"}),
    "unhealthyPodEvictionPolicy": frozenset({"AlwaysAllow", "IfHealthyBudget"}),
    "fsGroupChangePolicy": frozenset({"OnRootMismatch", "Always"}),
    "pathType": frozenset({"Exact", "Prefix", "ImplementationSpecific"}),
    "medium": frozenset({"", "Memory"}),
    "effect": frozenset({"NoSchedule", "PreferNoSchedule", "NoExecute"}),
    "seccompProfile.type": frozenset({"RuntimeDefault", "Localhost", "Unconfined"}),
    "updateStrategy.type": frozenset({"RollingUpdate", "OnDelete"}),
    "strategy.type": frozenset({"RollingUpdate", "Recreate"}),
    "target.type": frozenset({"Utilization", "Value", "AverageValue"}),
    "hostPath.type": frozenset({"", "DirectoryOrCreate", "Directory"}),
    "Service.spec.type": frozenset({"ClusterIP", "NodePort", "LoadBalancer", "ExternalName"}),
}
"""End of a dotted path → what may stand there. Where the schema says `string`, a cluster says no."""

CONFIG_MAP_BYTES = 1_000_000
"""About what an object may hold."""

_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?")
_LABEL_KEY = re.compile(r"([a-z0-9.-]{1,253}/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")
_PORT_NAME = re.compile(r"(?=.{1,15}$)(?=.*[a-z])[a-z0-9]+(-[a-z0-9]+)*")
_FILE_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_QUANTITY = re.compile(r"[0-9]+(\.[0-9]+)?(m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?")


def contradictions(manifests: list[Manifest], *, external: frozenset[str] = frozenset()) -> list[str]:
    """All findings. `external` are the ConfigMaps and Secrets that the cluster has already."""
    found = []
    for manifest in manifests:
        where = f"{manifest['kind']} {manifest['metadata']['name']}"
        found += [f"{where}: {told}" for told in _about(manifest, manifests, external)]
    names = Counter((each["kind"], each["metadata"]["name"]) for each in manifests)
    return [*found, *(f"{kind} {name} stands {count} times" for (kind, name), count in names.items() if count > 1)]


def pod_specs(manifest: Manifest) -> list[dict[str, Any]]:
    """The pods that it makes."""
    if manifest["kind"] == "Pod":
        return [manifest["spec"]]
    return [manifest["spec"]["template"]["spec"]] if manifest["kind"] in WORKLOADS else []


def containers(spec: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [*spec.get("initContainers", ()), *spec["containers"]]


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every scalar with its dotted path; of lists the elements have the list's path."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, f"{path}.{key}")
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner, path)
    else:
        yield path, value


def _about(manifest: Manifest, manifests: list[Manifest], external: frozenset[str]) -> Iterator[str]:
    yield from _forms(manifest)
    for path, value in leaves(manifest, manifest["kind"]):
        for end, allowed in ENUMERATIONS.items():
            if (path.endswith(f".{end}") or path == end) and value not in allowed:
                yield f"{path} is {value!r}"
    for spec in pod_specs(manifest):
        claims = [each["metadata"]["name"] for each in manifest["spec"].get("volumeClaimTemplates", ())]
        yield from _about_pod(spec, claims)
        yield from _missing_objects(spec, manifests, external)
    if (
        manifest["kind"] in WORKLOADS
        and "selector" in manifest["spec"]
        and not _selects(
            manifest["spec"]["selector"]["matchLabels"], manifest["spec"]["template"]["metadata"]["labels"]
        )
    ):
        yield "its selector does not match its pods"
    yield from _references(manifest, manifests)


def _forms(manifest: Manifest) -> Iterator[str]:
    """Names, labels, keys and quantities are of the form that the API server wants."""
    name = manifest["metadata"]["name"]
    strict = manifest["kind"] in {"Service", *WORKLOADS}  # pods' names are made of theirs, and are host names
    if not (_LABEL if strict else _NAME).fullmatch(name):
        yield f"no name: {name!r}"
    if "namespace" in manifest["metadata"] and manifest["metadata"]["namespace"] != "shop":
        yield f"is in namespace {manifest['metadata']['namespace']}, not in the release's"
    template = manifest.get("spec", {}).get("template", {}) if manifest["kind"] in WORKLOADS else {}
    for labels in (manifest["metadata"].get("labels", {}), template.get("metadata", {}).get("labels", {})):
        for key, value in labels.items():
            if not _LABEL_KEY.fullmatch(key) or not isinstance(value, str) or not _LABEL_VALUE.fullmatch(value):
                yield f"no label: {key}: {value!r}"
    for key in [*manifest.get("data", ()), *manifest.get("stringData", ())]:
        if not _FILE_KEY.fullmatch(key):
            yield f"no key: {key!r}"
    if (size := len(str(manifest.get("data", "")))) > CONFIG_MAP_BYTES:
        yield f"has {size} bytes of data"
    for path, value in leaves(manifest):
        if re.search(r"\.(requests|limits)\.\w+$|\.(sizeLimit|storage)$", path) and not _QUANTITY.fullmatch(str(value)):
            yield f"{path} is no quantity: {value!r}"


def _about_pod(spec: Mapping[str, Any], claims: list[str]) -> Iterator[str]:
    volumes = Counter([*(each["name"] for each in spec.get("volumes", ())), *claims])
    yield from (f"volume {name} stands {count} times" for name, count in volumes.items() if count > 1)
    mounted = {mount["name"] for each in containers(spec) for mount in each.get("volumeMounts", ())}
    yield from (f"volume {name} is mounted, but there is none" for name in mounted - set(volumes))
    yield from (f"volume {name} is mounted nowhere" for name in set(volumes) - mounted)
    for kind, names in (
        ("container", [each["name"] for each in containers(spec)]),
        ("port", [port.get("name") for each in containers(spec) for port in each.get("ports", ())]),
    ):
        yield from (f"{kind} {name} stands {count} times" for name, count in Counter(names).items() if count > 1)
    for container in containers(spec):
        yield from (f"container {container['name']}: {told}" for told in _about_container(container))
    for container in spec.get("initContainers", ()):
        if container.get("restartPolicy", "Always") != "Always":
            yield f"an init container's restartPolicy may be Always alone, not {container['restartPolicy']}"


def _about_container(container: Mapping[str, Any]) -> Iterator[str]:
    ports = {port["name"]: port["containerPort"] for port in container.get("ports", ())}
    yield from (f"no port's name: {name!r}" for name in ports if not _PORT_NAME.fullmatch(name))
    for kind in ("startupProbe", "livenessProbe", "readinessProbe"):
        asked = container.get(kind, {}).get("httpGet", {}).get("port")
        if asked is not None and asked not in ports and asked not in ports.values():
            yield f"{kind} asks port {asked}, which it does not have"
    variables = Counter(each["name"] for each in container.get("env", ()))
    yield from (f"variable {name} stands {count} times" for name, count in variables.items() if count > 1)
    yield from (f"no variable's name: {name!r}" for name in variables if not _VARIABLE.fullmatch(name))
    paths = Counter(mount["mountPath"] for mount in container.get("volumeMounts", ()))
    yield from (f"{count} volumes at {path}" for path, count in paths.items() if count > 1)
    if any("subPath" in mount for mount in container.get("volumeMounts", ())):
        yield "a mount with subPath does not follow changes"


def _missing_objects(spec: Mapping[str, Any], manifests: list[Manifest], external: frozenset[str]) -> Iterator[str]:
    """ConfigMaps and Secrets that the pod would wait for."""
    known = {each["metadata"]["name"] for each in manifests if each["kind"] in {"ConfigMap", "Secret"}} | external
    fields = r"\.(configMap\.name|secret\.secretName|secret\.name|secretKeyRef\.name|configMapKeyRef\.name|(secret|configMap)Ref\.name)$"
    for path, name in leaves(spec):
        if re.search(fields, path) and name not in known:
            yield f"{path} is {name!r}, which neither the chart nor the cluster has"


def _references(manifest: Manifest, manifests: list[Manifest]) -> Iterator[str]:
    spec = manifest.get("spec", {})
    match manifest["kind"]:
        case "Service":
            yield from _reaches(spec["selector"], [port["targetPort"] for port in spec["ports"]], manifests)
        case "PodDisruptionBudget":
            yield from _reaches(spec["selector"]["matchLabels"], [], manifests)
        case "NetworkPolicy":
            ports = [port["port"] for rule in spec["ingress"] for port in rule["ports"]]
            yield from _reaches(spec["podSelector"]["matchLabels"], ports, manifests)
        case "HorizontalPodAutoscaler":
            target = spec["scaleTargetRef"]
            if not any(
                (each["kind"], each["metadata"]["name"]) == (target["kind"], target["name"]) for each in manifests
            ):
                yield f"it scales {target}, which is not there"
        case "StatefulSet":
            governing = _services(manifests).get(spec["serviceName"])
            if governing is None or governing["spec"].get("clusterIP") != "None":
                yield f"its Service {spec['serviceName']} is not a headless one of the chart"
        case "Ingress":
            for rule in spec["rules"]:
                for path in rule["http"]["paths"]:
                    backend = path["backend"]["service"]
                    service = _services(manifests).get(backend["name"], {"spec": {"ports": []}})
                    if backend["port"].get("name") not in {port["name"] for port in service["spec"]["ports"]}:
                        yield f"it leads to {backend}, which is not there"
        case "ServiceMonitor":
            yield from _scraped(spec, manifests)
        case "PodMonitor" if any(each["kind"] in WORKLOADS for each in manifests):  # else the pods are another chart's
            ports = [each["port"] for each in spec["podMetricsEndpoints"]]
            yield from _reaches(spec["selector"]["matchLabels"], ports, manifests)


def _reaches(selector: Mapping[str, str], ports: list[Any], manifests: list[Manifest]) -> Iterator[str]:
    """Exactly one workload's pods are selected, and they have the ports."""
    found = [
        each
        for each in manifests
        if each["kind"] in WORKLOADS and _selects(selector, each["spec"]["template"]["metadata"]["labels"])
    ]
    if len(found) != 1:
        yield f"its selector {selector} matches {len(found)} workloads"
    other = [each for each in manifests if each["kind"] == "Pod" and _selects(selector, each["metadata"]["labels"])]
    yield from (f"its selector matches the pod {each['metadata']['name']} too" for each in other)
    for workload in found:
        there = {port["name"] for each in containers(pod_specs(workload)[0]) for port in each.get("ports", ())}
        yield from (f"the pods have no port {port}" for port in ports if port not in there)


def _scraped(spec: Mapping[str, Any], manifests: list[Manifest]) -> Iterator[str]:
    found = [
        each
        for each in _services(manifests).values()
        if _selects(spec["selector"]["matchLabels"], each["metadata"]["labels"])
    ]
    if len(found) != 1:
        yield f"it selects {len(found)} Services: each pod would be scraped so often"
    for service in found:
        there = {port["name"] for port in service["spec"]["ports"]}
        yield from (
            f"the Service has no port {each['port']}" for each in spec["endpoints"] if each["port"] not in there
        )


def _services(manifests: list[Manifest]) -> dict[str, Manifest]:
    return {each["metadata"]["name"]: each for each in manifests if each["kind"] == "Service"}


def _selects(selector: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    return bool(selector) and selector.items() <= labels.items()
