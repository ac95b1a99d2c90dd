"""The seam of the path: defaults that endpoints and worker rely on."""

from __future__ import annotations

from scrubjay.core.envelope import parse_envelope
from scrubjay.core.ports import Ingress, Verdict
from scrubjay.settings.load import build
from support.path import Path


def test_a_verdict_is_a_plain_200_unless_said_otherwise() -> None:
    assert Verdict() == Verdict(200, None, None, None)


def test_requests_do_not_share_their_hints() -> None:
    first, second = (
        Ingress(b"{}", lambda body, auth: parse_envelope(body), None, None, received_unix=0, now_mono=0) for _ in "ab"
    )
    first.client_hints["sec_ch_ua"] = "x"
    assert second.client_hints == {}
    assert second.read(second.body, None).items == []
    assert not second.hides_limits


def test_settings_of_the_path_are_put_in_force() -> None:
    ports = Path().ports
    chosen = build(
        {
            "limits.max_attachment_count": 1,
            "routing.accept_unknown_items": False,
            "privacy.trust_envelope_facts": False,
            "relay.override_project_ids": True,
        }
    )
    ports.obey(chosen)
    assert ports.bounds is chosen.limits
    assert (ports.accepts_unknown, ports.trusts_facts, ports.overrides_project_ids) == (False, False, True)
    ports.obey(build({}))
    assert (ports.accepts_unknown, ports.trusts_facts, ports.overrides_project_ids) == (True, True, False)
