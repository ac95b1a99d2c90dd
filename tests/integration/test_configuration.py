"""What a configuration says is what the relay does: values of files and variables, at the start and while it runs."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from support.relay import relay

EVENT = b'{"event_id":"5d2c7a5e1b8f4c0e9a3d6f7081920abc"}\n{"type":"event"}\n{"message":"x"}\n'
READY = "/api/relay/healthcheck/ready/"
DEADLINE_S = 60


async def test_operations_5_a_size_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "r").mkdir()
    (tmp_path / "r" / "x").write_text("1B\n")
    async with relay(tmp_path / "r", options={"limits": {"max_event_size": "${file:x}"}}) as one:
        assert (await one.env(EVENT)).status == 413


@pytest.mark.parametrize("is_link", [False, True])
async def test_operations_21_a_file_that_a_value_stands_in_is_watched(tmp_path: Path, is_link: bool) -> None:
    """A mounted Secret changes by the swap of a link."""
    folder, value = tmp_path / "r", tmp_path / "r" / "most"
    folder.mkdir()
    if is_link:
        (tmp_path / "old").write_text("100GiB")
        (tmp_path / "new").write_text("42")
        value.symlink_to(tmp_path / "old")
    else:
        value.write_text("100GiB")
    options = {"relay": {"config_reload_interval": 0}, "health": {"max_memory_bytes": "${file:most}"}}
    async with relay(folder, options=options) as one:
        assert (await one.send("GET", READY)).status == 200
        if is_link:
            (tmp_path / "next").symlink_to(tmp_path / "new")
            (tmp_path / "next").replace(value)
        else:
            value.write_text("42")
        async with asyncio.timeout(DEADLINE_S):
            while (await one.send("GET", READY)).status != 503:  # noqa: ASYNC110  asked as a probe asks
                await asyncio.sleep(0.01)
        # What cannot be read leaves the last good one in force
        generation = one.worker._configuration.generation
        value.unlink()
        await one.worker.reload()
        (folder / "scrubjay.yaml").write_text("relay: {")
        await one.worker.reload()
        assert one.worker._configuration.generation == generation
        assert (await one.send("GET", READY)).status == 503
