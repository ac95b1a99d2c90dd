"""What the pods read: the settings of a chart's user over the chart's own, and which changes replace pods."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from support.helm import RELAY_CHART, helm

UPSTREAM = "https://sentry.example/"


def values(changes: dict[str, Any]) -> dict[str, Any]:
    return {"config": {"relay": {"upstream": UPSTREAM}}} | changes


def settings(changes: dict[str, Any]) -> dict[str, Any]:
    """`scrubjay.yaml` of the ConfigMap."""
    (config, _) = helm("helm-4").template(RELAY_CHART, values(changes), only="templates/configmap.yaml")
    loaded: dict[str, Any] = yaml.safe_load(config["data"]["scrubjay.yaml"])
    return loaded


def pods(changes: dict[str, Any]) -> Any:
    """The pod template of the workload: as long as it is the same, no pod is replaced."""
    (workload,) = helm("helm-4").template(RELAY_CHART, values(changes), only="templates/workload.yaml")
    return workload["spec"]["template"]


def test_a_gateway_reads() -> None:
    assert settings({}) == {
        "relay": {
            "mode": "static",
            "upstream": UPSTREAM,
            "host": "0.0.0.0",
            "port": 3000,
            "internal_host": "0.0.0.0",
            "internal_port": 3001,
            "workers": 2,
            "shutdown_delay": 5,
            "config_reload_interval": 10,
        },
        "spool": {
            "envelopes": {"path": "/var/lib/scrubjay/spool", "max_disk_size": "7876MiB", "ephemeral": False},
        },
        "logging": {"format": "json"},
    }


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ({"persistence.enabled": False}, {"max_disk_size": "1575MiB", "ephemeral": True}),
        ({"persistence.size": "2T"}, {"max_disk_size": "1467191MiB", "ephemeral": False}),
        ({"shape": "daemonset"}, {"ephemeral": False}),
        ({"shape": "daemonset", "daemonset.hostPath": ""}, {"max_disk_size": "1575MiB", "ephemeral": True}),
        ({"shape": "sidecar"}, {"max_disk_size": "538MiB", "ephemeral": True}),
    ],
    ids=str,
)
def test_the_spool_follows_from_what_it_lies_on(shape: dict[str, Any], expected: dict[str, Any]) -> None:
    assert settings(shape)["spool"]["envelopes"] == {"path": "/var/lib/scrubjay/spool", **expected}


@pytest.mark.parametrize(("shape", "workers"), [("gateway", 2), ("daemonset", 1), ("sidecar", 1)])
def test_the_shape_says_how_many_workers(shape: str, workers: int) -> None:
    assert settings({"shape": shape})["relay"]["workers"] == workers


def test_the_users_word_wins_even_if_it_is_no_or_nothing() -> None:
    """What is false, 0 or empty is said too."""
    config = {
        "relay": {"upstream": [UPSTREAM, "https://b.example/"], "mode": "proxy"},
        "spool": {"envelopes": {"ephemeral": False, "max_disk_size": "1MiB"}},
        "logging": {"format": "pretty"},
        "http": {"retry_delay": 0, "upstream_path_prefix": ""},
    }
    read = settings({"config": config, "persistence.enabled": False})
    assert read["spool"]["envelopes"] == {
        "path": "/var/lib/scrubjay/spool",
        "max_disk_size": "1MiB",
        "ephemeral": False,
    }
    assert read["logging"] == {"format": "pretty"}
    assert read["http"] == {"retry_delay": 0, "upstream_path_prefix": ""}
    assert read["relay"]["upstream"] == [UPSTREAM, "https://b.example/"]
    assert (read["relay"]["mode"], read["relay"]["port"]) == ("proxy", 3000)


def test_large_numbers_stay_whole() -> None:
    config = {"relay": {"upstream": UPSTREAM}, "scrub": {"max_nodes": 123456789}}
    assert settings({"config": config})["scrub"] == {"max_nodes": 123456789}


@pytest.mark.parametrize(
    "changes",
    [
        {"projects": {"42": {"publicKeys": [{"publicKey": "a94ae32be2584e0bbd7a4cbb95971fee"}]}}},
        {"projects": {"default": None}},
        {"globalConfig": {"options": {}}},
        {"config": {"relay": {"upstream": UPSTREAM}, "limits": {"max_event_size": "2MiB"}}},
        {"config": {"relay": {"upstream": UPSTREAM}, "logging": {"level": "debug"}}},
        {"replicaCount": 5},
        {"metrics.prometheusRule.enabled": True},
    ],
    ids=str,
)
def test_pods_stay_where_they_can_read_the_change(changes: dict[str, Any]) -> None:
    assert pods(changes) == pods({})


@pytest.mark.parametrize(
    "changes",
    [
        {"config": {"relay": {"upstream": "https://other.example/"}}},
        {"config": {"relay": {"upstream": UPSTREAM}, "quotas": {"redis": "redis://r:6379"}}},
        {"config": {"relay": {"upstream": UPSTREAM}, "http": {"insecure_skip_verify": False}}},
        {"relay.workers": 3},
        {"relay.reloadInterval": None},
    ],
    ids=str,
)
def test_pods_are_replaced_where_they_cannot(changes: dict[str, Any]) -> None:
    assert pods(changes) != pods({})


def test_where_nobody_looks_for_changes_each_one_replaces_pods() -> None:
    config = {"relay": {"upstream": UPSTREAM}, "limits": {"max_event_size": "2MiB"}}
    assert pods({"relay.reloadInterval": None, "config": config}) != pods({"relay.reloadInterval": None})


def test_secrets_are_files_and_never_text() -> None:
    named = {
        "admin.existingSecret": "admin",
        "redis.existingSecret": "redis",
        "spoolKey.existingSecret": "spool",
        "credentials.existingSecret": "identity",
        "tls.existingSecret": "tls",
        "tls.clientCA": True,
        "extraCA.secret": "ca",
        "secretFiles": {"hook": {"name": "hooks", "key": "url"}},
    }
    read = settings(named)
    assert read["admin"] == {"token": "${file:secrets/admin-token}"}
    assert read["quotas"] == {"redis": "${file:secrets/redis-url}"}
    assert read["spool"]["envelopes"]["encryption_key"] == "${file:secrets/spool-key}"
    assert read["http"] == {"ca_bundle": "/etc/scrubjay/ca/ca.crt"}
    assert read["tls"]["client_ca"] == "/etc/scrubjay/tls/ca.crt"
    (volume,) = [volume for volume in pods(named)["spec"]["volumes"] if volume["name"] == "scrubjay-config"]
    assert {
        (source["secret"]["name"], item["key"]): item["path"]
        for source in volume["projected"]["sources"]
        if "secret" in source
        for item in source["secret"]["items"]
    } == {
        ("admin", "token"): "secrets/admin-token",
        ("redis", "url"): "secrets/redis-url",
        ("spool", "key"): "secrets/spool-key",
        ("identity", "credentials.json"): "credentials.json",
        ("tls", "tls.crt"): "tls/tls.crt",
        ("tls", "tls.key"): "tls/tls.key",
        ("tls", "ca.crt"): "tls/ca.crt",
        ("ca", "ca.crt"): "ca/ca.crt",
        ("hooks", "url"): "secrets/hook",
    }


@pytest.mark.parametrize(
    ("changes", "ports"),
    [
        ({}, [443]),
        ({"config": {"relay": {"upstream": "http://a.example"}}}, [80]),
        ({"config": {"relay": {"upstream": ["https://a.example:8443/", "https://b.example"]}}}, [8443, 443]),
        ({"config": {"relay": {"upstream": UPSTREAM}, "http": {"proxy": "http://proxy:3128"}}}, [443, 3128]),
        ({"config": {}, "extraEnvFrom": [{"secretRef": {"name": "upstream"}}]}, [443]),
        ({"redis.existingSecret": "redis", "redis.port": 6380}, [443, 6380]),
        ({"config": {"relay": {"upstream": "https://[2001:db8::1]/"}}}, [443]),
    ],
    ids=str,
)
def test_the_network_policy_lets_out_what_the_settings_need(changes: dict[str, Any], ports: list[int]) -> None:
    """Beside names, which are looked up at port 53."""
    (policy,) = helm("helm-4").template(
        RELAY_CHART, values(changes) | {"networkPolicy.enabled": True}, only="templates/networkpolicy.yaml"
    )
    names, needed = policy["spec"]["egress"]
    assert {port["port"] for port in names["ports"]} == {53}
    assert [port["port"] for port in needed["ports"]] == ports
