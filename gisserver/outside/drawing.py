"""A layer of another service on the map: its tiles, legend and features, and what lies at a point."""

from __future__ import annotations

import time
from typing import Any

import orjson

from gisserver.outside.asking import Outside, Picture
from gisserver.outside.documents import Unreadable, plain, read_json
from gisserver.outside.faults import OutsideFailed, explained
from gisserver.outside.offered import MERCATOR_M
from gisserver.outside.ogc_api import features_address, is_geojson, ogc_map_address, simple_features
from gisserver.outside.tiled import mercator_levels, same_tile, source_tiles
from gisserver.outside.wms import in_crs, info_address, legend_address, map_address
from layers.crs import transformer
from layers.errors import NotFound
from layers.outside import OutsideLayer, read_origin
from tiles.grid import Envelope
from tiles.guarded_fetch import Limits
from tiles.outside_pictures import EMPTY, NoPicture, Piece, warped

__all__ = ["LAST_LEVEL", "NothingToAsk", "described", "features", "is_pictured", "legend", "tile", "told_at"]

LAST_LEVEL = 22
MAP_SIDE_PX, TILE_SIDE_PX = 512, 256
MOST_FEATURES = 2000
FEATURES = Limits(total_s=20, most_bytes=16 * 2**20)
INFO = Limits(total_s=15, most_bytes=2**20)
# How long the pieces of one tile may take together.
LONGEST_S = 20.0
_INFO_SIDE = 101
_MOST_INFO = 20_000
_PICTURED = ("wms", "map", "tiles")


class NothingToAsk(NotFound):
    """The layer has no such thing: no legend, no features, no answers at a point."""

    def __init__(self, english: str, chinese: str) -> None:
        super().__init__(english, chinese)


def is_pictured(layer: OutsideLayer) -> bool:
    """Does the layer come as pictures (else as features)?"""
    return layer.definition["kind"] in _PICTURED


def described(layer: OutsideLayer) -> dict[str, Any]:
    """Return what the client has to know of a layer: nothing of the addresses behind it but their host."""
    d = layer.definition
    levels = _levels(d) if d["kind"] == "tiles" else []
    finest = min((level["cell"] for level in levels if d["srid"] == 3857), default=0.0)
    last = next((z for z in range(LAST_LEVEL + 1) if finest and MERCATOR_M * 2 / 256 / 2**z <= finest * 1.01), 20)
    return {"id": layer.id, "title": d["title"], "service": d["service"], "origin": layer.origin, "attribution": d["attribution"], "extent": d["extent"],
            "form": "pictures" if is_pictured(layer) else "features", "tile_size": MAP_SIDE_PX if d["kind"] in ("wms", "map") else TILE_SIDE_PX,
            "max_zoom": last, "legend": bool(d.get("legends") or d.get("legend_links")), "asks": d["kind"] == "wms" and d["info"] is not None,
            "opaque": "jp" in str(d.get("format", "")), "style": d.get("style", ""), "time": d.get("time", ""), "warped": d["srid"] != 3857 and is_pictured(layer)}


def _levels(d: dict[str, Any]) -> list[dict[str, Any]]:
    return d["levels"] if "levels" in d else mercator_levels(d["last"])


def _box(z: int, x: int, y: int) -> Envelope:
    side = MERCATOR_M * 2 / 2**z
    return -MERCATOR_M + x * side, MERCATOR_M - (y + 1) * side, -MERCATOR_M + (x + 1) * side, MERCATOR_M - y * side


def _degrees(box: Envelope) -> Envelope:
    step = transformer(3857, 4326).transform
    (west, south), (east, north) = step(box[0], box[1]), step(box[2], box[3])
    return west, south, east, north


def tile(outside: Outside, layer: OutsideLayer, z: int, x: int, y: int) -> Picture:
    """Return tile z/x/y of the web's grid of a layer that comes as pictures; an empty one where it has nothing.

    Raises HostNotAllowed, OutsideFailed, OutsideBusy; NothingToAsk for a layer of features.
    """
    d = layer.definition
    if not is_pictured(layer):
        raise NothingToAsk("This layer comes as features, not as pictures.", "该图层以要素提供，没有图片瓦片。")
    box = _box(z, x, y)
    west, south, east, north = d["extent"] or (-180, -90, 180, 90)
    seen = _degrees(box)
    if seen[0] > east or seen[2] < west or seen[1] > north or seen[3] < south:
        return EMPTY, "image/png"
    try:
        if d["kind"] == "map":
            return outside.picture(ogc_map_address(d, box, MAP_SIDE_PX)) or (EMPTY, "image/png")
        if d["kind"] == "wms":
            return _map(outside, d, box)
        return _tile(outside, d, box, z, x, y)
    except ValueError:
        # Where the source's CRS ends there is nothing of it.
        return EMPTY, "image/png"
    except NoPicture as no:
        raise OutsideFailed(layer.origin, f"its pictures cannot be put together: {no}", "对方的图片无法拼接", "no-picture") from None


def _map(outside: Outside, d: dict[str, Any], box: Envelope) -> Picture:
    own = in_crs(box, d["srid"])
    found = outside.picture(map_address(d, own, MAP_SIDE_PX, MAP_SIDE_PX))
    if found is None or d["srid"] == 3857:
        return found or (EMPTY, "image/png")
    return _kept(outside, ("warped", map_address(d, own, MAP_SIDE_PX, MAP_SIDE_PX)), lambda: warped([Piece(found[0], own)], d["srid"], box, MAP_SIDE_PX))


