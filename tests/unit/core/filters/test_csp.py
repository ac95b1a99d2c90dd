"""Filter `csp` (`decisions.md` 7.5)."""

import pytest

from support.filtering import compiled, why, why_event
from support.items import make_item

FALLS = "invalid-csp"


def by_source(*sources: str):
    return compiled(csp={"disallowedSources": list(sources)})


def report(**members: object) -> dict[str, object]:
    return {"csp": members}


@pytest.mark.parametrize(
    ("sources", "report_", "reason"),
    [
        (["*.ads.io"], {"blocked_uri": "https://ads.io"}, FALLS),
        (["*.ads.io"], {"source_file": "http://a.b.ads.io:8080/x.js"}, FALLS),
        (["*.ads.io"], {"document_uri": "https://ads.io/"}, FALLS),
        (["*.ads.io"], {"blocked_uri": "https://bads.io"}, None),
        (["https://ads.io"], {"blocked_uri": "http://ads.io"}, None),
        (["ads.io:80"], {"blocked_uri": "http://ads.io"}, None),
        (["ads.io"], {"referrer": "https://ads.io"}, None),
        (["ads.io"], {"blocked_uri": 5, "document_uri": None}, None),
        (["about"], {"blocked_uri": "about"}, FALLS),
        (["shop.example", "ads.io"], {"blocked_uri": "https://ads.io"}, FALLS),
        (["*"], {"effective_directive": "img-src"}, FALLS),
        (["*://*:*"], {"effective_directive": "img-src"}, FALLS),
        (["https://*"], {"effective_directive": "img-src"}, None),
        ([""], {"blocked_uri": "https://ads.io"}, None),
    ],
)
@pytest.mark.parametrize("item_type", ["event", "security"])
def test_csp_decisions_105(item_type: str, sources: list[str], report_: dict[str, object], reason: str | None) -> None:
    assert why_event(by_source(*sources), {"csp": report_}, item_type) == reason


@pytest.mark.parametrize(
    ("item_type", "event"),
    [
        ("transaction", report(blocked_uri="https://ads.io")),
        ("event", {"type": "transaction"} | report(blocked_uri="https://ads.io")),
        ("event", {"exception": [{"type": "A"}]} | report(blocked_uri="https://ads.io")),
        ("feedback", report(blocked_uri="https://ads.io")),
        ("replay_event", report(blocked_uri="https://ads.io")),
        ("event", {"csp": {}}),
        ("event", {"csp": []}),
        ("event", {"hpkp": {"hostname": "ads.io"}}),
        ("security", b"junk"),
    ],
)
def test_what_is_no_report_stays_decisions_105(item_type: str, event: object) -> None:
    assert why_event(by_source("*"), event, item_type) is None


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        ({"csp-report": {"blocked-uri": "https://ads.io"}}, FALLS),
        ({"csp-report": {"document-uri": "https://ads.io"}}, FALLS),
        ({"type": "csp-violation", "body": {"blockedURL": "https://ads.io"}}, FALLS),
        ([{"type": "csp-violation", "body": {"sourceFile": "https://ads.io"}}], FALLS),
        ({"csp-report": {"blocked-uri": "https://shop.example"}}, None),
        ({"type": "deprecation", "body": {"blockedURL": "https://ads.io"}}, None),
        ({"expect-ct-report": {"hostname": "ads.io"}}, None),
        ([], None),
        (b"junk", None),
    ],
)
def test_reports_as_browsers_send_them(sent: object, reason: str | None) -> None:
    assert why(by_source("ads.io"), make_item("raw_security", sent)) == reason


def test_an_old_name() -> None:
    assert why_event(by_source("ads.io"), {"sentry.interfaces.Csp": {"blocked_uri": "https://ads.io"}}) == FALLS
