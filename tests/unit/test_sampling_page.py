"""`docs/sampling.md`: its examples load, and what is said of them holds."""

import json
import re
from pathlib import Path

import pytest

from scrubjay.core.plan import ProjectPlan, compile_plan
from scrubjay.settings.project_parsing import parse_project
from scrubjay.settings.schema import Settings
from support.path import Path as Relay
from support.path import envelope

PAGE = (Path(__file__).parents[2] / "docs" / "sampling.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
RATE_PER_LEVEL, FIRST_FEW, DECAY, RESERVOIR, ALLOW_LIST = EXAMPLES
HIGH = "9f86d081884c4d63a2feaa0c55ad015a"


def plan_of(example: str) -> ProjectPlan:
    return compile_plan(parse_project(example, "page.yaml"), Settings())


@pytest.mark.parametrize("example", EXAMPLES)
def test_each_example_loads_without_a_problem(example: str) -> None:
    plan = plan_of(example)
    assert plan.plain is not None
    assert plan.problems == ()


def sent(example: str, *items: tuple[str, str], times: int = 1, event_id: str = HIGH) -> int:
    """How many envelopes were left of so many."""
    relay = Relay(example)
    for _ in range(times):
        relay.send(envelope(*items, header=json.dumps({"event_id": event_id})))
        assert relay.closes()
    return len(relay.shelf.parcels)


@pytest.mark.parametrize(("level", "left"), [("debug", 0), ("info", 0), ("warning", 0), ("error", 1), ("fatal", 1)])
def test_a_rate_per_level(level: str, left: int) -> None:
    assert sent(RATE_PER_LEVEL, ("event", f'{{"level":"{level}"}}')) == left


def test_logs_one_by_one() -> None:
    logs = (
        '"type":"log","item_count":2,"content_type":"application/vnd.sentry.items.log+json"',
        '{"items":[{"body":"a heartbeat"},{"body":"x heartbeat"}]}',
    )
    assert sent(RATE_PER_LEVEL, logs) == 0


def test_the_first_few_of_a_kind() -> None:
    assert sent(FIRST_FEW, ("event", '{"message":"order 17 failed"}'), times=30) == 10


def test_workers_share_as_the_page_says() -> None:
    assert "with 4 workers `n: 10` keeps up to 12" in PAGE
    assert -(-10 // 4) * 4 == 12


def test_a_few_of_everything() -> None:
    assert sent(RESERVOIR, ("replay_event", '{"replay_id":"1"}'), times=30) == 5
    assert sent(DECAY, ("transaction", "{}")) in (0, 1)


def test_the_weight_is_where_the_page_says() -> None:
    shown = json.loads(re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)[0])["contexts"]["scrubjay_sampling"]
    relay = Relay(FIRST_FEW)
    error = {
        "exception": {
            "values": [
                {"type": "ValueError", "stacktrace": {"frames": [{"module": "shop.cart", "function": "add_item"}]}}
            ]
        }
    }
    for _ in range(11):
        relay.send(envelope(("event", json.dumps(error)), header='{"event_id":"00000000000000010000000000000000"}'))
    events = [json.loads(parcel.body.split(b"\n")[2]) for parcel in relay.shelf.parcels]
    assert events[-1]["contexts"]["scrubjay_sampling"] == shown
    scope: dict[str, object] = {}
    exec(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)[0], scope)
    estimate = scope["estimate"]
    assert callable(estimate)
    assert estimate(events) == 110
    assert estimate([{}, {"contexts": {}}]) == 2


def test_the_weight_stays_under_an_allow_list() -> None:
    relay = Relay(ALLOW_LIST)
    relay.send(envelope(("event", '{"message":"x"}'), header='{"event_id":"00000000000000010000000000000000"}'))
    logs = json.dumps({"items": [{"body": f"{word} {number}"} for number in range(9) for word in ("retry", "done")]})
    relay.send(envelope(('"type":"log","item_count":18', logs)))
    event, container = (json.loads(parcel.body.split(b"\n")[2]) for parcel in relay.shelf.parcels)
    assert event["contexts"]["scrubjay_sampling"]["weight"] == 2
    assert {record["attributes"]["scrubjay.weight"]["value"] for record in container["items"]} == {1 / 0.8, 1 / 0.9}
