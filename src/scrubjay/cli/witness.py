"""Who hears what the relay's own parts would count and log, where a verb uses them (`runtime.roads`)."""

from __future__ import annotations

from dataclasses import dataclass, field

from scrubjay.core.ledger import Parcel
from scrubjay.core.limits import ActiveLimit


@dataclass(slots=True)
class Witness:
    """Hears what the relay's parts would count and log. `answers`: (result, status, detail) of each request."""

    answers: list[tuple[str, int | None, str]] = field(default_factory=list)
    limits: tuple[ActiveLimit, ...] = ()

    def upstream_request(
        self, result: str, status: int | None, seconds: float, *, route: str = "envelope", detail: str = ""
    ) -> None:
        self.answers.append((result, status, detail))

    def limited(self, parcel: Parcel, limits: tuple[ActiveLimit, ...]) -> None:
        self.limits = limits

    def upstream_body(self, route: str, size_bytes: int) -> None:
        """Its size says nothing here."""

    def denied(self, key: str, project_id: int) -> None:
        """Told by the answer."""

    def upstream_refused(self, project_id: int, status: int, detail: str) -> None:
        """It is raised too."""

    def upstream_chosen(self, upstream: str, instead_of: str) -> None:
        """Each is looked at."""

    def certificates_renewed(self, problem: str = "") -> None:
        """Nothing runs long enough."""

    def unverified(self) -> None:
        """Told where TLS is looked at."""

    def batch(self, envelopes: int, size_bytes: int) -> None:
        """None is sent."""

    def internal_error(self, place: str, error: BaseException) -> None:
        raise error
