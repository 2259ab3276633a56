"""The paths of 3D tiles in the OpenAPI document."""

from __future__ import annotations

from typing import Any

from gisserver.ogc.openapi_parts import content, parameter, problems, ref
from layers.access import Audience
from layers.layer import Layer
from tiles.tileset3d_content import MEDIA_TYPE
from tiles.tileset3d_form import form_of

__all__ = ["tiles3d_paths"]

_COUNT = {"type": "integer", "minimum": 0}


def tiles3d_paths(layers: list[Layer], audience: Audience) -> dict[str, Any]:
    """Return the paths for those layers that have a form in three dimensions for an audience."""
    names = [layer.id for layer in layers if layer.kind == "spatial" and form_of(layer, audience) is not None]
    if not names:
        return {}
    which = parameter("collection", {"type": "string", "enum": names}, "A layer with heights.", "path")
    place = [parameter(name, _COUNT, words, "path") for name, words in (
        ("z", "Level."), ("row", "Row from the north."), ("col", "Column from the west."))]
    moment = [ref("parameters", "datetime"), ref("parameters", "known-at"), ref("parameters", "lang")]

    def path(name: str, summary: str, form: str, kind: str, schema: dict[str, Any], *more: dict[str, Any], empty: bool = True) -> dict[str, Any]:
        return {"get": {"operationId": name, "tags": ["service"], "summary": summary,
                        "parameters": [which, *more, parameter("f", {"type": "string", "enum": [form]}, "Format."), *moment],
                        "responses": {"200": {"description": summary, "content": content(schema, kind)},
                                      **({"204": {"description": "There is nothing in the cell."}} if empty else {}),
                                      **problems("304", "400", "404")}}}

    root, json, glb = "/ogc/collections/{collection}/3dtiles", "application/json", MEDIA_TYPE
    return {
        f"{root}/tileset.json": path("tileset3d", "3D Tiles of a layer", "json", json, {"type": "object"}, empty=False),
        f"{root}/{{z}}/{{row}}/{{col}}.json": path("tileset3dCell", "3D Tiles of a cell", "json", json, {"type": "object"}, *place, empty=False),
        f"{root}/{{z}}/{{row}}/{{col}}.glb": path("tile3d", "Content of a 3D tile", "glb", glb, {"type": "string", "format": "binary"}, *place)}
