import pytest

from scrubjay.core.dsn import parse_dsn
from scrubjay.runtime.capturing.replaying import Sent, may_go_to

KEY = "4f2a8c1e9b7d4a6380c5e2f1a7b9d3c4"


@pytest.mark.parametrize(
    ("place", "allowed", "may"),
    [
        ("https://{}@errors.example.com/1", ["https://errors.example.com"], True),
        ("https://{}@errors.example.com:443/1", ["https://errors.example.com/"], True),
        ("https://{}@errors.example.com/sub/1", ["https://errors.example.com:443"], True),
        ("http://{}@127.0.0.1:9000/1", ["http://127.0.0.1:9000"], True),
        ("http://{}@errors.example.com/1", ["https://errors.example.com"], False),
        ("https://{}@errors.example.com:444/1", ["https://errors.example.com"], False),
        ("https://{}@errors.example.com.evil.example/1", ["https://errors.example.com"], False),
        ("https://{}@errors.example.com/1", [], False),
        ("https://{}@errors.example.com/1", ["nonsense"], False),
    ],
)
def test_only_servers_of_the_configuration(place, allowed, may):
    assert may_go_to(parse_dsn(place.format(KEY)), allowed) is may


def test_what_is_told_of_each():
    assert Sent("a", 200).document() == {"capture_id": "a", "taken": True, "status": 200}
    assert Sent("a", 429, "later").document() == {"capture_id": "a", "taken": False, "status": 429, "detail": "later"}
    assert Sent("a", None, "refused").document() == {"capture_id": "a", "taken": False, "detail": "refused"}
