"""Values that contradict each other are refused before anything is installed, in words that say what to do."""

from __future__ import annotations

from typing import Any

import pytest

from support.helm import RELAY_CHART, HelmError, helm

UPSTREAM = {"config": {"relay": {"upstream": "https://sentry.example/"}}}


def refusal(values: dict[str, Any]) -> list[str]:
    """The problems that Helm shows, one a line; none if it renders."""
    try:
        helm("helm-4").text(RELAY_CHART, values)
    except HelmError as error:
        _, _, problems = str(error).partition("scrubjay cannot be installed with these values:\n")
        return [line.removeprefix("- ") for line in problems.splitlines() if line.startswith("- ")] or [str(error)]
    return []


def config(**sections: Any) -> dict[str, Any]:
    return {"config": {**UPSTREAM["config"], **sections}}


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no upstream": ({"config": {}}, "config.relay.upstream is missing: name the server that events go to"),
    "the port twice": (
        {"config": {"relay": {"upstream": "https://a.example", "port": 4000}}},
        "config.relay.port is the chart's: set the value relay.port instead",
    ),
    "the spool's folder": (
        config(spool={"envelopes": {"path": "/data"}}),
        "config.spool.envelopes.path is the chart's: set the value persistence.enabled instead",
    ),
    "a certificate": (
        config(tls={"cert": "/x"}),
        "config.tls.cert is the chart's: set the value tls.existingSecret instead",
    ),
    "the token twice": (
        config(admin={"token": "${file:x}"}) | {"admin": {"existingSecret": "s", "key": "token"}},
        "config.admin.token is the chart's: set the value admin.existingSecret instead",
    ),
    "Redis twice": (
        config(quotas={"redis": "redis://r:6379"}) | {"redis.existingSecret": "s"},
        "config.quotas.redis is the chart's: set the value redis instead",
    ),
    "authorities twice": (
        config(http={"ca_bundle": "/x"}) | {"extraCA.secret": "s"},
        "config.http.ca_bundle is the chart's: set the value extraCA instead",
    ),
    "the spool's key twice": (
        config(spool={"envelopes": {"encryption_key": "${KEY}"}}) | {"spoolKey.existingSecret": "s"},
        "config.spool.envelopes.encryption_key is the chart's: set the value spoolKey.existingSecret instead",
    ),
    "killed while it ends": (
        UPSTREAM | {"terminationGracePeriodSeconds": 19},
        "terminationGracePeriodSeconds is 19, so that pods would be killed before they are done",
    ),
    "killed while it ends, in words": (
        config(limits={"shutdown_timeout": "1m"}),
        "relay.shutdownDelay (5) + config.limits.shutdown_timeout (60) + 5 is 70",
    ),
    "a full spool evicts": (
        config(spool={"envelopes": {"max_disk_size": "500MiB"}})
        | {"persistence.enabled": False, "emptyDir.sizeLimit": "600Mi"},
        "emptyDir.sizeLimit is 600Mi, so that a full spool would evict the pod: it needs 1.3 times",
    ),
    "a full spool evicts the application": (
        config(spool={"envelopes": {"max_disk_size": "1GB"}}) | {"shape": "sidecar"},
        "sidecar.emptyDir.sizeLimit is 700Mi, so that a full spool would evict the pod",
    ),
    "more than the volume": (
        config(spool={"envelopes": {"max_disk_size": "11GiB"}}),
        "persistence.size is 10Gi, less than config.spool.envelopes.max_disk_size (11GiB)",
    ),
    "an id without keys": (
        UPSTREAM | {"credentials.id": "7f9b7a54-3d2c-4b0e-9a51-2c6f5c1de001"},
        "credentials.id is set, but there are no keys: name their Secret in credentials.existingSecret",
    ),
    "managed without keys": (
        {"config": {"relay": {"mode": "managed"}}},
        "by which the server would know the pods: name their Secret in credentials.existingSecret",
    ),
    "two places for Redis": (
        UPSTREAM | {"redis.url": "redis://r:6379", "redis.existingSecret": "s"},
        "redis.url and redis.existingSecret are both set: one of them",
    ),
    "a password among the values": (
        UPSTREAM | {"redis.url": "redis://:hunter2@r:6379"},
        "redis.url may hold a password, which values show to everybody: put it into a Secret and name that in redis.existingSecret",
    ),
    "two places for authorities": (
        UPSTREAM | {"extraCA.configMap": "a", "extraCA.secret": "b"},
        "extraCA.configMap and extraCA.secret are both set: one of them",
    ),
    "the name of a file of ours": (
        UPSTREAM | {"secretFiles": {"spool-key": {"name": "a", "key": "b"}}},
        "secretFiles.spool-key is a file of the chart's: another name",
    ),
    "client certificates without TLS": (
        UPSTREAM | {"tls.clientCA": True},
        "tls.clientCA is set, but there is no certificate: name its Secret in tls.existingSecret",
    ),
    "TLS inside without TLS": (UPSTREAM | {"tls.internal": True}, "tls.internal is set, but there is no certificate"),
    "one port for two": (UPSTREAM | {"internalPort": 3000}, "relay.port and internalPort are both 3000: two ports"),
    "from more to less": (
        UPSTREAM | {"autoscaling.enabled": True, "autoscaling.min": 11},
        "autoscaling.min (11) is more than autoscaling.max (10)",
    ),
    "scaling by nothing": (
        UPSTREAM | {"autoscaling.enabled": True, "autoscaling.targetCPU": None},
        "autoscaling is enabled, but nothing says when: set autoscaling.targetCPU or autoscaling.metrics",
    ),
    "two budgets": (
        UPSTREAM | {"podDisruptionBudget.maxUnavailable": 1},
        "podDisruptionBudget needs one of minAvailable and maxUnavailable, the other null",
    ),
    "no budget": (
        UPSTREAM | {"podDisruptionBudget.minAvailable": None},
        "podDisruptionBudget needs one of minAvailable",
    ),
    "nodes do not scale": (
        UPSTREAM | {"shape": "daemonset", "autoscaling.enabled": True},
        "autoscaling.enabled has no meaning in shape daemonset: set it to false",
    ),
    "a policy for somebody else's pods": (
        UPSTREAM | {"shape": "sidecar", "networkPolicy.enabled": True},
        "networkPolicy.enabled has no meaning in shape sidecar: set it to false",
    ),
    "a way in to nothing": (
        UPSTREAM | {"shape": "sidecar", "ingress.enabled": True, "ingress.hosts": ["a.example"]},
        "ingress.enabled has no meaning in shape sidecar: set it to false",
    ),
    "a way in without a name": (
        UPSTREAM | {"ingress.enabled": True},
        "ingress is enabled, but ingress.hosts names none",
    ),
    "two pods on one port": (
        UPSTREAM | {"shape": "daemonset", "daemonset.updateStrategy": {"rollingUpdate": {"maxSurge": 1}}},
        "daemonset.updateStrategy.rollingUpdate.maxSurge cannot be with daemonset.hostPort",
    ),
    "a folder for nobody": (
        UPSTREAM | {"shape": "daemonset", "securityContext.runAsUser": None},
        "daemonset.prepareHostPath needs securityContext.runAsUser: whose the folder is to be",
    ),
    "no such alert": (
        UPSTREAM | {"metrics.prometheusRule.disabled": ["ScrubjaySpoolOld", "ScrubjaySpoolOd"]},
        "metrics.prometheusRule.disabled names ScrubjaySpoolOd, which is none of the alerts: ScrubjayA",
    ),
    "nothing to read": (
        config(metrics={"prometheus": False}) | {"metrics.serviceMonitor.enabled": True},
        "metrics.serviceMonitor is enabled, but config.metrics.prometheus is false: there would be nothing to read",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_contradictions_are_told(name: str) -> None:
    values, words = REFUSED[name]
    (told,) = refusal(values)
    assert told.startswith(words) or words in told


def test_all_problems_are_told_at_once() -> None:
    told = refusal({"config": {}, "internalPort": 3000, "tls.internal": True})
    assert [line.split(" ", 1)[0] for line in told] == ["config.relay.upstream", "tls.internal", "relay.port"]


@pytest.mark.parametrize(
    "values",
    [
        {"config": {}, "extraEnv": [{"name": "RELAY_UPSTREAM_URL", "value": "https://sentry.example"}]},
        {"config": {}, "extraEnvFrom": [{"secretRef": {"name": "upstream"}}]},
        {"config": {"relay": {"mode": "proxy"}}},
        {"config": {"relay": {"mode": "managed"}}, "credentials.existingSecret": "identity"},
        {"config": {"relay": {"mode": "managed"}}, "extraEnvFrom": [{"secretRef": {"name": "identity"}}]},
        UPSTREAM | {"terminationGracePeriodSeconds": 20},
        config(limits={"shutdown_timeout": "${TIMEOUT}"}),
        config(limits={"shutdown_timeout": "2500ms"}) | {"terminationGracePeriodSeconds": 13},
        config(spool={"envelopes": {"max_disk_size": "10GiB"}}),
        config(spool={"envelopes": {"max_disk_size": 10737418240}}),
        config(spool={"envelopes": {"max_disk_size": "538MiB"}}) | {"shape": "sidecar"},
    ],
    ids=str,
)
def test_what_does_not_contradict_is_taken(values: dict[str, Any]) -> None:
    assert refusal(values) == []
