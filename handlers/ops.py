"""For whoever runs the server: is it alive, is it ready?"""

from http import HTTPStatus

import msgspec

from handlers.base import BaseHandler


class Health(BaseHandler):
    """`/healthz`: the loop turns. Restart the process when this does not answer."""

    def get(self) -> None:
        self._send({"status": "ok"})

    head = get

    def _send(self, body: object) -> None:
        self.set_header("Content-Type", "application/json")
        self.set_header("Cache-Control", "no-store")
        self.finish(msgspec.json.encode(body))


class Scrape(BaseHandler):
    """`/metrics`: what Prometheus reads, as text or, when it asks for that, as OpenMetrics."""

    async def get(self) -> None:
        metrics = await self.app.measure()
        body, content_type = metrics.expose(self.request.headers.get("Accept", ""))
        self.set_header("Content-Type", content_type)
        self.set_header("Cache-Control", "no-store")
        self.finish(body)


class Ready(Health):
    """`/readyz`: 200 when changes can be made durable here, 503 with the part that is down when not."""

    async def get(self) -> None:  # type: ignore[override]
        parts = await self.app.parts()
        ready = not self.app.draining and all(state == "up" for state in parts.values())
        if not ready:
            self.set_status(HTTPStatus.SERVICE_UNAVAILABLE)
        self._send({"ready": ready, "draining": self.app.draining, "parts": parts})
