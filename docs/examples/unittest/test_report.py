"""The same without pytest: `python -m unittest`, with `scrubjay` and `sentry-sdk` installed."""

import unittest

import sentry_sdk

from scrubjay.testing import CaptureSink


class Reports(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.sink = cls.enterClassContext(CaptureSink())

    def setUp(self) -> None:
        self.capture = self.sink.capture()  # a key and a project of its own for each test
        sentry_sdk.init(self.capture.dsn)
        self.addCleanup(lambda: sentry_sdk.get_client().close(timeout=2))

    def test_an_error_without_the_address(self) -> None:
        sentry_sdk.capture_message("mail to ana@lab.example bounced")
        event = self.capture.one(type="error")
        self.assertEqual(event.title, "mail to [email] bounced")
        self.capture.assert_clean()

    def test_nothing(self) -> None:
        self.capture.none()


if __name__ == "__main__":
    unittest.main()
