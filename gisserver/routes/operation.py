"""Operation: is it alive, is it ready, what does it do."""

from __future__ import annotations

from starlette.responses import Response

from gisserver.reply import dump
from gisserver.request import Request
from layers.errors import StoreError
from layers.history import current_seq
from layers.migrate import is_migrated

__all__ = ["health", "metrics", "ready"]

_HEADERS = {"Cache-Control": "no-store"}


def health(request: Request) -> Response:
    """Answer that the process lives; asks nobody else."""
    request.parameters.finish()
    return Response(b'{"status":"ok"}', 200, _HEADERS, "application/json")


def ready(request: Request) -> Response:
    """Answer whether requests can be served: database reached and migrated, catalogue loaded; 503 if not."""
    request.parameters.finish()
    context = request.context
    checks: dict[str, str] = {"database": "unreachable", "schema": "unknown", "catalogue": "unknown"}
    try:
        seq: int | None = current_seq(context.store)
        checks |= {"database": "ok", "schema": "ok" if is_migrated(context.store) else "not migrated",
                   "catalogue": "ok" if context.catalogue.layers else "empty"}
    except StoreError as error:
        seq = None
        checks["database"] = str(error)
    is_ready = all(state == "ok" for state in checks.values())
    document = {"status": "ready" if is_ready else "not ready", "checks": checks, "seq": seq,
                "catalogue_version": context.catalogue.version}
    return Response(dump(document), 200 if is_ready else 503, _HEADERS, "application/json")


def metrics(request: Request) -> Response:
    """Answer counts and latencies in the text format of Prometheus."""
    request.parameters.finish()
    request.reader.require("operate")
    context, pool, tiles = request.context, request.context.store.stats(), request.context.tiles.stats()
    gauges = [("gis_pool_connections", "Database connections open for reading.", pool["open"]),
              ("gis_pool_idle", "Of them idle.", pool["idle"]), ("gis_pool_max", "Most that may be open.", pool["max"]),
              ("gis_tiles", "Tiles kept in the process.", tiles["tiles"]), ("gis_tile_bytes", "Their weight.", tiles["bytes"]),
              ("gis_tile_hits", "Tiles answered from them.", tiles["hits"]),
              ("gis_tile_hot_hits", "Of them by the hot lane.", tiles["hot_hits"]),
              ("gis_tile_misses", "Tiles that were not there.", tiles["misses"]),
              ("gis_tiles_expired", "Tiles dropped since something changed where they lie.", tiles["expired"]), ("gis_seq", "Newest changeset this process has heard of.", context.seq),
              ("gis_catalogue_version", "Version of the catalogue in this process.", context.catalogue.version),
              ("gis_layers", "Layers in the catalogue.", len(context.catalogue.layers))]
    if context.shared is not None:
        disk = context.shared.stats()
        gauges += [("gis_tile_disk_tiles", "Tiles kept on disk.", disk["tiles"]), ("gis_tile_disk_bytes", "Their weight.", disk["bytes"]),
                   ("gis_tile_disk_hits", "Tiles that this process found there.", disk["hits"]),
                   ("gis_tile_disk_off", "1 while the disk is not used, since something is wrong with it.", int(disk["trouble"] is not None))]
    return Response(context.metrics.text(gauges), 200, _HEADERS, "text/plain; version=0.0.4")
