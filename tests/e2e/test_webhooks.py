"""Two workers that share a quota tell of it once."""

import json
from collections.abc import Callable
from typing import Any

from support.daemon import Daemon
from support.http_client import post
from support.processes import wait_for
from support.recorder import recording
from support.steady_load import TARGET

Daemons = Callable[..., Daemon]
QUOTAS = [
    {"id": "errors", "categories": ["error"], "limit": 40, "window": 86_400},
    {"id": "last", "categories": ["session"], "limit": 1, "window": 86_400},
]
EVENT = b'{}\n{"type":"event"}\n{"message":"x"}'
SESSION = b'{}\n{"type":"session"}\n{"sid":"7c7b6585-f901-4351-bf8d-02711b721929"}'


def test_two_workers_tell_once(daemons: Daemons) -> None:
    with recording() as upstream, recording() as receiver:
        relay = daemons(
            upstream=upstream.url,
            options={"relay": {"workers": 2}, "webhooks": {"url": f"{receiver.url}/hook"}},
            projects={"default.yaml": {"config": {"quotas": QUOTAS}}},
            spool=False,
        )
        relay.start()
        wait_for(lambda: relay.log.count("is ready") >= 2, "both workers are ready")

        def told() -> list[dict[str, Any]]:
            bodies = [json.loads(delivery.body) for delivery in list(receiver.deliveries)]
            return [body for body in bodies if body["type"] == "quota.exhausted"]

        statuses = [post(relay.port, TARGET, EVENT).status for _ in range(60)]
        assert statuses.count(200) == 40
        wait_for(told, "the first is told")
        post(relay.port, TARGET, SESSION)
        wait_for(lambda: len(told()) > 1, "the second is told")
        assert [(body["quota"], body["consumed"], body["limit"]) for body in told()] == [
            ("errors", 40, 40),
            ("last", 1, 1),
        ]
        assert len({body["id"] for body in told()}) == 2
        labels = frozenset({("type", "quota.exhausted"), ("result", "delivered")})
        wait_for(lambda: relay.metrics().get(("scrubjay_webhooks_total", labels)) == 2, "both are counted")
        assert relay.stop() == 0, relay.log
