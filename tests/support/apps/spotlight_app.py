"""Reports one error to Spotlight alone: `python spotlight_app.py DEFAULT_URL [true]`; without the second as the environment says.

`DEFAULT_URL` stands for the address that the SDK has built in, whose port may not be free where this runs.
"""

import sys

import sentry_sdk
from sentry_sdk import spotlight

_, default_url, *given = sys.argv
spotlight.DEFAULT_SPOTLIGHT_URL = default_url
sentry_sdk.init(spotlight=True if given == ["true"] else None)
try:
    raise ValueError("card 4111 1111 1111 1111 of jane@example.com refused")
except ValueError as error:
    sentry_sdk.capture_exception(error)
sentry_sdk.flush()
