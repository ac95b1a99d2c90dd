"""What `strict` finds beside the reference's own detectors, as further steps of the same rule types (scrubbing.md 14).

G2: IPv6 addresses as a whole. G3: the Windows folder whose spaces the reference lost. G6: credentials in URLs with any characters.
Each is named after the gap that it closes, so that a deployment can go without.
"""

from __future__ import annotations

from typing import Final

from scrubjay.core.scrub.addresses import find_ipv6
from scrubjay.core.scrub.detector import RAW_IPV6, RAW_SLASH, SPACE, Detector

IPV6_WHOLE = Detector(
    name="ipv6_whole",
    screen=(*RAW_IPV6, r"(?::[0-9a-f]{1,4}){5}:"),
    find=find_ipv6,
    examples=("2001:db8::1", "fe80::1%eth0", "::ffff:192.0.2.1", "1:2:3:4:5:6:192.0.2.1", "peer2001:db8::5"),
    counterexamples=("std::string", "12:34:56", "00:1b:44:11:3a:b7", "12345::1", "1::2::3"),
)

_SEP = r"[/\\]"

USERPATH_SPACES = Detector(
    name="userpath_spaces",
    screen=(r"documents[ +]and[ +]settings(?:\\?/|\\)",),
    pattern=rf"(?i)documents and settings{_SEP}([^/\\\r\n\x00]+)",
    groups=(1,),
    examples=("C:\\Documents and Settings\\ines\\x", "/c/documents and settings/ines"),
    counterexamples=(
        "C:\\Documents and Settings\\",
        "documents and settings of ines",
        "C:\\DocumentsAndSettings\\ines",
    ),
)

# What ends an authority: the next part of the URL, white space, a quote.
_ENDS: Final = rf"/?#{SPACE}\"'`"
# Of what is redacted already a U+0000 is left, which is no credential by itself; replacing it would mix up what stands behind (8.3).
_PLAIN: Final = rf"[^{_ENDS}]*[^{_ENDS}@\x00][^{_ENDS}]*"
_RAW_BEFORE_AT: Final = rf"{RAW_SLASH}{RAW_SLASH}[^/?# \"]"

URL_AUTH_WHOLE = Detector(
    name="url_auth_whole",
    screen=(rf"{_RAW_BEFORE_AT}+@",),
    pattern=rf"//({_PLAIN})@",
    groups=(1,),
    examples=("https://u:p!q@h", "HTTPS://u:p@h", "//u:p@h", "redis://:pw@h", "https://ana@lab.example:p:q@h/"),
    counterexamples=("https://db.example/?u=a@b", "https://@h", "https://h/a@b", "// by ana@lab.example"),
)

URL_PASSWORD_WHOLE = Detector(
    name="url_password_whole",
    screen=(rf"{_RAW_BEFORE_AT}*:[^/?# \"]+@",),
    pattern=rf"//[^:{_ENDS}]*:({_PLAIN})@",
    groups=(1,),
    examples=("https://u:p!q@h", "HTTPS://u:p@h", "//u:p@h", "redis://:pw@h", "https://ana@lab.example:p:q@h/"),
    counterexamples=("https://u@h", "https://h:80/a@b", "https://u:@h", "// by: ana@lab.example"),
)
