"""The addresses of what the client counts, selects and maps by number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Route

from gisserver.endpoint import route
from gisserver.routes import statistics

if TYPE_CHECKING:
    from gisserver.context import Context

__all__ = ["routes"]


def routes(context: Context) -> list[Route]:
    """Return the routes of statistics and selection."""
    return [route(context, "/api/statistics", statistics.post_statistics, ("POST",)),
            route(context, "/api/selection", statistics.post_selection, ("POST",))]
