"""A web application that reports its errors: to the relay in its own pod, since that is where SENTRY_DSN points.

`/` says hello, `/error` fails, with the headers of the request at hand. When it is told to end it has one more thing to report.
"""

import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import FrameType

import sentry_sdk


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path.startswith("/error"):
            with sentry_sdk.new_scope() as scope:
                scope.set_extra("visited", self.path)
                scope.set_extra("headers", dict(self.headers))
                try:
                    raise RuntimeError(f"cannot serve {self.path}")
                except RuntimeError as error:
                    event_id = sentry_sdk.capture_exception(error)
            self._answer(500, f"{event_id}\n")
        else:
            self._answer(200, "hello\n")

    def _answer(self, status: int, text: str) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text.encode())


def end(number: int, _frame: FrameType | None) -> None:
    sentry_sdk.capture_message(f"ending: {signal.Signals(number).name}", level="warning")
    sentry_sdk.flush(timeout=5)
    sys.exit(0)


if __name__ == "__main__":
    sentry_sdk.init(environment="example")
    signal.signal(signal.SIGTERM, end)
    ThreadingHTTPServer(("", int(os.environ["PORT"])), Handler).serve_forever()
