"""What the path tells whoever watches its scrubbing, and the project and the day that its pseudonyms are of."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import pytest
from msgspec.structs import replace

from scrubjay.core.envelope import Item, parse_envelope
from scrubjay.core.ledger import Account
from scrubjay.core.plan import ProjectPlan
from scrubjay.core.ports import Outcome
from scrubjay.core.scrub.places import Place, Places
from scrubjay.core.scrub.record import Record
from scrubjay.errors import Unavailable
from scrubjay.settings.schema import Settings
from scrubjay.settings.setting import Secret
from support.path import Path, envelope

EVENT = '{"message":"card 4242424242424242","user":{"id":"4711"},"extra":{"ana":"of ana@lab.example"}}'
CLEAN = '{"message":"all is well"}'
KEYED = replace(Settings(), scrub=replace(Settings().scrub, pseudonym_key=Secret("k1:" + bytes(range(32)).hex())))


@dataclass
class Watching:
    """An audit that remembers what it was told."""

    wants: bool = True
    blind: bool = False
    items: list[tuple[str, Outcome, dict[str, int], list[Place]]] = field(default_factory=list)
    outputs: list[bytes | None] = field(default_factory=list)
    headers: list[dict[str, int]] = field(default_factory=list)

    def watch(self, plan: ProjectPlan, account: Account) -> Watching | None:
        assert plan.scrub is not None
        assert account.project_id == 7
        return self if self.wants else None

    def record(self) -> Record:
        return Places()

    def noted(self, item: Item, record: Record, outcome: Outcome, output: bytes | None) -> None:
        assert isinstance(record, Places)
        self.items.append((item.type, outcome, hits(record), record.told(item.kind.scope, "schema", output)))
        self.outputs.append(output)

    def noted_headers(self, record: Record) -> None:
        self.headers.append(hits(record))


def hits(record: Record) -> dict[str, int]:
    return {rule: count.hits for rule, count in record.rules.items()}


def payloads(path: Path) -> list[bytes]:
    return [bytes(item.payload) for item in parse_envelope(path.forwarded).items]


def test_each_item_is_told_with_what_was_found_in_it_and_where() -> None:
    audit = Watching()
    path = Path(audit=audit)
    path.send(envelope(("event", EVENT), ("attachment", "mail of ana@lab.example\n"), ("attachment", b"\x00")))
    (event, text, binary) = audit.items
    assert event[:2] == ("event", "scrubbed")
    assert event[2] == {"@creditcard:replace": 1, "@email:replace": 1}
    assert event[3] == [
        Place("logentry.formatted", "@creditcard:replace", "s"), Place("extra", "@email:replace", "s")
    ]  # fmt: skip
    assert text[:3] == ("attachment", "scrubbed", {"@email:replace": 1})
    assert binary[:3] == ("attachment", "clean", {})
    assert audit.outputs == [*payloads(path)[:2], None]
    assert audit.headers == [{}]


def test_what_left_without_its_content_being_read_is_told_as_such() -> None:
    audit = Watching()
    path = Path("config: {scrubjay: {scrub: {opaque: forward}}}", audit=audit)
    path.send(envelope(("event", CLEAN), ("mystery", b"\x00\x01")))
    assert [(kind, outcome) for kind, outcome, _, _ in audit.items] == [("event", "clean"), ("mystery", "unscrubbed")]


def test_what_fell_with_its_event_was_dropped() -> None:
    audit = Watching()
    path = Path(audit=audit)
    path.send(envelope(("attachment", "mail of ana@lab.example"), ("event", '{"user":{}}x')))
    assert [(kind, outcome) for kind, outcome, _, _ in audit.items] == [("attachment", "dropped"), ("event", "dropped")]
    assert audit.outputs == [None, None]
    assert path.closes()


def test_headers_are_told_apart() -> None:
    audit = Watching()
    name = '"type":"attachment","filename":"of ana@lab.example.txt"'
    Path(audit=audit).send(envelope(("event", CLEAN), (name, "x")))
    assert audit.headers == [{"@email:replace": 1}]
    assert [hits for _, _, hits, _ in audit.items] == [{}, {}]


def test_nobody_is_told_who_does_not_want_to_know() -> None:
    audit = Watching(wants=False)
    path = Path(audit=audit)
    path.send(envelope(("event", EVENT)))
    assert b"4242424242424242" not in path.forwarded
    assert not audit.items
    assert not audit.headers


def test_where_nothing_may_leave_untold_nothing_does() -> None:
    path = Path(audit=Watching(blind=True))
    with pytest.raises(Unavailable) as refused:
        path.send(envelope(("event", CLEAN)))
    assert refused.value.retry_after_s
    assert path.account.lost() == [("event", "unaudited", "")]
    assert path.closes()


def test_pseudonyms_are_of_the_project_and_the_day_that_an_item_came() -> None:
    rules = "{who: {type: anything, redaction: {method: pseudonym, scope: %s}}}"
    config = "config: {piiConfig: {rules: %s, applications: {'$user.id': [who]}}}"

    def user(scope: str, unix: float) -> str:
        path = Path(config % (rules % scope), KEYED)
        path.send(envelope(("event", EVENT)), received_unix=unix)
        (payload,) = payloads(path)
        return str(json.loads(payload)["user"]["id"])

    noon, midnight = 1_795_348_800.0, 1_795_392_000.0
    assert user("day", noon) == user("day", midnight - 0.001) != user("day", midnight)
    assert user("deployment", noon) == user("deployment", midnight) != user("project", noon)


def test_whose_report_it_was_is_told_as_a_rule_of_its_own() -> None:
    audit = Watching()
    report = json.dumps({"event_id": "a" * 32, "name": "Ana", "email": "ana@lab.example", "comments": "x"})
    session = json.dumps(
        {"sid": "b" * 32, "did": "4711", "started": "2026-11-22T12:00:00Z", "attrs": {"release": "a@1"}}
    )
    aggregates = json.dumps({"aggregates": [{"did": "4711", "started": "2026-11-22T12:00:00Z"}], "attrs": {}})
    items = (("event", CLEAN), ("user_report", report), ("session", session), ("sessions", aggregates))
    Path(audit=audit).send(envelope(*items))
    assert [(kind, hits, [place.path for place in places]) for kind, _, hits, places in audit.items[1:]] == [
        ("user_report", {"@identities": 2}, ["email", "name"]),
        ("session", {"@identities": 1}, ["did"]),
        ("sessions", {"@identities": 1}, ["aggregates.*.did"]),
    ]
    removing = Watching()
    Path("config: {scrubjay: {scrub: {identities: remove}}}", audit=removing).send(envelope(*items))
    assert [hits for _, _, hits, _ in removing.items[1:]] == [
        {"@identities": 2},
        {"@identities": 1},
        {"@identities": 1},
    ]
    assert {code for _, _, _, places in removing.items for _, _, code in places} == {"x"}
