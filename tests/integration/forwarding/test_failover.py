"""Two real servers behind one relay: the second takes over in an outage of the first (upstream-and-operations 6.10)."""

from __future__ import annotations

from pathlib import Path

import pytest

from scrubjay.runtime.forwarding import failover
from support.forwarding import until
from support.mini_upstream import Answer, MiniUpstream, mini_upstream
from support.relay import relay

HTTP = {"retry_delay": 0.01, "outage_grace_period": 0.05, "max_retry_interval": 0.1}


def event(name: str) -> bytes:
    return b'{}\n{"type":"event"}\n{"message":"%s"}\n' % name.encode()


def names(server: MiniUpstream) -> list[str]:
    return [arrival.envelope[1][0].payload.decode()[12:-2] for arrival in server.delivered]


@pytest.mark.parametrize("spooled", [False, True], ids=["memory", "spool"])
async def test_the_second_takes_over_and_the_first_comes_back(
    tmp_path: Path, spooled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failover.Choice.__init__, "__kwdefaults__", {"look_every_s": 0.01, "well_for_s": 0.1})
    async with mini_upstream() as first, mini_upstream() as second:
        options = {"relay": {"upstream": [first.url, second.url]}, "http": HTTP}
        if spooled:
            options["spool"] = {"envelopes": {"path": str(tmp_path / "spool"), "fsync": "never"}}
        async with relay(tmp_path / "r", options=options) as one:
            assert (await one.env(event("a"))).status == 200
            await first.until_delivered(1)
            await first.stop()
            for name in "bcd":
                assert (await one.env(event(name))).status == 200
            await second.until_delivered(3)
            assert sorted(names(second)) == ["b", "c", "d"]
            dsn = second.delivered[0].header["dsn"]
            assert dsn.endswith(f"127.0.0.1:{second.port}/7")
            await first.start()
            await until(lambda: not one.worker._delivery.roads.choice.active)
            assert (await one.env(event("e"))).status == 200
            await first.until_delivered(2)
            assert names(first) == ["a", "e"]
            assert sorted(names(second)) == ["b", "c", "d"]


async def test_an_interruption_is_no_outage_and_answers_of_any_kind_are_answers(tmp_path: Path) -> None:
    async with mini_upstream() as first, mini_upstream() as second:
        options = {"relay": {"upstream": [first.url, second.url]}, "http": {**HTTP, "outage_grace_period": 30}}
        async with relay(tmp_path / "r", options=options) as one:
            first.tell(Answer(reset="before"), Answer(503), Answer(400))
            assert (await one.env(event("a"))).status == 200
            await first.until(lambda: len(first.envelopes) == 2)
            assert (await one.env(event("b"))).status == 200
            await first.until_delivered(1)
            assert (second.envelopes, second.probes) == ([], [])
