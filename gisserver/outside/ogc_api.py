"""OGC API of others (Features, Maps, Tiles) and plain GeoJSON: what they offer, and the addresses of their features and maps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urljoin

from gisserver.outside.documents import Unreadable, plain, read_box, with_query, without_query
from gisserver.outside.offered import May, Offered, Service, Why, srid_of
from gisserver.outside.tiled import tile_matrices
from layers.errors import InvalidParameter
from layers.outside import read_origin
from tiles.grid import Envelope

__all__ = ["features_address", "is_geojson", "ogc_map_address", "read_collections", "read_feature_file", "resolve_tiles", "simple_features"]

Read = Callable[[str], Any]
REL = "http://www.opengis.net/def/rel/ogc/1.0/"
MOST_COLLECTIONS = 2000
_FEATURE_TYPES = {"Feature", "FeatureCollection"}
_GEOMETRIES = {"Point": 0, "MultiPoint": 1, "LineString": 1, "MultiLineString": 2, "Polygon": 2, "MultiPolygon": 3}
MOST_POSITIONS = 500_000
_MERCATOR_URI = "http://www.opengis.net/def/crs/EPSG/0/3857"


def is_geojson(document: Any) -> bool:
    """Is a document GeoJSON that can be shown?"""
    return isinstance(document, dict) and document.get("type") in _FEATURE_TYPES


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _link(of: dict[str, Any], address: str, *rels: str, kind: str = "json") -> str | None:
    """Return the absolute address of the first link of some relations, that of a media type before others."""
    links = [each for rel in rels for each in _dicts(of.get("links")) if each.get("rel") in (rel, f"[ogc-rel:{rel.removeprefix(REL)}]") and isinstance(each.get("href"), str)]
    links.sort(key=lambda each: kind not in str(each.get("type", "")))
    return urljoin(address, links[0]["href"]) if links else None


def _words(of: dict[str, Any], *names: str, most: int = 300) -> str:
    for name in names:
        value = of.get(name)
        # Some give their texts by language.
        if isinstance(value, dict):
            value = next((each for each in value.values() if isinstance(each, str)), None)
        if text := plain(value, most):
            return text
    return ""


def read_collections(document: dict[str, Any], address: str, read: Read, may: May) -> Service:
    """Read an OGC API from its landing page, its collections or one of these, found at an address. Raises Unreadable."""
    landing = document
    if "collections" in document:
        given, base = document["collections"], address
    elif isinstance(document.get("id"), str) and _link(document, address, "items", f"{REL}map", f"{REL}tilesets-map"):
        given, base = [document], address
    else:
        found = _link(document, address, "data", f"{REL}data")
        if found is None:
            raise Unreadable("it is no OGC API: nothing leads to its collections")
        inner, base = read(found), found
        given = inner.get("collections") if isinstance(inner, dict) else None
    title = _words(landing, "title") or read_origin(address)
    attribution = _words(landing, "attribution")
    layers = [offered for each in _dicts(given)[:MOST_COLLECTIONS] if isinstance(each.get("id"), str)
              for offered in _offered(each, base, may, {"service": title, "attribution": attribution or title})]
    return Service("ogc-api", title, _words(landing, "description", most=1000), attribution or title, layers)


def _offered(collection: dict[str, Any], base: str, may: May, shared: dict[str, Any]) -> Iterator[Offered]:
    name, title = plain(collection["id"], 200), _words(collection, "title") or plain(collection["id"], 200)
    extent = collection.get("extent") if isinstance(collection.get("extent"), dict) else {}
    boxes = ((extent or {}).get("spatial") or {}).get("bbox") if isinstance((extent or {}).get("spatial"), dict) else None
    box = read_box(boxes[0]) if isinstance(boxes, list) and boxes else None
    crs = tuple(plain(each, 100) for each in collection.get("crs") or () if isinstance(each, str))[:100] if isinstance(collection.get("crs"), list) else ()
    shared = shared | {"title": title, "extent": box, "attribution": _words(collection, "attribution") or shared["attribution"]}
    ways: tuple[tuple[str, str | None, tuple[str, ...]], ...] = (
        ("features", _link(collection, base, "items", kind="geo+json"), ("application/geo+json",)),
        ("map", _link(collection, base, f"{REL}map", kind="png"), ("image/png",)),
        ("tilesets", _link(collection, base, f"{REL}tilesets-map"), ("image/png",)))
    for kind, href, formats in ways:
        if href is None or (kind == "features" and collection.get("itemType", "feature") != "feature"):
            continue
        why = _refusal(href, may)
        definition = None if why else shared | {"kind": kind, "address": without_query(href, "F"), "layer": name, "srid": 3857}
        yield Offered(f"{kind}:{name}", title, _words(collection, "description", most=1000), (), box, crs, formats, definition=definition, why=why,
                      is_queryable=kind == "features")


def _refusal(address: str, may: May) -> Why | None:
    try:
        origin = read_origin(address)
    except InvalidParameter:
        return "its data are at an address that cannot be asked", "其数据地址无法访问"
    return None if may(origin) else (f"its data are at {origin}, which an administrator has not allowed", f"其数据位于 {origin}，管理员尚未允许")


def resolve_tiles(definition: dict[str, Any], read: Read, may: May) -> dict[str, Any]:
    """Turn a collection's list of tile sets into one layer of tiles: that of Web Mercator where there is one. Raises Unreadable."""
    address = definition["address"]
    listed = read(with_query(address, {"f": "json"}))
    sets = _dicts(listed.get("tilesets")) if isinstance(listed, dict) else []
    sets.sort(key=lambda each: "WebMercatorQuad" not in f"{each.get('tileMatrixSetURI')} {each.get('tileMatrixSetId')}")
    for each in sets:
        described = each
        template = _link(each, address, "item", kind="png")
        if template is None and (own := _link(each, address, "self")) is not None and may(read_origin(own)):
            described = read(own)
            template = _link(described, own, "item", kind="png") if isinstance(described, dict) else None
        scheme = _link(described, address, f"{REL}tiling-scheme", "http://www.opengis.net/def/rel/ogc/1.0/tiling-schemes") if isinstance(described, dict) else None
        if template is None or scheme is None or not (may(read_origin(scheme)) and may(read_origin(template.replace("{", "").replace("}", "")))):
            continue
        grid = read(scheme)
        matrices = [{"id": m.get("id"), "cell": m.get("cellSize"), "corner": m.get("pointOfOrigin"), "wide": m.get("tileWidth"), "high": m.get("tileHeight"),
                     "columns": m.get("matrixWidth"), "rows": m.get("matrixHeight")} for m in _dicts(grid.get("tileMatrices"))] if isinstance(grid, dict) else []
        crs = grid.get("crs") if isinstance(grid, dict) else None
        usable = tile_matrices(matrices, crs if isinstance(crs, str) else str((crs or {}).get("uri", ""))) if matrices else None
        if usable and srid_of(f"EPSG:{usable[0]}") is not None:
            template = template.replace("{tileMatrix}", "{matrix}").replace("{tileRow}", "{row}").replace("{tileCol}", "{col}")
            return definition | {"kind": "tiles", "template": template, "srid": usable[0], "levels": usable[1]}
    raise Unreadable("it has no set of map tiles whose grid can be used here")


