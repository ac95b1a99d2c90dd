"""How a setting is declared."""

from __future__ import annotations

import pytest

from scrubjay.settings.setting import Field, Secret, Section, setting, walk


class Inner(Section, frozen=True):
    """Inner words."""

    size: int = setting(5, "How large.", unit="bytes", minimum=1, maximum=9)


class Outer(Section, frozen=True):
    """Outer words."""

    name: str = setting("n", "Its name.", reload=True, example="x", shown="by luck")
    inner: Inner = Inner()


def test_a_section_is_a_frozen_struct_of_plain_values() -> None:
    outer = Outer(name="other")
    assert (outer.name, outer.inner.size) == ("other", 5)
    with pytest.raises(AttributeError):
        outer.name = "changed"  # type: ignore[misc]


def test_fields_carry_their_notes_and_places() -> None:
    name, announced, size = walk(Outer)
    assert isinstance(name, Field)
    assert (name.key, name.section, name.name, name.variable) == ("name", "", "name", "SCRUBJAY__NAME")
    assert (name.note.doc, name.note.reload) == ("Its name.", True)
    assert (name.note.example, name.note.shown, name.note.default) == ("x", "by luck", "n")
    assert announced == ("inner", Inner)
    assert isinstance(size, Field)
    assert (size.key, size.section, size.name, size.variable) == (
        "inner.size",
        "inner",
        "size",
        "SCRUBJAY__INNER__SIZE",
    )
    assert (size.note.unit, size.note.minimum, size.note.maximum, size.type) == ("bytes", 1, 9, int)


def test_a_secret_shows_itself_only_when_asked() -> None:
    secret = Secret("hunter2")
    assert "hunter2" not in f"{secret} {secret!r} {[secret]}"
    assert secret.reveal() == "hunter2"
    assert secret == Secret("hunter2")
    assert secret != Secret("other")
    assert secret != "hunter2"
    assert len({secret, Secret("hunter2")}) == 1
