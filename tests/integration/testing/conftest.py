"""A sink as third parties start it."""

from collections.abc import Iterator

import pytest

from scrubjay.testing import Capture, CaptureSink


@pytest.fixture(scope="module")
def sink() -> Iterator[CaptureSink]:
    with CaptureSink() as sink:
        yield sink


@pytest.fixture
def share(sink: CaptureSink) -> Iterator[Capture]:
    """A test's own part of the sink."""
    share = sink.capture()
    yield share
    share.faults()
