"""A server that is slower than it is asked: it gets everything, and not many times over because we lose our patience with it.

What was sent and not answered in time is sent again (`upstream-and-operations.md` 6.6), while the server still works on the first: the more
is sent at once, the more of it is in vain. So there must be less and less of it (6.7).
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable

import pytest

from support.daemon import Daemon
from support.http_client import post
from support.promises import Arrivals
from support.recorder import recording
from support.steady_load import TARGET

EVENTS = 100


@pytest.mark.deep
def test_a_slow_server_is_not_flooded_with_repetitions(daemons: Callable[..., Daemon]) -> None:
    with recording() as upstream:
        upstream.is_away = True
        relay = daemons(upstream=upstream.url, options={"http": {"timeout": 1}})
        relay.start()
        promised = set()
        for _ in range(EVENTS):
            event_id = uuid.uuid4().hex
            payload = json.dumps({"event_id": event_id, "message": "slowly"}).encode()
            body = b'{"event_id":"%b"}\n{"type":"event","length":%d}\n%b\n' % (event_id.encode(), len(payload), payload)
            assert post(relay.port, TARGET, body).status == 200
            promised.add(event_id)
        upstream.seconds_each = 0.15  # a few can be answered in time, and a hundred are asked at once
        upstream.is_away = False
        arrivals = Arrivals(upstream)
        arrivals.wait_for(promised, timeout_s=120)
        assert promised <= arrivals.times.keys()
        relay.wait_until_empty()
        arrived = sum(map(len, arrivals.update().times.values()))
        assert arrived < 1.5 * EVENTS, f"{arrived} requests for {EVENTS} envelopes"
        assert relay.stop() == 0, relay.log
