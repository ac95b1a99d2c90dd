"""What a slot remembers comes back in its next process."""

from __future__ import annotations

from pathlib import Path

import pytest

from scrubjay.core.client_reports import ClientReports
from scrubjay.core.limits import LimitTable
from scrubjay.errors import ConfigError
from scrubjay.runtime.books import Books
from scrubjay.runtime.pulse import Pulse
from scrubjay.runtime.state import read_states
from scrubjay.settings.load import load


def opened(folder: Path) -> Books:
    settings = load(flags={"relay.state_dir": (str(folder), "--state-dir")}).settings
    return Books(settings, 3, 1, ClientReports(interval_s=10), LimitTable(), dict, tuple)


async def test_the_next_process_goes_on_where_the_last_one_ended(tmp_path: Path) -> None:
    books = opened(tmp_path)
    books.telemetry.retry()
    await books.close()
    [state] = read_states(tmp_path).workers
    assert (state.slot, state.stopped) == (3, True)
    again = opened(tmp_path)
    assert "scrubjay_upstream_retries_total 1.0" in again.chronicle.metrics()


async def test_what_is_kept_is_written_at_once(tmp_path: Path) -> None:
    books = opened(tmp_path)
    pulse = Pulse(books.telemetry)
    books.keep(pulse)
    try:
        [state] = read_states(tmp_path).workers
        assert not state.stopped
    finally:
        await pulse.stop()
        await books.close()


def test_a_folder_that_cannot_be_had(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"relay\.state_dir"):
        opened(tmp_path / "file")
    assert repr(opened(tmp_path)).startswith("<Books of slot 3")
