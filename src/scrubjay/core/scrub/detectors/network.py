"""IP addresses that an address parser accepts, whole (scrubbing.md 15.4, gap G2). How they are found is `addresses.py`."""

from __future__ import annotations

from scrubjay.core.scrub.addresses import find_addresses
from scrubjay.core.scrub.detector import Detector

IP_STRICT = Detector(
    name="ip_strict",
    family="ip_strict",
    replacement="[ip]",
    takes="IPv4 and IPv6 addresses, zone and embedded IPv4 included",
    verifies="an address from the first character to the last",
    screen=(r"[0-9]\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]", "::", r"(?::[0-9a-f]{1,4}){4}:"),
    find=find_addresses,
    examples=(
        "192.0.2.44",
        "2001:db8::1",
        "fe80::1%eth0 up",
        "::ffff:192.0.2.1",
        "[2001:db8::1]:443",
        "1:2:3:4:5:6:7:8",
    ),
    counterexamples=("256.0.2.1", "1.2.3", "std::string", "12:34:56", "v1.2.3.4"),
)
