import pytest

from scrubjay.core.capture.local import LOCAL_KEY, LOCAL_PROJECT_ID, owner_of
from scrubjay.core.dsn import Auth

KEY = "4f2a8c1e9b7d4a6380c5e2f1a7b9d3c4"
OTHER = "0123456789abcdef0123456789abcdef"
PROJECTS = {OTHER: 7}
DSN = f"http://{KEY}@localhost:8969/42"


@pytest.mark.parametrize(
    ("header", "key", "project_id"),
    [
        ({"dsn": DSN}, KEY, 42),
        ({"dsn": DSN, "trace": {"public_key": OTHER}}, KEY, 42),
        ({"trace": {"public_key": OTHER}}, OTHER, 7),
        ({"dsn": "http://public@localhost/1", "trace": {"public_key": OTHER}}, OTHER, 7),
        ({"trace": {"public_key": KEY}}, LOCAL_KEY, LOCAL_PROJECT_ID),
        ({"dsn": "http://public@localhost/1"}, LOCAL_KEY, LOCAL_PROJECT_ID),
        ({"dsn": 5, "trace": {"public_key": ["x"]}}, LOCAL_KEY, LOCAL_PROJECT_ID),
        ({"dsn": None, "trace": "x"}, LOCAL_KEY, LOCAL_PROJECT_ID),
        ({}, LOCAL_KEY, LOCAL_PROJECT_ID),
    ],
)
def test_an_envelope_is_its_dsns_else_its_traces_else_this_machines(
    header: dict[str, object], key: str, project_id: int
) -> None:
    assert owner_of(header, PROJECTS.get) == (Auth(key, source="envelope"), project_id)


def test_the_key_of_this_machine_is_one_that_passes_as_a_key() -> None:
    assert len(LOCAL_KEY) == 32
    assert LOCAL_KEY.isascii()
