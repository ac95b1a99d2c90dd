"""Whatever stands in headers and queries gives a key that can be sent on, or a refusal."""

import contextlib

from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from scrubjay.core.dsn import check_envelope, client_name, normal_origin, parse_dsn, parse_project_id, read_auth
from scrubjay.errors import BadRequest, Denied

K = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
FIELDS = st.lists(
    st.tuples(
        st.sampled_from(["sentry_key", "sentry_version", "sentry_client", "x", " sentry_key "]),
        st.sampled_from([K, K + ".no-cache", "7", "7.1", "99", "", "a=b", "a,b"]) | st.text(max_size=40),
    ),
    max_size=4,
)
HEADER = FIELDS.map(lambda pairs: "Sentry " + ", ".join(f"{name}={value}" for name, value in pairs))
QUERY = FIELDS.map(lambda pairs: "&".join(f"{name}={value}" for name, value in pairs))


@given(
    st.none() | HEADER | st.text(max_size=60), st.none() | HEADER | st.text(max_size=60), QUERY | st.text(max_size=60)
)
def test_any_request(header: str | None, authorization: str | None, query: str) -> None:
    headers = CIMultiDict[str]()
    if header is not None:
        headers["X-Sentry-Auth"] = header
    if authorization is not None:
        headers["Authorization"] = authorization
    try:
        auth = read_auth(headers, query)
    except (BadRequest, Denied):
        return
    if auth is not None:
        assert len(auth.key) == 32
        written = f"sentry_key={auth.key}, sentry_version={auth.version}, sentry_client={auth.client}"
        again = read_auth(CIMultiDict({"X-Sentry-Auth": f"Sentry {written}"}), "") if written.isascii() else auth
        assert again is not None
        assert (again.key, again.version) == (auth.key, auth.version)
        assert "\n" not in written
        assert "\r" not in written


@given(
    st.text(max_size=80)
    | st.from_regex(r"https?://[0-9a-f]{32}(:x)?@[a-z.]{1,9}(:[0-9]{1,6})?(/[a-z]{1,3}){0,2}/[0-9]{1,21}")
)
def test_any_dsn(text: str) -> None:
    with contextlib.suppress(ValueError):
        dsn = parse_dsn(text)
        assert parse_dsn(str(dsn)) == dsn
    with contextlib.suppress(BadRequest):
        assert 0 <= parse_project_id(text) < 2**64


@given(st.text(max_size=60) | st.from_regex(r"https?://[a-zA-Z.\[\]:0-9@]{0,12}(/[!-~]{0,9})?"))
def test_any_origin(text: str) -> None:
    """One spelling per origin: what is normal stays as it is."""
    normal = normal_origin(text)
    if normal is not None:
        assert normal_origin(normal) == normal
        assert normal.isascii()
        assert normal.isprintable()


@given(st.dictionaries(st.sampled_from(["dsn", "origin"]), st.none() | st.integers() | st.text(max_size=40)))
def test_any_envelope_header(headers: dict[str, object]) -> None:
    auth = read_auth(CIMultiDict(), f"sentry_key={K}")
    assert auth is not None
    with contextlib.suppress(BadRequest):
        check_envelope(auth, 7, headers, "https://shop.example/")


@given(st.text(max_size=40))
def test_any_client(text: str) -> None:
    name = client_name(text)
    assert name is None or (name == client_name(name) and not set(name) & set(",=\r\n"))
