"""What the client is told of limits (`decisions.md` 3.5); on the path: test_pipeline_limits."""

from dataclasses import replace

from scrubjay.categories import DataCategory
from scrubjay.core.envelope import Envelope, Item
from scrubjay.core.limits import ActiveLimit, Scoping
from scrubjay.core.plan import ProjectPlan
from scrubjay.core.ports import Ingress, Ports
from scrubjay.core.verdict import verdict
from scrubjay.settings.limits import Limits
from support.path import KEY, Path

PLAN = ProjectPlan("r1")
SCOPING = Scoping(KEY, 7)
SPENT = ActiveLimit("key", frozenset({DataCategory.ERROR}), 1_060.0, "spent")
CRASHES = ActiveLimit("key", frozenset({DataCategory.ATTACHMENT}), 1_060.0, "files")


def ingress(**facts: bool) -> Ingress:
    return Ingress(b"", lambda body, auth: Envelope({}, []), None, 7, 1.0, 1_000.0, **facts)


def ports(*known: ActiveLimit, advertises: bool = True) -> Ports:
    given = Path(bounds=Limits(advertise_on_200=advertises)).ports
    given.limits.learn(SCOPING, list(known), 1_000.0)
    return given


def test_whoever_lost_something_hears_429() -> None:
    told = verdict(Envelope({}, []), (SPENT,), PLAN, SCOPING, ingress(), ports())
    assert (told.status, told.retry_after_s, told.rate_limits) == (429, 60, "60:error:key:spent")
    assert verdict(Envelope({}, []), (SPENT,), PLAN, SCOPING, ingress(hides_limits=True), ports()).status == 200


def test_limits_in_force_are_told_ahead_of_time() -> None:
    told = verdict(Envelope({}, []), (), PLAN, SCOPING, ingress(), ports(SPENT))
    assert (told.status, told.rate_limits) == (200, "60:error:key:spent")
    assert verdict(Envelope({}, []), (), PLAN, SCOPING, ingress(), ports(SPENT, advertises=False)).rate_limits is None


def test_a_crash_that_was_taken_as_an_event_does_not_keep_the_next_one_away() -> None:
    crash = Item({"type": "attachment", "rate_limited": True}, b"")
    told = verdict(Envelope({}, [crash]), (), replace(PLAN), SCOPING, ingress(), ports(SPENT, CRASHES))
    assert told.rate_limits == "60:error:key:spent"
