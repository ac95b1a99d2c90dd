"""From a request whose body is there to the pipeline: the facts of the request, in one place for all endpoints that take something in.

Nothing is decided here. Once the body is there, a client that goes away stops nothing: the server's task runs on.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from scrubjay import reasons
from scrubjay.core import hops
from scrubjay.core.dsn import Auth, normal_origin, parse_project_id, read_auth
from scrubjay.core.envelope import Envelope
from scrubjay.core.pipeline import process
from scrubjay.core.ports import Ingress, Ports, Verdict
from scrubjay.core.signatures import ID_HEADER, SIGNATURE_HEADER
from scrubjay.errors import BadRequest, Denied
from scrubjay.runtime.endpoints.common import Request, chain_reader, client_hints, visible
from scrubjay.runtime.endpoints.entrance import entrance_of
from scrubjay.settings.schema import Settings

Process = Callable[[Ingress, Ports], Awaitable[Verdict]]
Read = Callable[[bytes, Auth | None], Envelope]


class Intake:
    """`process` is the pipeline; tests put something smaller in its place. `ports` are the worker's, whose bounds may change."""

    def __init__(self, settings: Settings, ports: Ports, process: Process = process) -> None:
        self.ports = ports
        self._process = process
        self._chain = chain_reader(settings.relay.trusted_proxies)

    async def run(
        self,
        request: Request,
        project_id: int | None,
        auth: Auth | None,
        body: bytes,
        read: Read,
        *,
        hides_limits: bool = False,
        via: str = "",
    ) -> Verdict:
        """`project_id` None: the path has none. `via`: how it came, where that cannot be seen (`Entrance`). Raises `Rejected`."""
        headers = request.headers
        peer = request.remote
        signature = headers.get(SIGNATURE_HEADER)
        if signature is not None and not signature.isascii():
            raise BadRequest(reasons.RELAY_SIGNATURE)
        return await self._process(
            Ingress(
                body=body,
                read=read,
                auth=auth,
                path_project=project_id,
                received_unix=time.time(),
                now_mono=time.monotonic(),
                origin=normal_origin(headers.get("Origin")) or normal_origin(headers.get("Referer")),
                client_ip=peer,
                forwarded_for=self._chain(headers, peer),
                via=hops.normal_hops(headers.get(hops.HEADER)),
                user_agent=visible(headers.get("User-Agent")),
                client_hints=client_hints(headers),
                hides_limits=hides_limits,
                relay_id=None if signature is None else headers.get(ID_HEADER),
                signature=signature,
                entrance=None if self.ports.capture is None else entrance_of(request, auth, len(body), via),
            ),
            self.ports,
        )


def project_id_of(request: Request) -> int | None:
    """None on routes whose path has none. Raises `BadRequest`."""
    project = request.match_info.get("project")
    return None if project is None else parse_project_id(project)


def required_auth(request: Request, path_key: str | None = None) -> Auth:
    """The key of the request, which has to have one. Raises `Rejected`."""
    auth = read_auth(request.headers, request.query_text, path_key)
    if auth is None:
        raise Denied(reasons.AUTH_MISSING, "no key in the request")
    return auth
