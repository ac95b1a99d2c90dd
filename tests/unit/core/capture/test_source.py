import pytest

from scrubjay.core.capture.reading import get
from scrubjay.core.capture.source import inferred_source


@pytest.mark.parametrize(
    ("payload", "user_agent", "source"),
    [
        ({"sdk": {"name": "sentry.cocoa"}}, "Mozilla/5.0", "mobile"),
        ({"sdk": {"name": "sentry.javascript.react-native"}}, "", "mobile"),
        ({"platform": "python"}, "Mozilla/5.0 (X11)", "browser"),
        ({"server_name": "web-1", "platform": "javascript"}, "", "server"),
        ({"contexts": {"runtime": {"name": "node"}}}, "", "server"),
        ({"platform": "python"}, "", "server"),
        ({"platform": "javascript", "tags": {"runtime": "browser"}}, "", "browser"),
        ({"platform": "javascript", "sdk": {"name": "sentry.javascript.react"}}, "", "browser"),
        ({"platform": "javascript", "sdk": {"name": "sentry.javascript.nextjs"}}, "", "server"),
        ({"attributes": {"sentry.sdk.name": {"value": "sentry.javascript.browser"}}}, "", "browser"),
        ({}, "curl/8", "server"),
    ],
)
def test_where_it_came_from(payload, user_agent, source):
    sdk = get(payload, "sdk", "name") or get(payload, "attributes", "sentry.sdk.name", "value") or ""
    assert inferred_source(payload, sdk, user_agent) == source
