"""Values to install the chart with: each toggle on and off, each shape, and what people combine.

Owns the table, and the names of those objects of the cluster (Secrets, ConfigMaps) that stand in it.
"""

from typing import Any

UPSTREAM: dict[str, Any] = {"relay": {"upstream": "https://sentry.example/"}}
TOLERATION = {"key": "dedicated", "operator": "Equal", "value": "relays", "effect": "NoSchedule"}
GATEWAY = {"shape": "gateway", "config": UPSTREAM}
DAEMONSET = {"shape": "daemonset", "config": UPSTREAM}
SIDECAR = {"shape": "sidecar", "config": UPSTREAM}
SECRETS: dict[str, Any] = {
    "credentials.existingSecret": "identity",
    "admin.existingSecret": "tokens",
    "admin.key": "admin",
    "redis.existingSecret": "tokens",
    "redis.key": "redis",
    "spoolKey.existingSecret": "tokens",
    "spoolKey.key": "spool",
    "tls.existingSecret": "certificate",
    "extraCA.configMap": "authorities",
    "secretFiles": {"webhook": {"name": "tokens", "key": "webhook"}},
}
WATCHED: dict[str, Any] = {
    "metrics.serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}},
    "metrics.prometheusRule": {
        "enabled": True,
        "labels": {"release": "prometheus"},
        "rules": [{"alert": "Own", "expr": "up == 0"}],
    },
    "metrics.dashboard": {"enabled": True, "annotations": {"folder": "relays"}},
}
OPEN: dict[str, Any] = {
    "ingress": {
        "enabled": True,
        "hosts": ["in.example"],
        "className": "nginx",
        "tls": [{"secretName": "in", "hosts": ["in.example"]}],
    },
    "networkPolicy": {"enabled": True},
    "service.type": "LoadBalancer",
    "service.annotations": {"example/of": "annotations"},
    "service.sessionAffinity": "ClientIP",
}
PLACED: dict[str, Any] = {
    "nodeSelector": {"kubernetes.io/arch": "amd64"},
    "tolerations": [TOLERATION],
    "affinity": {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}},
    "priorityClassName": "important",
    "podLabels": {"team": "errors"},
    "podAnnotations": {"example/of": "annotations"},
    "commonLabels": {"cost": "shared"},
}
ADDED: dict[str, Any] = {
    "extraEnv": [{"name": "RELAY_LOG_LEVEL", "value": "debug"}],
    "extraEnvFrom": [{"secretRef": {"name": "tokens", "optional": True}}],
    "extraVolumes": [{"name": "scratch", "emptyDir": {}}],
    "extraVolumeMounts": [{"name": "scratch", "mountPath": "/scratch"}],
    "imagePullSecrets": [{"name": "registry"}],
    "image.digest": f"sha256:{'0a' * 32}",
}
HPA: dict[str, Any] = {
    "autoscaling": {
        "enabled": True,
        "metrics": [
            {
                "type": "Pods",
                "pods": {"metric": {"name": "depth"}, "target": {"type": "AverageValue", "averageValue": "10"}},
            }
        ],
    }
}


def _project(digit: str) -> dict[str, Any]:
    return {"publicKeys": [{"publicKey": digit * 32}], "config": {"quotas": []}}


