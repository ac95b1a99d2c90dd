"""Which partition is taken, and what is told of the disk."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from scrubjay.errors import SpoolError
from scrubjay.runtime.spool.types import Committed, Damaged, Faulted, Synced
from scrubjay.runtime.spool_opening import open_spool, tell_spool_event
from scrubjay.runtime.telemetry import Telemetry
from scrubjay.settings.spool import Envelopes


async def test_there_is_a_spool_only_with_a_path(tmp_path: Path) -> None:
    assert await open_spool(Envelopes(), lambda event: None) is None
    options = Envelopes(path=str(tmp_path / "spool"))
    spool = await open_spool(options, lambda event: None)
    assert spool is not None
    assert spool.slot == 0
    await spool.close()
    (tmp_path / "file").write_text("")
    with pytest.raises(SpoolError):
        await open_spool(replace(options, path=str(tmp_path / "file")), lambda event: None)


def test_writes_of_the_spool_are_counted(caplog: pytest.LogCaptureFixture) -> None:
    telemetry = Telemetry()
    for event in (
        Committed(records=3, size_bytes=9, duration_s=0.002),
        Synced(0.004),
        Faulted("no space"),
        Damaged(1, 2, "rot"),
    ):
        tell_spool_event(event, telemetry)
    histograms = telemetry.values.histograms
    assert histograms["scrubjay_spool_group_size"][()][-1] == 3
    assert histograms["scrubjay_spool_append_duration_seconds"][()][-1] == 0.002
    assert histograms["scrubjay_spool_fsync_duration_seconds"][()][-1] == 0.004
    assert "spool: no space" in caplog.text
    assert "rot" not in caplog.text
