"""The plugin's own fixtures under short names: a sink as third parties have it, and a test's own part of it."""

import pytest

from scrubjay.testing import Capture, CaptureSink


@pytest.fixture
def sink(sentry_sink: CaptureSink) -> CaptureSink:
    return sentry_sink


@pytest.fixture
def share(sentry_capture: Capture) -> Capture:
    return sentry_capture