OTHERWISE: dict[str, Any] = {
    "image": {"repository": "registry.example/team/scrubjay", "tag": "edge", "pullPolicy": "Always"},
    "probes": {
        "startup": {"periodSeconds": 2, "timeoutSeconds": 3, "failureThreshold": 600},
        "liveness": {"periodSeconds": 20, "timeoutSeconds": 5, "failureThreshold": 5, "initialDelaySeconds": 1},
        "readiness": {"periodSeconds": 1, "timeoutSeconds": 1, "failureThreshold": 1, "successThreshold": 1},
    },
    "resources": {"requests": {"cpu": 2, "memory": "1Gi"}, "limits": {"memory": "2Gi", "cpu": "1500m"}},
    "securityContext": {
        "runAsUser": 1234,
        "runAsGroup": 5678,
        "runAsNonRoot": True,
        "readOnlyRootFilesystem": True,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "Localhost", "localhostProfile": "x"},
    },
    "podSecurityContext": {
        "runAsNonRoot": True,
        "fsGroup": 5678,
        "fsGroupChangePolicy": "Always",
        "seccompProfile": {"type": "RuntimeDefault"},
    },
    "autoscaling": {
        "enabled": True,
        "min": 3,
        "max": 30,
        "behavior": {"scaleDown": {"stabilizationWindowSeconds": 60}},
    },
    "ingress": {"enabled": True, "hosts": ["a.example", "b.example"], "annotations": {"example/body-size": "200m"}},
    "service.internalTrafficPolicy": "Local",
    "serviceAccount.annotations": {"example/role": "relay"},
    "metrics.serviceMonitor": {"enabled": True, "interval": "5s"},
    "metrics.prometheusRule": {"enabled": True, "runbook": "https://wiki.example/runbook.md"},
    "metrics.dashboard": {"enabled": True, "labels": {"grafana_dashboard": "yes"}},
    "credentials": {
        "existingSecret": "identity",
        "key": "credentials.json",
        "id": "7f9b7a54-3d2c-4b0e-9a51-2c6f5c1de001",
    },
}
"""What is a number, a name or a list in the defaults, as another one."""


