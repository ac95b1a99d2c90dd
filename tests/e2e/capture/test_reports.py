"""What applications report, asked by our own plugin: an error of Django and of Express each, to the place of each value that was taken."""

from pathlib import Path

import pytest

from scrubjay.testing import Capture
from support.planted import ORDER, found
from support.sample_shop import PYTHON_SDKS, fail_to_pay_in_express, fail_to_pay_in_python


@pytest.mark.parametrize(("framework", "exception"), [("django", "PaymentError"), ("express", "Error")])
def test_an_error_is_reported_once_and_nothing_that_was_planted(
    sentry_capture: Capture, framework: str, exception: str, tmp_path: Path
) -> None:
    if framework == "express":
        fail_to_pay_in_express(sentry_capture.dsn, tmp_path)
    else:
        fail_to_pay_in_python(framework, PYTHON_SDKS[0], sentry_capture.dsn, tmp_path)
    error = sentry_capture.one(type="error", exception=exception, within=60)
    assert error.tags["plan"] == "gold"
    assert error.tags["customer"] == "[email]"
    taken = error.scrubbed("/user/email")
    assert (taken.rule, taken.before) == ("@email:replace", ORDER["customer"])
    for record in sentry_capture.events():
        assert found(repr(record.payload).encode()) == {}, record.title
    sentry_capture.none(type="error", exception="TypeError")
