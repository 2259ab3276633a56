"""The addresses of coverages: parts, pictures, terrain, contours, meshes, heights, base maps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.routing import BaseRoute, Match, Route
from starlette.types import Scope

from gisserver.context import Context
from gisserver.endpoint import Handler, route
from gisserver.ogc import coverages, edr, imagery, terrain
from gisserver.ogc.coverage_tiles import CoverageTileEndpoint
from gisserver.routes import basemaps

__all__ = ["coverage_routes"]

ROOT, TILE = "/ogc/collections/{collection}", "{tms}/{z}/{row}/{col}"


class OfCoverages(Route):
    """A route for coverages alone: the same address of a layer with features is looked for further down."""

    def __init__(self, context: Context, path: str, endpoint: Callable[..., Any]) -> None:
        super().__init__(path, endpoint, methods=["GET"])
        self.context = context

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        found, child = super().matches(scope)
        reader = scope.get("state", {}).get("reader")
        if found is not Match.NONE and reader is not None:
            name = child["path_params"]["collection"]
            layer = self.context.catalogue.layers.get(name)
            # Where the reader may not see the layer, the address is that of no layer.
            if layer is None or layer.kind != "coverage" or not reader.audience.may_read(name):
                return Match.NONE, {}
        return found, child


def coverage_routes(context: Context) -> list[BaseRoute]:
    """Return the routes of coverages; they stand before those of maps of other layers."""
    def slow(path: str, handler: Handler) -> Route:
        # Reading files may take its time; it must not hold the threads of everything else.
        return route(context, f"{ROOT}/{path}", handler, ("GET",), context.delegate_threads)

    def tile(path: str, look: Any) -> Route:
        return Route(f"{ROOT}/{path}/{TILE}", CoverageTileEndpoint(context, look), methods=["GET"])

    return [
        OfCoverages(context, f"{ROOT}/map/tiles/{TILE}", CoverageTileEndpoint(context, imagery.map_tile)),
        tile("terrain/{encoding}", terrain.terrain_tile),
        tile("contours", terrain.contours),
        Route(f"{ROOT}/terrain/mesh/{{z}}/{{x}}/{{y}}.terrain", terrain.MeshEndpoint(context), methods=["GET"]),
        slow("terrain/mesh/layer.json", terrain.mesh_layer),
        slow("position", edr.position),
        slow("trajectory", edr.trajectory),
        slow("coverage", coverages.coverage),
        route(context, "/api/basemaps", basemaps.basemaps),
    ]
