"""Numbers for Prometheus, one registry an application, so that two applications in one process do not mix."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import Counter as Counts
from collections import defaultdict
from collections.abc import Iterator
from itertools import accumulate

from aiohttp import web
from aiohttp.typedefs import Handler
from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.metrics_core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

# From a cached segment (under a millisecond) to a request that waits for one to be encoded.
LATENCY_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60)
UNKNOWN_ROUTE = "unknown"  # one label for all of them: a scanner must not grow our memory


class Tally:
    """The answers of one route, in plain numbers: a library's counters cost more than sending a small file does."""

    __slots__ = ("buckets", "by_status", "seconds")

    def __init__(self) -> None:
        self.by_status: Counts[int] = Counts()
        self.buckets = [0] * (len(LATENCY_BUCKETS) + 1)
        self.seconds = 0.0

    def add(self, status: int, seconds: float) -> None:
        self.by_status[status] += 1
        self.buckets[bisect_left(LATENCY_BUCKETS, seconds)] += 1
        self.seconds += seconds


class Requests(Collector):
    """Tallies by route, as Prometheus reads them."""

    def __init__(self) -> None:
        self._tallies: defaultdict[str, Tally] = defaultdict(Tally)

    def of(self, route: str) -> Tally:
        return self._tallies[route]

    def collect(self) -> Iterator[Metric]:
        requests = CounterMetricFamily(
            "homereel_http_requests", "Answers, by route and status.", labels=("route", "status")
        )
        latency = HistogramMetricFamily(
            "homereel_http_request_seconds", "Time until the answer is made.", labels=("route",)
        )
        for route, tally in self._tallies.copy().items():
            for status, count in tally.by_status.copy().items():
                requests.add_metric((route, str(status)), count)
            bounds = (*(str(float(bound)) for bound in LATENCY_BUCKETS), "+Inf")
            buckets = list(zip(bounds, accumulate(tally.buckets), strict=True))
            latency.add_metric((route,), buckets, tally.seconds)
        yield from (requests, latency)


class Metrics:
    """Counted as things happen; what the database knows is asked at scrape time (server.status)."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Requests()
        self.registry.register(self.requests)
        self.uploads = Counter(
            "homereel_uploads", "Uploads that ended, by outcome.", ("outcome",), registry=self.registry
        )
        self.upload_bytes = Counter("homereel_upload_bytes", "Bytes of originals received.", registry=self.registry)
        self.media_files = Gauge("homereel_media_files", "Films, by status.", ("status",), registry=self.registry)
        self.jobs = Gauge("homereel_jobs", "Jobs, by kind and state.", ("kind", "state"), registry=self.registry)
        self.disk_free_bytes = Gauge("homereel_disk_free_bytes", "Free below the media root.", registry=self.registry)
        self.workers = Gauge("homereel_workers", "Workers that were seen.", registry=self.registry)


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
        request.app[METRICS].requests.of(route_name(request)).add(status, time.monotonic() - started)
