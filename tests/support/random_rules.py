"""Random rule sets and documents, for properties that have to hold whatever the rules and whatever the document.

Documents are made of the protocol's own names, so that typed handling is met; rule sets cross selectors with rules of each kind and
with each redaction.
"""

import json
from typing import Any

from hypothesis import strategies as st

from scrubjay.core.scrub.builtin_rules import BUILTIN_RULES

SELECTORS = (
    "$string", "**", "$object", "$array", "$number", "extra.**", "$frame.vars.**", "$http.headers.*", "$user.*", "$error.value",
    "!a", "$string && !tags.**", "*.email", "a.0", "extra.a.b", "$breadcrumb.message || $logentry.formatted", "tags.* | contexts.**",
    "$message", "$span.data.**", "'x-note'", "request.query_string.*", "$user.ip_address",
)  # fmt: skip
PATTERNS = (
    r"\d{3,}",
    r"order",
    r"[a-z]+@",
    r"(?i)SECRET",
    r"(\w+)=(\w+)",
    r"",
    r"é|日",
    r"\bdone\b",
    r"(?s).+",
    r"^x$",
    r"a|",
)
OWN_RULES = ("p", "q", "pair", "all")
WORDS = (
    "order accepted", "x", "", "true", "null", "api-key", "token", "4242 4242", "42\u00a042", "\u0661\u0662\u0663", "/home/ines/x",
    "a@b.co", "10.1.2.3", "::1", "%41na%40lab.example", "a+b", "\0", "é", "😀", "Bearer abc.def", "otp", "su=1; b=2", "?a=1&b=2",
    "4242424242424242", "4242\0424242424242", "DE02120300000000202051", "https://u:p@h/?q=1#f", "123-45-6789", '{"pin":"1"}',
    "my password is x", "00:1b:44:11:3a:b7", "-----BEGIN RSA PRIVATE KEY-----\nQ\n-----END RSA PRIVATE KEY-----", "key=17&order=2",
    "2001:db8::1 fe80::1%eth0", "490154203237518", "6f1d2c3b-4a59-4e6f-8c7d-0123456789ab", "C:\\Users\\ines\\x", "kim@\u212a.example", "::", "x=::1", "token", "su", "auth",
    "ana%40lab.example", "ana%2540lab.example", "ana&#64;lab.example", "ana\\u0040lab.example", "next=%3Ftoken%3Dx", "%204242424242424242",
    "https://h/?token=abc&pin=1", "token=abc;b=1", "HTTPS://u:p!q@h", "sessionid=abc; c", "C:\\Documents and Settings\\ines\\x",
    '{"token":"abc","b":"a@b.co"}', '[{"a":"\\u0061@b.co"}]',
)  # fmt: skip
KEYS = (
    "extra", "message", "user", "ip_address", "email", "password", "otp", "a", "b", "0", "values", "data", "vars", "request", "cookies",
    "headers", "query_string", "url", "tags", "contexts", "type", "exception", "breadcrumbs", "frames", "stacktrace", "value", "x-note",
    "category", "sdk", "client_ip", "env", "REMOTE_ADDR", "spans", "description", "logentry", "formatted", "params", "threads", "Secret",
    "rosa.klein@ferry.example", "at 10.20.30.40", "ana%40lab.example", "[email]", "cookie", "Set-Cookie", "environment", "http.query",
)  # fmt: skip