def ogc_map_address(layer: dict[str, Any], box: Envelope, side_px: int) -> str:
    """Return the address of a map of a box of the Web Mercator plane."""
    return with_query(layer["address"], {"bbox": ",".join(f"{v:.9g}" for v in box), "bbox-crs": _MERCATOR_URI, "crs": _MERCATOR_URI, "width": str(side_px),
                                         "height": str(side_px), "transparent": "true", "f": "png"})


def features_address(layer: dict[str, Any], box: Envelope, most: int) -> str:
    """Return the address of the features that meet a box in degrees."""
    return with_query(layer["address"], {"bbox": ",".join(f"{v:.7f}" for v in box), "limit": str(most), "f": "json"})


def read_feature_file(document: dict[str, Any], address: str, origin: str) -> Service:
    """Make a service of one layer of a file of GeoJSON."""
    name = plain(address.partition("?")[0].rstrip("/").rpartition("/")[2], 100) or origin
    title = _words(document, "title", "name") or name
    definition = {"kind": "geojson", "service": origin, "title": title, "extent": None, "attribution": origin, "address": address, "srid": 4326}
    return Service("geojson", title, layers=[Offered("features", title, crs=("CRS84",), formats=("application/geo+json",), is_queryable=True, definition=definition)])


def simple_features(document: Any, box: Envelope | None, most: int) -> tuple[list[dict[str, Any]], bool]:
    """Return the features of a GeoJSON document that can be shown, at most so many, and whether there may be more.

    Only geometry and properties of one level are kept: text is cut, what is nested is written as text by the reader. Raises Unreadable where the document is none, or
    holds more than MOST_POSITIONS positions.
    """
    if not is_geojson(document):
        raise Unreadable("it is no GeoJSON")
    given = [document] if document["type"] == "Feature" else _dicts(document.get("features"))
    found, positions = [], 0
    for each in given:
        geometry = each.get("geometry")
        flat = list(_positions(geometry))
        if not flat:
            continue
        positions += len(flat)
        if positions > MOST_POSITIONS:
            raise Unreadable(f"its geometries have more than {MOST_POSITIONS} positions")
        if box is not None and not _meets(flat, box):
            continue
        if len(found) == most:
            return found, True
        properties = each.get("properties") if isinstance(each.get("properties"), dict) else {}
        kept = {plain(name, 80): plain(value, 1000) if isinstance(value, str) else value for name, value in list((properties or {}).items())[:100]
                if isinstance(value, (str, int, float, bool))}
        found.append({"type": "Feature", "id": len(found) + 1, "geometry": _clean(geometry), "properties": kept})
    more = any(each.get("rel") == "next" for each in _dicts(document.get("links")))
    return found, more


def _clean(geometry: dict[str, Any]) -> dict[str, Any]:
    if geometry["type"] == "GeometryCollection":
        return {"type": "GeometryCollection", "geometries": [_clean(each) for each in geometry["geometries"]]}
    return {"type": geometry["type"], "coordinates": geometry["coordinates"]}


def _positions(geometry: Any) -> Iterator[list[float]]:
    """Give the positions of a geometry; none of one that is no geometry, or has a position that is none on the earth."""
    if not isinstance(geometry, dict):
        return
    if geometry.get("type") == "GeometryCollection":
        parts = [list(_positions(each)) for each in _dicts(geometry.get("geometries"))]
        if parts and all(parts) and len(parts) == len(geometry["geometries"]):
            for part in parts:
                yield from part
        return
    depth = _GEOMETRIES.get(str(geometry.get("type")))
    level = geometry.get("coordinates")
    if depth is None or not isinstance(level, list):
        return
    level = [level]
    for _ in range(depth):
        level = [part for each in level if isinstance(each, list) for part in each]
    if level and all(isinstance(p, list) and 2 <= len(p) <= 4 and all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in p)
                     and -180 <= p[0] <= 180 and -90 <= p[1] <= 90 for p in level):
        yield from level


def _meets(positions: list[list[float]], box: Envelope) -> bool:
    xs, ys = [p[0] for p in positions], [p[1] for p in positions]
    return min(xs) <= box[2] and max(xs) >= box[0] and min(ys) <= box[3] and max(ys) >= box[1]
