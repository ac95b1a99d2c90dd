"""Detectors for credentials: bearer tokens, key blocks, passwords in URLs, telling words, session cookies (scrubbing.md 10)."""

from __future__ import annotations

from scrubjay.core.scrub.detector import RAW_SLASH, SPACE, WORD, Detector

BEARER = Detector(
    name="bearer",
    stand_in="q",
    screen=(r"bearer",),
    pattern=rf"(?i)\bbearer[{SPACE}]+[^{SPACE}]+",
    examples=("Bearer abc.def.ghi", "authorization: bearer QWxhZGRpbg==", "Bearer\ttok"),
    counterexamples=("Bearerabc", "Bearer ", "Bearer:abc", "xBearer abc"),
)

_LABEL = r"[A-Z ]+(?:PRIVATE|PUBLIC) KEY-----"

PEMKEY = Detector(
    name="pemkey",
    screen=(r"-----BEGIN",),
    pattern=rf"(?s)-----BEGIN{_LABEL}[\t ]*\r?\n?(.+?)\r?\n?-----END{_LABEL}",
    groups=(1,),
    examples=("-----BEGIN RSA PRIVATE KEY-----\nQUJD\n-----END RSA PRIVATE KEY-----",),
    counterexamples=("-----BEGIN CERTIFICATE-----\nQUJD\n-----END CERTIFICATE-----",),
)

_USERINFO = r"[a-zA-Z0-9%_.-]+"
# A letter outside ASCII before `//` makes a word boundary too, which RE2 does not see.
_OTHER_LETTER = rf"[{WORD}]"
_RAW_USERINFO = rf"{RAW_SLASH}{RAW_SLASH}[a-z0-9%_.-]+"

URL_AUTH = Detector(
    name="url_auth",
    screen=(rf"{_RAW_USERINFO}(?::[a-z0-9%_.-]+)?@",),
    run="abcdefghijklmnopqrstuvwxyz0123456789+-",
    pattern=rf"(?:\b(?:[a-z0-9+-]+:)?|{_OTHER_LETTER})//({_USERINFO}(?::{_USERINFO})?)@",
    groups=(1,),
    examples=("https://ana:s3cret@db.example/", "git+ssh://bob@code.example"),
    counterexamples=("https://db.example/?u=a@b", "//u:p@cdn.example/a", "HTTPS://u:p@h", "https://u:p:q@h"),
)

URL_PASSWORD = Detector(
    name="url_password",
    screen=(rf"{_RAW_USERINFO}:[a-z0-9%_.-]+@",),
    run="abcdefghijklmnopqrstuvwxyz0123456789",
    pattern=rf"(?:\b(?:[a-z0-9]+:)?|{_OTHER_LETTER})//{_USERINFO}:({_USERINFO})@",
    groups=(1,),
    examples=("https://ana:s3cret@db.example/", "x//u:p@cdn.example/a"),
    counterexamples=("https://u@h", "https://:pw@h", "(//u:p@h)"),
)

_WORDS = "password|secret|passwd|api-key|api_key|apikey|auth|credentials|mysql_pwd|privatekey|private-key|private_key"
_COMPLETE = "otp|two-factor|two_factor"
_PASSWORD = rf"(?i)(?:{_WORDS}|token[^{SPACE}]*[:=]|^(?:{_COMPLETE})$)"

# A key that holds `token` counts even without the `:` or `=` that a text needs, and is asked before the words (scrubbing.md 8.1).
TOKEN_KEY = Detector(
    name="token_key",
    screen=(r"token",),
    on_key=r"(?i)token",
    examples=(),
)

PASSWORD = Detector(
    name="password",
    screen=(*_WORDS.split("|"), "token", *_COMPLETE.split("|")),
    pattern=_PASSWORD,
    whole=True,
    on_key=_PASSWORD,
    examples=("my password is x", "cat /etc/passwd", "?token=1", "otp", "TWO_FACTOR"),
    counterexamples=("pass word", "my token", "token count", "my otp", "api key"),
)

SESSION_COOKIES = (
    "sentrysid", "sudo", "su", "session", "__session", "sessionid", "user_session", "symfony", "phpsessid", "fasthttpsessionid",
    "mysession", "irissessionid", "_vercel_jwt", "csrf", "xsrf", "_xsrf", "_csrf", "csrf-token", "csrf_token", "xsrf-token",
    "xsrf_token", "fastcsrf", "_iris_csrf",
)  # fmt: skip

_COOKIE = rf"(?:{'|'.join(SESSION_COOKIES)})"

COOKIES = Detector(
    name="cookies",
    stand_in="q",
    screen=(rf"{_COOKIE}(?:__[0-9]+)?=",),
    pattern=rf"(?i)\b{_COOKIE}(?:__[0-9]+)?=([^;]+)",
    groups=(1,),
    unicode_digits=True,
    examples=("sessionid=abc", "a=1; sessionid=abc; b=2", "session__2=a.b"),
    counterexamples=("xsessionid=abc", "sessionid =abc", "sessionid=", "session__x=a"),
)
