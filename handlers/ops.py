"""For whoever runs the server: is it alive, is it ready?"""

from http import HTTPStatus

import msgspec

from handlers.base import BaseHandler
from server.errors import BoardcastError


class Health(BaseHandler):
    """`/healthz`: the loop turns. Restart the process when this does not answer.

    Whoever looks after the server asks from an address that others may have: it takes nothing of its budget.
    """

    def take_part(self) -> None:
        pass

    def get(self) -> None:
        self._send({"status": "ok"})

    head = get

    def compute_etag(self) -> str | None:
        """None: nobody may keep it."""
        return None

    def _send(self, body: object) -> None:
        self.set_header("Content-Type", "application/json")
        self.set_header("Cache-Control", "no-store")
        self.finish(msgspec.json.encode(body))


class Elsewhere(BoardcastError):
    """What is asked for is on another port."""

    code, status, retry = "not_found", 404, False


class Scrape(BaseHandler):
    """`/metrics`: what Prometheus reads, as text or, when it asks for that, as OpenMetrics."""

    def get(self) -> None:
        body, content_type = self.app.measure().expose(self.request.headers.get("Accept", ""))
        self.set_header("Content-Type", content_type)
        self.set_header("Cache-Control", "no-store")
        self.finish(body)

    head = get

    def compute_etag(self) -> str | None:
        """None: nobody may keep it, and it is long."""
        return None


class NoScrape(BaseHandler):
    """`/metrics` where it is not: on a port that several workers share, where a scrape would reach now one of
    them, now another; and beside a port that was made for it."""

    def get(self) -> None:
        raise Elsewhere(
            "metrics are not on this port; the setting server.ops_port gives each process a port for them"
        )

    head = get


class Ready(Health):
    """`/readyz`: 200 when changes can be made durable here, 503 when not, with the state of each part."""

    async def get(self) -> None:  # type: ignore[override]
        await self.app.vitals.probe()
        if not self.app.ready:
            self.set_status(HTTPStatus.SERVICE_UNAVAILABLE)
        parts = {name: str(health) for name, health in self.app.vitals.health.items()}
        self._send({"ready": self.app.ready, "draining": self.app.leaving, "parts": parts})

    head = get  # type: ignore[assignment]
