"""An application that sends what it is told to: one command a line on stdin, `done` after each.

`error`, `transaction`, `log`, `attachment` (a message with a file of 100 bytes) are sent before the answer; `close` sends the SDK's
own report and ends.
"""

import itertools
import os
import sys

import sentry_sdk

sentry_sdk.init(os.environ["APP_DSN"], traces_sample_rate=1.0, enable_logs=True, auto_session_tracking=False)
numbers = itertools.count()


def settle() -> None:
    """Everything is answered. Not `flush`, which would send the SDK's report too, each time."""
    client = sentry_sdk.get_client()
    client.log_batcher.flush()
    client.transport._worker.flush(10.0, None)


for line in sys.stdin:
    command, name = line.strip(), f"number {next(numbers)}"
    if command == "error":
        sentry_sdk.capture_message(name, "error")
    elif command == "transaction":
        with sentry_sdk.start_transaction(name=name):
            pass
    elif command == "log":
        sentry_sdk.logger.error(name)
    elif command == "attachment":
        with sentry_sdk.new_scope() as scope:
            scope.add_attachment(bytes=b"x" * 100, filename="notes.txt")
            scope.capture_message(name, "error")
    settle()
    if command == "close":
        sentry_sdk.flush(timeout=10)
    print("done", flush=True)
