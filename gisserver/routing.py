"""Every address of the service, in the order they are looked up: the hottest first."""

from __future__ import annotations

from starlette.routing import BaseRoute, Route

from gisserver.context import Context
from gisserver.endpoint import Handler, route
from gisserver.ogc import collections, items, jobs, landing, processes, records, styles, tilesets, transactions, versions
from gisserver.ogc.coverage_routing import coverage_routes
from gisserver.ogc.tile import TileEndpoint
from gisserver.ogc.tiles3d import tiles3d_routes
from gisserver.raster.routing import raster_routes
from gisserver.routes import analysis, changes, client, edits, operation, prints, progress, reports, saved_views, search, views
from gisserver.routes.stream import ChangeStream

__all__ = ["client_routes", "service_routes"]

ITEMS = "/ogc/collections/{collection}/items"
ITEM = f"{ITEMS}/{{fid}}"
TILES = "/ogc/collections/{collection}/tiles"


def service_routes(context: Context) -> list[BaseRoute]:
    """Return the routes of everything but signing in."""
    def to(path: str, handler: Handler, *methods: str) -> Route:
        return route(context, path, handler, methods or ("GET",))

    def slow(path: str, handler: Handler, *methods: str) -> Route:
        # What pygeoapi answers, or a process computes, may take its time; it must not hold the threads of everything else.
        return route(context, path, handler, methods or ("GET",), context.delegate_threads)

    return [
        Route(f"{TILES}/{{tms}}/{{z}}/{{row}}/{{col}}", TileEndpoint(context), methods=["GET"]),
        *tiles3d_routes(context),
        *coverage_routes(context),
        *raster_routes(context),
        slow("/ogc/collections/catalogue/items", records.records),
        slow("/ogc/collections/catalogue/items/{record}", records.record),
        to(ITEM, items.item),
        to(ITEMS, items.items),
        to(ITEMS, transactions.create_item, "POST"),
        to(ITEM, transactions.replace_item, "PUT"),
        to(ITEM, transactions.update_item, "PATCH"),
        to(ITEM, transactions.delete_item, "DELETE"),
        to(f"{ITEM}/versions", versions.item_versions),
        to(f"{ITEM}/lineage", versions.item_lineage),
        to("/ogc", landing.landing_page),
        to("/ogc/", landing.landing_page),
        to("/ogc/conformance", landing.conformance),
        to("/ogc/api", landing.api_definition),
        to("/ogc/collections", collections.collections),
        to("/ogc/collections/{collection}", collections.collection),
        to("/ogc/collections/{collection}/schema", collections.schema),
        to("/ogc/collections/{collection}/queryables", collections.queryables),
        to("/ogc/collections/{collection}/sortables", collections.sortables),
        to(TILES, tilesets.tilesets),
        to(f"{TILES}/{{tms}}", tilesets.tileset),
        to("/ogc/tiles", tilesets.tilesets),
        to("/ogc/tiles/{tms}", tilesets.tileset),
        Route("/ogc/tiles/{tms}/{z}/{row}/{col}", TileEndpoint(context), methods=["GET"]),
        to("/ogc/collections/{collection}/tilejson", tilesets.tilejson),
        to("/ogc/tileMatrixSets", tilesets.tile_matrix_sets),
        to("/ogc/tileMatrixSets/{tms}", tilesets.tile_matrix_set),
        to("/ogc/collections/{collection}/styles", styles.collection_styles),
        to("/ogc/styles", styles.styles),
        to("/ogc/styles/{style}", styles.style),
        to("/ogc/styles/{style}/legend", styles.style_legend),
        to("/ogc/processes", processes.processes),
        to("/ogc/processes/{process}", processes.process),
        slow("/ogc/processes/{process}/execution", jobs.execution, "POST"),
        to("/ogc/jobs", jobs.jobs),
        to("/ogc/jobs/{job}", jobs.job),
        to("/ogc/jobs/{job}", jobs.dismiss_job, "DELETE"),
        to("/ogc/jobs/{job}/results", jobs.job_results),
        to("/ogc/static/{path:path}", client.static_file),
        to("/api/openapi", landing.service_definition),
        to("/api/config", views.config),
        to("/api/search", search.search_city),
        to("/api/changesets", edits.changesets),
        to("/api/changesets", edits.post_changeset, "POST"),
        Route("/api/changes/stream", ChangeStream(context), methods=["GET"]),
        to("/api/changesets/{seq}", edits.changeset),
        to("/api/changesets/{seq}/undo", edits.undo, "POST"),
        *changes.routes(context),
        *saved_views.routes(context),
        *prints.routes(context),
        *reports.routes(context),
        *analysis.routes(context),
        *progress.routes(context),
        to("/healthz", operation.health),
        to("/readyz", operation.ready),
        to("/metrics", operation.metrics),
    ]


def client_routes(context: Context) -> list[BaseRoute]:
    """Return the routes of the web client, which take what no other route has taken."""
    return [route(context, "/", client.client_page), route(context, "/{path:path}", client.asset)]
