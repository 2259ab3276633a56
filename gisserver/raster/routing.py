"""The addresses of maps as pictures."""

from __future__ import annotations

from starlette.routing import BaseRoute, Route

from gisserver.context import Context
from gisserver.endpoint import Handler, route
from gisserver.raster import kml, maps, tms, wmts
from gisserver.raster.city_tile import CityTile
from gisserver.raster.map_service import MapService
from gisserver.raster.wms import WmsService, wms

__all__ = ["raster_routes"]

LAYER = "/ogc/collections/{collection}/map"
STYLED = "/ogc/collections/{collection}/styles/{style}/map"
TILE = "{tms}/{z}/{row}/{col}"


def raster_routes(context: Context) -> list[BaseRoute]:
    """Return the routes of WMS, WMTS, TMS, KML, and of maps and map tiles of OGC API."""
    service = MapService(context)

    def slow(path: str, handler: Handler) -> Route:
        # Drawing takes its time; it must not hold the threads of everything else.
        return route(context, path, handler, ("GET",), context.delegate_threads)

    return [
        Route(f"{LAYER}/tiles/{TILE}", maps.map_tile(context), methods=["GET"]),
        Route(f"{STYLED}/tiles/{TILE}", maps.map_tile(context), methods=["GET"]),
        Route(f"/ogc/map/tiles/{TILE}", CityTile(context, maps.map_tile(context)), methods=["GET"]),
        Route("/wmts/{layer}/{style}/{time}/{tms}/{z}/{row}/{col}", wmts.rest_tile(context, service), methods=["GET"]),
        Route("/tms/1.0.0/{layer}/{tms}/{z}/{col}/{row}", tms.tms_tile(context), methods=["GET"]),
        Route("/kml/{layer}/{tms}/{z}/{col}/{row}", kml.KmlService(context), methods=["GET"]),
        Route("/wmts", wmts.KvpService(context, service), methods=["GET"]),
        route(context, LAYER + "/tiles", maps.map_tilesets),
        route(context, LAYER + "/tiles/{tms}", maps.map_tileset),
        route(context, "/ogc/map/tiles", maps.map_tilesets),
        route(context, "/ogc/map/tiles/{tms}", maps.map_tileset),
        slow(LAYER, maps.map_of),
        slow(STYLED, maps.map_of),
        slow("/ogc/map", maps.map_of),
        Route("/wms", WmsService(context, wms(service)), methods=["GET"], name="wms"),
        slow("/wmts/1.0.0/WMTSCapabilities.xml", wmts.wmts_capabilities(service)),
        route(context, "/tms/1.0.0", tms.tms_service),
        route(context, "/tms/1.0.0/{layer}/{tms}", tms.tms_map),
        route(context, "/kml/{layer}/{tms}", kml.kml_document),
    ]
