"""Detectors for addresses of people and machines: e-mail, IP, MAC, device and user names in paths (scrubbing.md 10)."""

from __future__ import annotations

from scrubjay.core.scrub.detector import RAW_DOUBLE_COLON, RAW_SLASH, SPACE, Detector

EMAIL = Detector(
    name="email",
    run="abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.!#$%&'*+/=?^_{|}~-`",
    # Of fixed length: looking for the dot and the letters after it costs a third of all scanning.
    screen=(r"[a-z0-9.!#$%&'*+/=?^_{|}~`-]@[a-z0-9-][a-z0-9.-]{3}",),
    pattern=r"\b[a-zA-Z0-9.!#$%&'*+/=?^_{|}~`-]+@[a-zA-Z0-9-]+(?:\.[a-zA-Z0-9-]+)*\.[a-zA-Z]{2,}\b",
    examples=("rosa.klein@ferry-line.example", "mailto:tom@site.example", "o'hara@clinic.example"),
    counterexamples=("kim@localhost", "kim@10.0.0.8", "@handle", "kim@host..example"),
)

_OCTET = r"(?:25[0-5]|2[0-4][0-9]|[01]?[0-9]?[0-9])"
_IPV4 = rf"(?:{_OCTET}\.){{3}}{_OCTET}"

IPV4 = Detector(
    name="ipv4",
    stand_in="_",
    screen=(r"[0-9]\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]",),
    pattern=rf"\b{_IPV4}\b",
    examples=("192.0.2.44", "http://203.0.113.5:8080/x", "001.002.003.004"),
    counterexamples=("192.0.2", "256.0.2.1", "v1.2.3.4", "1.2.3.4x"),
)

# The reference's forms in its order (scrubbing.md 10.3). One character of context on both sides is consumed, so the next match
# cannot use it; only the address is redacted.
_CONTEXT = rf"[{SPACE}!-/:-@\[-`{{-~]"
_H = r"[0-9a-fA-F]{1,4}"
_IPV6_FORMS = (
    rf"(?:{_H}:){{7}}{_H}",
    rf"(?:{_H}:){{1,7}}:",
    rf"(?:{_H}:){{1,6}}::{_H}",
    *(rf"(?:{_H}:){{1,{n}}}:(?::{_H}){{1,{7 - n}}}" for n in (5, 4, 3, 2)),
    rf"{_H}:(?::{_H}){{1,6}}",
    rf":(?:(?::{_H}){{1,7}}|:)",
    rf"(?i:fe80):(?::{_H}){{0,4}}%[0-9a-zA-Z]+::(?:(?i:ffff)(?::0{{1,4}})?:)?{_IPV4}",
    rf"(?:{_H}:){{1,4}}:{_IPV4}",
)

IPV6 = Detector(
    name="ipv6",
    screen=(RAW_DOUBLE_COLON, r"(?::[0-9a-f]{1,4}){6}:"),
    pattern=rf"(?:^|{_CONTEXT})({'|'.join(_IPV6_FORMS)})(?:{_CONTEXT}|$)",
    groups=(1,),
    context_shared=True,
    examples=("::1", "fe80::1", "addr 2001:db8:1:2:3:4:5:6 up", "[::1]:8443", "peer_::1", "::_"),
    counterexamples=("std::string", "12:34:56", "00:1b:44:11:3a:b7", "12345::1"),
)

MAC = Detector(
    name="mac",
    stand_in="_",
    screen=(r"(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}",),
    pattern=r"\b(?:[0-9a-fA-F]{2}[:-]){5}[0-9a-fA-F]{2}\b",
    examples=("00:1b:44:11:3a:b7", "aa:bb-cc:dd-ee:ff"),
    counterexamples=("001b44113ab7", "0:1b:44:11:3a:b7", "00:1g:44:11:3a:b7"),
)

_SEP = r"[/\\]"

USERPATH = Detector(
    name="userpath",
    stand_in="_",
    screen=(rf"(?:users|home|documentsandsettings|profiles)(?:{RAW_SLASH}|\\)",),
    pattern=(
        rf"(?i)(?:\b(?:[a-z]:{_SEP})?(?:users|home|documentsandsettings|[^/\\]+{_SEP}profiles){_SEP}|/(?:home|users)/)"
        r"([^/\\\r\n\x00]+)"
    ),
    groups=(1,),
    examples=("/home/ines/app/main.py", "C:\\Users\\ines\\AppData", "/data/profiles/ines/k"),
    counterexamples=("/homes/ines/x", "/home/", "xhome/ines", "/home//ines"),
)
