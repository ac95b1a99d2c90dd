"""`/api/relay/autoscaling/`: names and meanings of the reference (operations 9.1)."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from scrubjay.runtime import metrics
from scrubjay.runtime.autoscaling import autoscaling
from scrubjay.runtime.state import merge

NAMES = {
    "relay_memory_usage",
    "relay_up",
    "relay_spool_item_count",
    "relay_spool_total_size",
    "relay_service_utilization",
    "relay_worker_pool_utilization",
    "relay_runtime_utilization",
}


def numbers(text: str) -> dict[str, float]:
    families = text_string_to_metric_families(text)
    return {
        f"{each.name}/{each.labels['instance_id']}" if each.labels else each.name: each.value
        for family in families
        for each in family.samples
    }


def test_all_workers_together() -> None:
    merged = merge([])
    for metric, values in (
        (metrics.CPU_RATIO, {"0": 0.25, "1": 1.25}),
        (metrics.MEMORY_RATIO, {"0": 0.4, "1": 0.4}),
        (metrics.SPOOL_RECORDS, {"p00": 7, "p01": 5}),
        (metrics.SPOOL_BYTES, {"p00": 1000, "p01": 24}),
    ):
        merged.values.series[metric.name].update({(label,): value for label, value in values.items()})
    text = autoscaling(merged, is_up=True)
    assert {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")} == NAMES
    assert numbers(text) == {
        "relay_memory_usage": 0.4,
        "relay_up": 1,
        "relay_spool_item_count": 12,
        "relay_spool_total_size": 1024,
        "relay_service_utilization/0": 25,
        "relay_service_utilization/1": 100,
        "relay_worker_pool_utilization": 100,
        "relay_runtime_utilization": 62,
    }
    assert 'relay_service_utilization{relay_service="worker",instance_id="0"} 25\n' in text


def test_before_the_first_look_nothing_is_busy() -> None:
    found = numbers(autoscaling(merge([]), is_up=False))
    assert set(found) == NAMES - {"relay_service_utilization"}
    assert set(found.values()) == {0}
