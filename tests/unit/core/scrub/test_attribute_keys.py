"""The table is complete: compared with the reference leaf by leaf by the oracle, here only its form."""

from __future__ import annotations

from scrubjay.core.scrub import attribute_keys


def test_table_has_its_form() -> None:
    tables = [value for name, value in vars(attribute_keys).items() if name.isupper()]
    assert tables
    for table in tables:
        entries = table.split() if isinstance(table, str) else list(table)
        assert len(entries) > 5
