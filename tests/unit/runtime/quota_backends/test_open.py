"""Which backend the settings ask for."""

import builtins
import sys
from pathlib import Path
from typing import Any

import pytest

from scrubjay.errors import ConfigError
from scrubjay.runtime.health import Health
from scrubjay.runtime.quota_backends import open_backend, sharing_of
from scrubjay.runtime.quota_backends.leases import LeasingBackend
from scrubjay.runtime.quota_backends.memory import MemoryBackend
from scrubjay.runtime.quota_sharing.service import Sharing
from scrubjay.runtime.state import merge
from scrubjay.runtime.telemetry import Telemetry
from scrubjay.settings.decisions import Quotas
from scrubjay.settings.setting import Secret
from support.counting import T, charge, quota


@pytest.fixture
def health() -> Health:
    return Health(str, lambda: merge([]))


def away(telemetry: Telemetry) -> float:
    return telemetry.values.series["scrubjay_lease_calls_total"].get(("away",), 0)


def test_settings_become_plain_data() -> None:
    settings = Quotas(redis=Secret("redis://h"), redis_timeout_ms=80, on_redis_error="closed", replicas=3, mode="sync")
    assert sharing_of(settings) == Sharing("redis://h", 0.08, "closed", 3, "sync")
    assert sharing_of(Quotas()) == Sharing()


async def test_alone_it_counts_in_memory(health: Health) -> None:
    assert isinstance(open_backend(Quotas(), "", health, Telemetry()), MemoryBackend)
    assert "quotas" not in health.checks()


async def test_away_is_told_and_never_unready_decisions_26(health: Health, tmp_path: Path) -> None:
    telemetry = Telemetry()
    settings = Quotas(redis=Secret(f"unix://{tmp_path}/none.sock"), on_redis_error="open")
    backend = open_backend(settings, "", health, telemetry)
    assert isinstance(backend, LeasingBackend)
    assert health.checks()["quotas"] == (True, "")
    assert await backend.consume([charge(quota(1), amount=99)], T) == [()]
    assert health.checks()["quotas"] == (True, "the store of quotas is away; `open` decides")
    assert away(telemetry) == 1
    assert telemetry.values.series["scrubjay_quota_backend_errors_total"][()] == 1
    assert telemetry.values.series["scrubjay_quota_store_up"][()] == 0
    await backend.close()


async def test_a_worker_asks_the_service_of_its_host(health: Health, tmp_path: Path) -> None:
    telemetry = Telemetry()
    backend = open_backend(Quotas(redis=Secret("redis://unused")), str(tmp_path / "none.sock"), health, telemetry)
    assert await backend.consume([charge(quota(2))], T) == [()]
    assert health.checks()["quotas"] == (True, "the quota service is away; `local` decides")
    await backend.close()


async def test_a_url_that_means_nothing_is_refused(health: Health) -> None:
    with pytest.raises(ConfigError, match="unknown scheme"):
        open_backend(Quotas(redis=Secret("http://h")), "", health, Telemetry())


async def test_without_the_package_it_says_what_to_install(health: Health, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *arguments: Any, **members: Any) -> Any:
        if name.partition(".")[0] == "redis":
            raise ModuleNotFoundError(name)
        return real(name, *arguments, **members)

    for name in ("store", "client"):
        monkeypatch.delitem(sys.modules, f"scrubjay.runtime.quota_sharing.{name}", raising=False)
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ConfigError, match=r"pip install 'scrubjay\[redis\]'"):
        open_backend(Quotas(redis=Secret("redis://h")), "", health, Telemetry())
