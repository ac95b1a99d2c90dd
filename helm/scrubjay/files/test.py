"""What the pod of `helm test` runs: health by the internal port, and a connection to the port for clients."""

import os
import socket
import ssl
import urllib.request

context = ssl.create_default_context()
# The certificate names what clients call the relay; whether it answers is all that is asked.
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE

for path in ("/livez", "/readyz"):
    url = os.environ["INTERNAL"] + path
    with urllib.request.urlopen(url, timeout=10, context=context) as answer:
        print(url, answer.status, answer.read().decode())

host, _, port = os.environ["RELAY"].rpartition(":")
socket.create_connection((host, int(port)), timeout=10).close()
print(host, port, "takes connections")
