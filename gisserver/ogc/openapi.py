"""The OpenAPI 3.0 document, made from the catalogue as one reader sees it."""

from __future__ import annotations

from typing import Any

from gisserver.ogc.openapi_analysis import analysis_paths
from gisserver.ogc.openapi_geometry import geometry_paths
from gisserver.ogc.openapi_items import layer_paths
from gisserver.ogc.openapi_outside import outside_paths
from gisserver.ogc.openapi_parts import PARAMETERS, RESPONSES, SCHEMAS, SECURITY
from gisserver.ogc.openapi_service import service_paths
from gisserver.ogc.schemas import feature_schema
from layers.access import Audience
from layers.catalogue import Catalogue

__all__ = ["ogc_document", "openapi_document"]

VERSION = "1.0.0"


def openapi_document(catalogue: Catalogue, audience: Audience, base: str) -> dict[str, Any]:
    """Return the document of all that an audience may use: its layers, its fields, and writes where it may edit."""
    layers = [layer for layer in catalogue.layers.values() if audience.may_read(layer.id)]
    schemas, paths = dict(SCHEMAS), service_paths(catalogue.city, layers, audience) | analysis_paths(layers, audience) | geometry_paths() | outside_paths(audience)
    for layer in layers:
        if not layer.is_stored:
            continue
        schemas[f"{layer.id}_feature"] = feature_schema(layer, audience, required=False)
        if audience.may_edit(layer.id):
            schemas[f"{layer.id}_new"] = feature_schema(layer, audience, required=True)
        paths |= layer_paths(catalogue.city, layer, audience)
    return {
        "openapi": "3.0.3",
        "info": {"title": catalogue.city.title.en, "version": VERSION,
                 "description": f"{catalogue.city.title.zh} · {catalogue.city.title.en}: layers with their history."},
        "servers": [{"url": base}],
        "tags": [{"name": "service"}, {"name": "changes"}, {"name": "processes"},
                 *({"name": layer.id, "description": layer.title.en} for layer in layers)],
        "paths": paths,
        "components": {"parameters": PARAMETERS, "responses": RESPONSES, "schemas": schemas,
                       "securitySchemes": SECURITY},
        "security": [{}, *({name: []} for name in SECURITY)],
    }


def ogc_document(document: dict[str, Any]) -> dict[str, Any]:
    """Return the part of the document that is OGC API, with paths below its root.

    Clients of the standard (GDAL among them) look their collections up as `/collections/{id}/items` below the server's
    address, and learn there how large a page may be and that they may ask for the number of hits alone.
    """
    root = "/ogc"
    paths = {path.removeprefix(root) or "/": item for path, item in document["paths"].items()
             if path == root or path.startswith(f"{root}/")}
    return document | {"servers": [{"url": f"{server['url']}{root}"} for server in document["servers"]], "paths": paths}
