"""Counts and latencies of requests, in the text format of Prometheus."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable

__all__ = ["Metrics"]

BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Metrics:
    """Requests of one process, by route.

    Written by the event loop only; reading while it writes gives a moment that is at most one request off.
    """

    def __init__(self) -> None:
        self._requests: dict[tuple[str, str, int], int] = defaultdict(int)
        self._buckets: dict[str, list[int]] = defaultdict(lambda: [0] * (len(BUCKETS_S) + 1))
        self._seconds: dict[str, float] = defaultdict(float)

    def count(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count one answered request."""
        self._requests[route, method, status] += 1
        self._buckets[route][bisect_left(BUCKETS_S, seconds)] += 1
        self._seconds[route] += seconds

    def text(self, gauges: Iterable[tuple[str, str, float]]) -> str:
        """Return everything as text; `gauges` are further (name, help, value)."""
        lines = ["# HELP gis_requests_total Requests answered.", "# TYPE gis_requests_total counter"]
        for (route, method, status), number in sorted(self._requests.items()):
            lines.append(f'gis_requests_total{{route="{route}",method="{method}",status="{status}"}} {number}')
        lines += ["# HELP gis_request_seconds Time to the end of the answer.", "# TYPE gis_request_seconds histogram"]
        for route, counts in sorted(self._buckets.items()):
            total = 0
            for bound, number in zip((*map(str, BUCKETS_S), "+Inf"), counts, strict=True):
                total += number
                lines.append(f'gis_request_seconds_bucket{{route="{route}",le="{bound}"}} {total}')
            lines += [f'gis_request_seconds_sum{{route="{route}"}} {self._seconds[route]:.6f}',
                      f'gis_request_seconds_count{{route="{route}"}} {total}']
        for name, words, value in gauges:
            lines += [f"# HELP {name} {words}", f"# TYPE {name} gauge", f"{name} {value:g}"]
        return "\n".join(lines) + "\n"
