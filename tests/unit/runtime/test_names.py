"""Names for parcels."""

from __future__ import annotations

from scrubjay.runtime.names import new_id


def test_ids_are_random_uuids_of_version_4() -> None:
    found = {new_id() for _ in range(200)}
    assert len(found) == 200
    assert {(len(one), one[12]) for one in found} == {(32, "4")}
    assert {one[16] for one in found} == set("89ab")
