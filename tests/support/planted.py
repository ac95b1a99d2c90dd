"""Personal data planted in the traffic of real SDKs, and the search for it in what a server stored.

Owns the values and the requests that carry them. The sample applications never name them in their sources, since SDKs
send source lines of stack frames along, and no scrubber may touch those.
"""

import json
import re
from urllib.parse import quote

EMAIL = "marisol.vega@planted-mail.example"
CARD = "4000056655665556"
PASSWORD = "vermilion-Otter-41-quay"
BEARER = "pt9ZfQ3mVx7LwK2sRb8NcY4d"
CLIENT_ADDRESS = "203.0.113.77"
"""Where the user's browser is, as a proxy in front of the application tells it."""
PEER_ADDRESS = "127.0.0.42"
"""Where the request to the sample application really comes from."""

PLANTED = {
    "e-mail": EMAIL,
    "card": CARD,
    "password": PASSWORD,
    "bearer token": BEARER,
    "client address": CLIENT_ADDRESS,
    "peer address": PEER_ADDRESS,
}
CARD_WITH_SPACES = "4000 0566 5566 5556"

ORDER = {
    "customer": EMAIL,
    "card": CARD,
    "card_as_typed": CARD_WITH_SPACES,
    "password": PASSWORD,
    "token": BEARER,
    "address": CLIENT_ADDRESS,
    "quantity": 3,
}
"""What a user of a sample application sends as JSON."""

HEADERS = {
    "Content-Type": "application/json",
    "Authorization": f"Bearer {BEARER}",
    "X-Forwarded-For": CLIENT_ADDRESS,
    "Cookie": f"theme=dark; sessionid={PASSWORD}",
    "Referer": f"http://shop.example/cart?customer={EMAIL}",
    "User-Agent": "planted-client/1.0",
}
TARGET = f"/checkout?customer={EMAIL}&step=pay"


def found(stored: bytes) -> dict[str, str]:
    """Which planted values occur in `stored`, in any spelling a server could show: name → text around the first hit."""
    text = stored.decode(errors="replace")
    hits = {}
    for name, value in PLANTED.items():
        spellings = {value, quote(value, safe=""), json.dumps(value)[1:-1]}
        if value == CARD:
            spellings.add("[ -]?".join(CARD))
        pattern = "|".join(spelling if "[ -]?" in spelling else re.escape(spelling) for spelling in spellings)
        if hit := re.search(pattern, text, re.IGNORECASE):
            hits[name] = text[max(0, hit.start() - 150) : hit.end() + 60]
    return hits