GLUE = (*"!\"#$%&'()*+,-./:;<=>?@[]^_`{|}~ \t\n\r\b\f\0aZ0é日²\u2003", "", "\u017f", "\u00e9")
texts = st.one_of(
    st.sampled_from(WORDS),
    st.builds(
        lambda first, rest: first + "".join(glue + word for glue, word in rest),
        st.sampled_from((*WORDS, *GLUE)),
        st.lists(st.tuples(st.sampled_from(GLUE), st.sampled_from(WORDS)), min_size=1, max_size=3),
    ),
)
scalars = st.one_of(
    texts,
    st.none(),
    st.booleans(),
    st.integers(0, 10**17),
    st.sampled_from((4242424242424242, -5105105105105100, 4242424242424242.0, 490154203237518)),
    st.floats(0, 1e20, allow_nan=False),
    st.text(max_size=12, alphabet=st.characters(exclude_categories=("Cs",))),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
        st.lists(st.tuples(st.sampled_from(KEYS), inner).map(list), max_size=3),
        inner.map(json.dumps),
        st.builds(
            lambda value, indent: json.dumps(value, indent=indent, ensure_ascii=False),
            inner,
            st.sampled_from((None, 1)),
        ),
    ),
    max_leaves=24,
)
remarks = st.fixed_dictionaries(
    {},
    optional={
        "rem": st.lists(
            st.sampled_from((["q", "s", 0, 4], ["q", "s", 3, 16], ["@embedded", "s", 0, 40], ["q", "x"], ["q"]))
        ),
        "len": st.integers(0, 40),
        "val": scalars,
        "err": st.sampled_from(("invalid_data", [["invalid_data", {"reason": "r", "value": "a@b.co"}]])),
        "note": texts,
    },
)
metas = st.recursive(
    st.fixed_dictionaries({"": remarks}),
    lambda inner: st.builds(
        lambda own, below: {"": own, **below},
        remarks,
        st.dictionaries(st.sampled_from((*KEYS, "1")), inner, max_size=3),
    ),
    max_leaves=8,
)
"""What clients send under `_meta`."""
documents = st.one_of(
    st.dictionaries(st.sampled_from(KEYS), values, max_size=8),
    st.fixed_dictionaries(
        {},
        optional={
            "extra": st.dictionaries(st.sampled_from(KEYS), values, max_size=4),
            "user": st.dictionaries(st.sampled_from(("id", "email", "ip_address", "plan", "data")), texts, max_size=4),
            "tags": st.lists(st.tuples(st.sampled_from(KEYS), texts).map(list), max_size=3),
            "request": st.fixed_dictionaries(
                {}, optional={"url": texts, "query_string": texts, "data": values, "headers": st.dictionaries(texts, texts, max_size=3)}
            ),
            "exception": st.builds(
                lambda value, found: {"values": [{"value": value, "stacktrace": {"frames": [{"vars": {"a": found}}]}}]}, texts, values
            ),
            "breadcrumbs": st.lists(st.fixed_dictionaries({"message": texts, "data": values}), max_size=2),
            "logentry": st.fixed_dictionaries({"formatted": texts, "params": st.lists(texts, max_size=2)}),
        },
    ),
)  # fmt: skip
noted_documents = st.builds(lambda document, meta: {**document, "_meta": meta}, documents, metas)
"""Documents with remarks of clients."""

redactions = st.one_of(
    st.sampled_from([{"method": method} for method in ("default", "remove", "mask", "hash")]),
    st.builds(lambda text: {"method": "replace", "text": text}, st.sampled_from(("[Filtered]", "", "é", '"', "ab"))),
)
own_rules = st.fixed_dictionaries(
    {
        "p": st.builds(
            lambda pattern, redaction: {"type": "pattern", "pattern": pattern, "redaction": redaction},
            st.sampled_from(PATTERNS), redactions,
        ),
        "q": st.builds(lambda kind, redaction: {"type": kind, "redaction": redaction}, st.sampled_from(("ip", "email", "anything")), redactions),
        "pair": st.builds(
            lambda pattern, redaction: {"type": "redact_pair", "keyPattern": pattern, "redaction": redaction},
            st.sampled_from(("note", "^a$", "pass")), redactions,
        ),
        "all": st.builds(
            lambda hide, redaction: {"type": "multiple", "rules": ["p", "@email"], "hideInner": hide, "redaction": redaction},
            st.booleans(), redactions,
        ),
    }
)  # fmt: skip


def configs(rules: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, Any]]:
    """Configs whose applications use these rules."""
    applications = st.dictionaries(
        st.sampled_from(SELECTORS), st.lists(rules, min_size=1, max_size=3), min_size=1, max_size=3
    )
    return st.fixed_dictionaries({"rules": own_rules, "applications": applications})


any_config = configs(st.sampled_from((*OWN_RULES, *sorted(BUILTIN_RULES))))
