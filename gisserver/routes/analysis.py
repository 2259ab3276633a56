"""The addresses of what the client counts, selects and maps by number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Route

from gisserver.endpoint import route
from gisserver.routes import export, kept_work, layer_styles, statistics, thematic

if TYPE_CHECKING:
    from gisserver.context import Context

__all__ = ["routes"]


def routes(context: Context) -> list[Route]:
    """Return the routes of statistics, selection, export and what is kept for layers."""
    return [route(context, "/api/statistics", statistics.post_statistics, ("POST",)),
            route(context, "/api/selection", statistics.post_selection, ("POST",)),
            route(context, "/api/classification", thematic.post_classification, ("POST",)),
            route(context, "/api/clusters", thematic.post_clusters, ("POST",)),
            # A file of a whole layer takes its time; it must not hold the threads of everything else.
            route(context, "/api/export/{collection}", export.export_layer, threads=context.delegate_threads),
            route(context, "/api/queries", kept_work.list_queries),
            route(context, "/api/queries", kept_work.post_query, ("POST",)),
            route(context, "/api/queries/{work}", kept_work.delete_query, ("DELETE",)),
            route(context, "/api/themes", kept_work.list_themes),
            route(context, "/api/themes", kept_work.post_theme, ("POST",)),
            route(context, "/api/themes/{work}", kept_work.delete_theme, ("DELETE",)),
            route(context, "/api/styles", layer_styles.list_layer_styles),
            route(context, "/api/styles", layer_styles.post_layer_style, ("POST",)),
            route(context, "/api/styles/{work}", layer_styles.withdraw_layer_style, ("DELETE",))]
