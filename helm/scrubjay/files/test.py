"""What the pod of `helm test` runs: health by the internal port, and a connection to the port for clients."""

import http.client
import os
import socket
import ssl

TIMEOUT_S = 10


def connection(scheme: str, address: str) -> http.client.HTTPConnection:
    if scheme == "http":
        return http.client.HTTPConnection(address, timeout=TIMEOUT_S)
    context = ssl.create_default_context()
    # The certificate names what clients call the relay; whether it answers is all that is asked.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return http.client.HTTPSConnection(address, timeout=TIMEOUT_S, context=context)


for path in ("/livez", "/readyz"):
    asked = connection(os.environ["SCHEME"], os.environ["INTERNAL"])
    asked.request("GET", path)
    answer = asked.getresponse()
    if answer.status != http.HTTPStatus.OK:
        raise SystemExit(f"{os.environ['INTERNAL']}{path}: status {answer.status}, {answer.read().decode()}")
    asked.close()

host, _, port = os.environ["RELAY"].rpartition(":")
socket.create_connection((host, int(port)), timeout=TIMEOUT_S).close()