def _tile(outside: Outside, d: dict[str, Any], box: Envelope, z: int, x: int, y: int) -> Picture:
    levels = _levels(d)
    same = same_tile(d, levels, z, x, y)
    if same is not None:
        return outside.picture(same, may_miss=True) or (EMPTY, "image/png")
    sources = source_tiles(d, levels, box, TILE_SIDE_PX)
    if not sources:
        return EMPTY, "image/png"

    def made() -> bytes:
        pieces, ends = [], time.monotonic() + LONGEST_S
        for source in sources:
            if time.monotonic() > ends:
                raise explained(read_origin(source.address), "slow")
            if (found := outside.picture(source.address, may_miss=True)) is not None:
                pieces.append(Piece(found[0], source.box))
        return warped(pieces, d["srid"], box, TILE_SIDE_PX)

    return _kept(outside, ("warped", sources[0].address, z, x, y), made)


def _kept(outside: Outside, key: tuple[Any, ...], make: Any) -> Picture:
    found: Picture | None = outside.pictures.get(key)
    if found is None:
        found = make(), "image/png"
        outside.pictures.put(key, found, len(found[0]) + 400, 600)
    return found


def legend(outside: Outside, layer: OutsideLayer) -> Picture:
    """Return the picture of a layer's legend. Raises NothingToAsk where it has none."""
    d = layer.definition
    # At another host a legend might be for other readers than the layer is.
    def is_own(origin: str) -> bool:
        return origin == layer.origin

    address = legend_address(d, is_own) if d["kind"] == "wms" else d.get("legend_links", {}).get(d.get("style", ""))
    if not address or not is_own(read_origin(address)):
        raise NothingToAsk("This layer has no legend.", "该图层没有图例。")
    found = outside.picture(address, may_miss=True)
    if found is None:
        raise NothingToAsk("This layer has no legend.", "该图层没有图例。")
    return found


def features(outside: Outside, layer: OutsideLayer, box: Envelope) -> dict[str, Any]:
    """Return the features of a layer in a box (degrees) as GeoJSON, at most MOST_FEATURES; `complete` says whether these are all."""
    d = layer.definition
    if is_pictured(layer):
        raise NothingToAsk("This layer comes as pictures; it has no features to give.", "该图层以图片提供，没有要素。")
    address = features_address(d, box, MOST_FEATURES) if d["kind"] == "features" else d["address"]
    try:
        document = outside.documents.get(("features", address))
        if document is None:
            document = outside.json(address, FEATURES)
            outside.documents.put(("features", address), document, len(orjson.dumps(document)) * 4, 60)
        with outside.reading():
            found, more = simple_features(document, box, MOST_FEATURES)
    except Unreadable as no:
        raise OutsideFailed(layer.origin, str(no), "对方返回的不是可显示的 GeoJSON", "broken") from None
    return {"type": "FeatureCollection", "features": found, "complete": not more}


def told_at(outside: Outside, layer: OutsideLayer, lon: float, lat: float, zoom: float) -> dict[str, Any]:
    """Return what a WMS tells of a point: `features` (their properties) where it answers in GeoJSON, else `text`.

    Parameters
    ----------
    lon, lat
        The point, in degrees.
    zoom
        That of the map, for tiles of 512 pixels: it decides how near is near enough.

    Raises NothingToAsk where the layer gives no answers.
    """
    d = layer.definition
    if d["kind"] != "wms" or d["info"] is None:
        raise NothingToAsk("This layer gives no answers about points.", "该图层不支持点查询。")
    x, y = transformer(4326, 3857).transform(lon, lat)
    half = MERCATOR_M * 2 / 512 / 2**zoom * _INFO_SIDE / 2
    try:
        own = in_crs((x - half, y - half, x + half, y + half), d["srid"])
    except ValueError:
        return {"features": [], "text": ""}
    answer = outside.get(info_address(d, own, _INFO_SIDE), d["info"], INFO)
    if "json" in d["info"] and answer.body.lstrip()[:1] in (b"{", b"["):
        try:
            document = read_json(answer.body)
        except Unreadable as no:
            raise OutsideFailed(layer.origin, str(no), "对方返回的不是可读取的 JSON", "broken") from None
        if is_geojson(document):
            given = document.get("features") if document["type"] == "FeatureCollection" else [document]
            return {"features": [_properties(each) for each in given[:10] if isinstance(each, dict)] if isinstance(given, list) else [], "text": ""}
        return {"features": [], "text": _lines(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode())}
    if answer.kind in ("text/html", "application/xhtml+xml") or answer.body.lstrip()[:1] == b"<":
        raise OutsideFailed(layer.origin, "it answered with a page instead of text", "对方返回的是网页而不是文本", "broken")
    return {"features": [], "text": _lines(answer.body[:_MOST_INFO * 4].decode("utf-8", "replace"))}


def _properties(feature: dict[str, Any]) -> dict[str, Any]:
    given = feature.get("properties")
    return {plain(name, 80): plain(value, 1000) if isinstance(value, str) else value for name, value in list(given.items())[:100]
            if isinstance(value, (str, int, float, bool))} if isinstance(given, dict) else {}


def _lines(text: str) -> str:
    return "\n".join(plain(line, 500) for line in text[:_MOST_INFO].splitlines()).strip()