CASES: dict[str, dict[str, Any]] = {
    "gateway": GATEWAY,
    "gateway, stateless": {**GATEWAY, "persistence.enabled": False},
    "gateway, stateless, in memory": {
        **GATEWAY,
        "persistence.enabled": False,
        "emptyDir": {"sizeLimit": "300Mi", "medium": "Memory"},
    },
    "gateway, one pod": {**GATEWAY, "replicaCount": 1},
    "gateway, scaled": {**GATEWAY, **HPA},
    "gateway, scaled, stateless": {**GATEWAY, **HPA, "persistence.enabled": False},
    "gateway, scaled by other figures": {**GATEWAY, "autoscaling": {**HPA["autoscaling"], "targetCPU": None}},
    "gateway, watched": {**GATEWAY, **WATCHED},
    "gateway, watched, over TLS": {**GATEWAY, **WATCHED, "tls.existingSecret": "certificate", "tls.internal": True},
    "gateway, without an alert": {
        **GATEWAY,
        **WATCHED,
        "metrics.prometheusRule": {"enabled": True, "disabled": ["ScrubjayUpstreamOutage"]},
    },
    "gateway, open": {**GATEWAY, **OPEN},
    "gateway, node port": {**GATEWAY, "service.type": "NodePort", "service.nodePort": 30300, "service.port": 80},
    "gateway, open to nobody": {
        **GATEWAY,
        "networkPolicy": {"enabled": True, "ingressFrom": [], "monitoringFrom": [], "egressTo": []},
    },
    "gateway, closed": {
        **GATEWAY,
        "networkPolicy": {
            "enabled": True,
            "egressTo": [{"ipBlock": {"cidr": "192.0.2.0/24"}}],
            "extraEgress": [{"ports": [{"port": 8125, "protocol": "UDP"}]}],
        },
        "redis.url": "redis://redis:6380",
        "redis.port": 6380,
    },
    "gateway, without tests": {**GATEWAY, "test.enabled": False, "networkPolicy.enabled": True},
    "gateway, placed": {**GATEWAY, **PLACED},
    "gateway, unspread": {**GATEWAY, "topologySpreadConstraints": [], "podDisruptionBudget.enabled": False},
    "gateway, budget of what may go": {
        **GATEWAY,
        "podDisruptionBudget": {"minAvailable": None, "maxUnavailable": "30%"},
    },
    "gateway, all secrets": {**GATEWAY, **SECRETS},
    "gateway, client certificates": {
        **GATEWAY,
        "tls": {"existingSecret": "certificate", "clientCA": True, "minVersion": "1.3"},
    },
    "gateway, authority in a secret": {**GATEWAY, "extraCA": {"secret": "certificate", "key": "ca.crt"}},
    "gateway, redis by url": {**GATEWAY, "redis.url": "redis://redis.shop:6379/1"},
    "gateway, more of everything": {**GATEWAY, **ADDED},
    "gateway, everything": {**GATEWAY, **HPA, **WATCHED, **OPEN, **PLACED, **SECRETS, **ADDED},
    "gateway, other ports": {**GATEWAY, "relay.port": 9000, "internalPort": 9001, "networkPolicy.enabled": True},
    "gateway, on IPv6": {**GATEWAY, "relay.host": "::"},
    "gateway, other names": {**GATEWAY, "nameOverride": "errors", "serviceAccount": {"create": True, "name": "robot"}},
    "gateway, a long name": {
        **GATEWAY,
        "fullnameOverride": "a-relay-with-a-name-as-long-as-it-may-be-and-not-any-x"[:52],
    },
    "gateway, no account": {**GATEWAY, "serviceAccount.create": False},
    "gateway, own classes": {
        **GATEWAY,
        "persistence": {"size": "1Ti", "storageClass": "fast", "accessModes": ["ReadWriteOncePod"], "retain": False},
    },
    "gateway, one worker per processor": {**GATEWAY, "relay.workers": "auto", "relay.shutdownDelay": 0},
    "gateway, never reloads": {**GATEWAY, "relay.reloadInterval": None},
    "gateway, long to end": {
        **GATEWAY,
        "config": {**UPSTREAM, "limits": {"shutdown_timeout": "2m"}},
        "terminationGracePeriodSeconds": 130,
    },
    "gateway, several upstreams": {
        **GATEWAY,
        "config": {"relay": {"upstream": ["https://a.example:8443/", "http://b.example/"]}},
        **OPEN,
    },
    "gateway, many projects": {
        **GATEWAY,
        "projects": {"default": None, "42": _project("a"), "1337": {**_project("b"), "disabled": True}},
        "globalConfig": {"measurements": {"maxCustomMeasurements": 5}},
    },
    "gateway, no projects": {**GATEWAY, "projects": {"default": None}},
    "gateway, an upstream from the environment": {
        "extraEnv": [{"name": "RELAY_UPSTREAM_URL", "value": "https://sentry.example/"}]
    },
    "gateway, otherwise": {**GATEWAY, **OTHERWISE},
    "daemonset": DAEMONSET,
    "daemonset, replaced by hand": {
        **DAEMONSET,
        "daemonset.updateStrategy": {"type": "OnDelete", "rollingUpdate": None},
    },
    "daemonset, many at once": {
        **DAEMONSET,
        "daemonset.updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "25%"}},
    },
    "daemonset, no port of the node": {**DAEMONSET, "daemonset.hostPort": None, "daemonset.hostPath": ""},
    "daemonset, prepared folder": {**DAEMONSET, "daemonset.prepareHostPath": False},
    "daemonset, everywhere": {**DAEMONSET, "daemonset.tolerations": [{"operator": "Exists"}], **PLACED},
    "daemonset, everything": {**DAEMONSET, **WATCHED, **SECRETS, **ADDED, "networkPolicy.enabled": True},
    "sidecar": SIDECAR,
    "sidecar, watched": {**SIDECAR, **WATCHED},
    "sidecar, otherwise": {
        **SIDECAR,
        "sidecar": {
            "native": False,
            "applicationGraceSeconds": 5,
            "emptyDir": {"sizeLimit": "2Gi", "medium": "Memory"},
            "resources": {"requests": {"cpu": "1", "memory": "2Gi"}, "limits": {"memory": "3Gi"}},
        },
    },
    "sidecar, all secrets": {**SIDECAR, **SECRETS, **ADDED},
}
"""What it is → values, as `--set-json` takes them: dotted keys, and maps over the chart's own."""


EXTERNAL = frozenset({"tokens", "identity", "certificate", "authorities"})
"""The Secrets and ConfigMaps that the cluster has already, as far as values name them."""
