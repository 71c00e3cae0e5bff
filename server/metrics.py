"""Numbers for Prometheus, one registry an application, so that two applications in one process do not mix."""

from __future__ import annotations

import time

from aiohttp import web
from aiohttp.typedefs import Handler
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

# From a cached segment (under a millisecond) to a request that waits for one to be encoded.
LATENCY_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60)
UNKNOWN_ROUTE = "unknown"  # one label for all of them: a scanner must not grow our memory


class Metrics:
    """Counted as things happen; what the database knows is asked at scrape time (server.status)."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._observed: dict[tuple[str, int], tuple[Counter, Histogram]] = {}
        self.requests = Counter(
            "homereel_http_requests", "Answers, by route and status.", ("route", "status"), registry=self.registry
        )
        self.latency = Histogram(
            "homereel_http_request_seconds",
            "Time to the end of the answer.",
            ("route",),
            buckets=LATENCY_BUCKETS,
            registry=self.registry,
        )
        self.uploads = Counter(
            "homereel_uploads", "Uploads that ended, by outcome.", ("outcome",), registry=self.registry
        )
        self.upload_bytes = Counter("homereel_upload_bytes", "Bytes of originals received.", registry=self.registry)
        self.media_files = Gauge("homereel_media_files", "Films, by status.", ("status",), registry=self.registry)
        self.jobs = Gauge("homereel_jobs", "Jobs, by kind and state.", ("kind", "state"), registry=self.registry)
        self.disk_free_bytes = Gauge("homereel_disk_free_bytes", "Free below the media root.", registry=self.registry)
        self.workers = Gauge("homereel_workers", "Workers that were seen.", registry=self.registry)

    def observe(self, route: str, status: int, seconds: float) -> None:
        requests, latency = self._of(route, status)
        requests.inc()
        latency.observe(seconds)

    def _of(self, route: str, status: int) -> tuple[Counter, Histogram]:
        """Looking labels up by name takes longer than counting does, and segments come by the thousand."""
        found = self._observed.get((route, status))
        if found is None:
            found = (self.requests.labels(route, str(status)), self.latency.labels(route))
            self._observed[route, status] = found
        return found


METRICS = web.AppKey("metrics", Metrics)


def route_name(request: web.Request) -> str:
    return request.match_info.route.name or UNKNOWN_ROUTE


@web.middleware
async def observe(request: web.Request, handler: Handler) -> web.StreamResponse:
    started = time.monotonic()
    status = 500
    try:
        response = await handler(request)
        status = response.status
        return response
    except web.HTTPException as error:
        status = error.status
        raise
    finally:
        request.app[METRICS].observe(route_name(request), status, time.monotonic() - started)
