"""Tiled layers of others: WMTS, sets of map tiles of OGC API, and addresses with {z}/{x}/{y}; which of their tiles make one of ours."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any, NamedTuple
from urllib.parse import quote
from xml.etree.ElementTree import Element

from pyproj import CRS

from gisserver.outside.documents import XLINK, Unreadable, all_named, named, plain, read_box, said, with_query, without_query
from gisserver.outside.offered import MERCATOR_M, May, Offered, Service, Why, format_of, srid_of
from gisserver.outside.wms import in_crs
from layers.crs import make_crs
from layers.errors import InvalidParameter
from layers.outside import read_origin
from tiles.grid import Envelope

__all__ = ["SourceTile", "mercator_levels", "read_wmts", "read_xyz", "same_tile", "source_tiles", "tile_matrices", "wmts_address"]

OWN = ("SERVICE", "REQUEST", "VERSION", "LAYER", "STYLE", "FORMAT", "TILEMATRIXSET", "TILEMATRIX", "TILEROW", "TILECOL")
_PIXEL_M, _DEGREE_M = 0.00028, 111319.49079327358
MOST_LEVELS = 40
MOST_SIDE_PX = 1024
# Of a source in another grid at most so many tiles make one of ours; else a coarser level is taken.
MOST_SOURCES = 16
_PLACES = {"tilematrixset": "{set}", "tilematrix": "{matrix}", "tilerow": "{row}", "tilecol": "{col}", "style": "{style}", "time": "{time}"}
_NO_FORMAT: Why = ("it offers no PNG, JPEG, WebP or GIF tiles", "不提供 PNG、JPEG、WebP 或 GIF 瓦片")
_NO_GRID: Why = ("none of its grids of tiles is in a coordinate reference system that is known here", "其瓦片矩阵集的坐标系均无法识别")


class SourceTile(NamedTuple):
    """A tile of the source: its address, and its box in the source's CRS."""

    address: str
    box: Envelope


def wmts_address(address: str) -> str:
    """Return the address of a WMTS's description from whatever address of it somebody has."""
    if address.partition("?")[0].lower().endswith(".xml"):
        return address
    return with_query(without_query(address, *OWN), {"SERVICE": "WMTS", "REQUEST": "GetCapabilities"})


def mercator_levels(last: int = 22) -> list[dict[str, Any]]:
    """Return the levels of the usual grid of the web: tiles of 256 pixels, level z two to the z wide."""
    return [{"id": str(z), "cell": MERCATOR_M * 2 / 256 / 2**z, "x": -MERCATOR_M, "y": MERCATOR_M, "wide": 256, "high": 256, "columns": 2**z, "rows": 2**z}
            for z in range(last + 1)]


def read_xyz(address: str, origin: str) -> Service:
    """Make a service of one layer of an address with {z}, {x} and {y} (or {-y}, rows from the south). Raises Unreadable."""
    template = address.replace("{z}", "{matrix}").replace("{x}", "{col}").replace("{y}", "{row}").replace("{-y}", "{south}")
    host, _, rest = template.partition("://")[2].partition("/")
    if not {"{matrix}", "{col}"} <= set(re.findall(r"\{[^}]*\}", rest)) or "{" in host or set(re.findall(r"\{[^}]*\}", rest)) - {"{matrix}", "{col}", "{row}", "{south}"}:
        raise Unreadable("it needs {z}, {x} and {y}, behind the host's name, and nothing else in braces")
    # Of several templates of one host the path tells which is which.
    name = plain(" ".join((host.partition(":")[0], *(part for part in rest.partition("{")[0].split("/") if part))), 120)
    definition = {"kind": "tiles", "service": name, "title": name, "extent": None, "attribution": origin, "template": template, "srid": 3857, "last": 19}
    return Service("xyz", name, layers=[Offered("tiles", name, crs=("EPSG:3857",), definition=definition)])


def read_wmts(root: Element, address: str, may: May) -> Service:
    """Read the description of a WMTS that was found at an address."""
    about, contents = named(root, "ServiceIdentification"), named(root, "Contents")
    title = said(about, "Title")
    owner = said(named(root, "ServiceProvider"), "ProviderName")
    sets = {said(each, "Identifier"): each for each in all_named(contents, "TileMatrixSet")}
    kvp = _kvp(root, address, may)
    read: dict[str, tuple[int, list[dict[str, Any]]] | None] = {}
    found = []
    for layer in list(all_named(contents, "Layer"))[:3000]:
        for link in all_named(layer, "TileMatrixSetLink"):
            name = said(link, "TileMatrixSet")
            if name in sets and name not in read:
                read[name] = tile_matrices(_matrices(sets[name]), said(sets[name], "SupportedCRS"))
        found.append(_layer(layer, read, kvp, address, may, {"service": title, "attribution": owner or title}))
    return Service("wmts", title, said(about, "Abstract", most=1000), owner or title, found)


def _kvp(root: Element, address: str, may: May) -> str:
    for operation in all_named(root, "OperationsMetadata", "Operation"):
        if operation.get("name") != "GetTile":
            continue
        for get in all_named(operation, "DCP", "HTTP", "Get"):
            told, encodings = get.get(XLINK, ""), [said(value).upper() for value in all_named(get, "Constraint", "AllowedValues", "Value")]
            try:
                if told and (not encodings or "KVP" in encodings) and may(read_origin(told)):
                    return without_query(told, *OWN)
            except InvalidParameter:
                continue
    return without_query(address, *OWN)


def _matrices(element: Element) -> list[dict[str, Any]]:
    return [{"id": said(m, "Identifier"), "scale": said(m, "ScaleDenominator"), "corner": said(m, "TopLeftCorner").split(), "wide": said(m, "TileWidth"),
             "high": said(m, "TileHeight"), "columns": said(m, "MatrixWidth"), "rows": said(m, "MatrixHeight")} for m in all_named(element, "TileMatrix")]


def tile_matrices(matrices: Sequence[dict[str, Any]], crs: str) -> tuple[int, list[dict[str, Any]]] | None:
    """Return the SRID of a tile matrix set and its levels, the coarsest first; None where it cannot be used.

    Parameters
    ----------
    matrices
        Each with id, corner (two numbers, in the order of the CRS's axes), wide and high (pixels), columns and rows, and `scale` (the
        denominator) or `cell` (units of the CRS).
    """
    srid = srid_of(crs)
    if srid is None:
        return None
    # CRS84 is longitude first by its name; of 4326 and 4490 the authority puts latitude first.
    flip = not crs.upper().endswith(("CRS84", "CRS:84")) and make_crs(srid).flip
    unit_m = _DEGREE_M if make_crs(srid).is_geographic else CRS.from_epsg(srid).axis_info[0].unit_conversion_factor
    levels = []
    for matrix in matrices[:MOST_LEVELS]:
        try:
            a, b = (float(v) for v in matrix["corner"])
            cell = float(matrix["cell"]) if "cell" in matrix else float(matrix["scale"]) * _PIXEL_M / unit_m
            wide, high, columns, rows = (int(matrix[name]) for name in ("wide", "high", "columns", "rows"))
        except (KeyError, TypeError, ValueError):
            return None
        x, y = (b, a) if flip and not (make_crs(srid).is_geographic and abs(a) > 90) else (a, b)
        if not (all(map(math.isfinite, (x, y, cell))) and cell > 0 and 0 < wide <= MOST_SIDE_PX and 0 < high <= MOST_SIDE_PX and 0 < columns < 2**31 and 0 < rows < 2**31):
            return None
        levels.append({"id": str(matrix["id"])[:100], "cell": cell, "x": x, "y": y, "wide": wide, "high": high, "columns": columns, "rows": rows})
    return (srid, sorted(levels, key=lambda level: -level["cell"])) if levels else None


def _layer(layer: Element, sets: dict[str, tuple[int, list[dict[str, Any]]] | None], kvp: str, address: str, may: May, shared: dict[str, Any]) -> Offered:
    name, title = said(layer, "Identifier", most=500), said(layer, "Title") or said(layer, "Identifier")
    formats = tuple(said(each) for each in all_named(layer, "Format"))
    corners = [*said(layer, "WGS84BoundingBox", "LowerCorner").split(), *said(layer, "WGS84BoundingBox", "UpperCorner").split()]
    extent = read_box(corners)
    styles = sorted(((said(s, "Identifier"), said(s, "Title") or said(s, "Identifier"), s.get("isDefault") == "true", _legend(s)) for s in all_named(layer, "Style")),
                    key=lambda each: not each[2])
    names = [said(link, "TileMatrixSet") for link in all_named(layer, "TileMatrixSetLink")]
    usable = [(each, sets[each]) for each in names if sets.get(each)]
    usable.sort(key=lambda each: 0 if each[1] and each[1][0] == 3857 else 1)
    times, default_time = _times(layer)
    chosen = format_of(formats)
    why = _NO_FORMAT if chosen is None else _NO_GRID if not usable else None
    definition, style = None, styles[0][0] if styles else ""
    if why is None:
        grid, (srid, levels) = usable[0][0], usable[0][1]      # type: ignore[misc]
        template = _template(layer, chosen or "", may) or with_query(kvp, {
            "SERVICE": "WMTS", "REQUEST": "GetTile", "VERSION": "1.0.0", "LAYER": name, "STYLE": "{style}", "FORMAT": chosen or "", "TILEMATRIXSET": "{set}",
            "TILEMATRIX": "{matrix}", "TILEROW": "{row}", "TILECOL": "{col}", **({"TIME": "{time}"} if times else {})})
        definition = shared | {"kind": "tiles", "title": title, "extent": extent, "template": template.replace("{set}", quote(grid, safe=":")), "srid": srid,
                               "levels": levels, "style": style, "time": default_time if times else "", "layer": name,
                               "legend_links": {s: link for s, _, _, link in styles if link}}
    return Offered(name, title, said(layer, "Abstract", most=1000), (), extent, tuple(dict.fromkeys(f"EPSG:{each[1][0]}" for each in usable if each[1])), formats,
                   tuple((s, t) for s, t, _, _ in styles if s), times, default_time, False, definition, why)


def _legend(style: Element) -> str:
    link = named(style, "LegendURL")
    return (link.get(XLINK) or "")[:400] if link is not None else ""


def _times(layer: Element) -> tuple[tuple[str, ...], str]:
    for dimension in all_named(layer, "Dimension"):
        if said(dimension, "Identifier").lower() == "time":
            values = tuple(v for each in all_named(dimension, "Value") if (v := said(each, most=60)) and re.fullmatch(r"[0-9A-Za-z:.+-]{4,40}", v))
            return values[-400:], said(dimension, "Default", most=40)
    return (), ""


def _template(layer: Element, form: str, may: May) -> str | None:
    for resource in all_named(layer, "ResourceURL"):
        text = resource.get("template", "")
        if resource.get("resourceType") != "tile" or (resource.get("format") or form).partition(";")[0] != form.partition(";")[0] or "{" in text.partition("://")[2].partition("/")[0]:
            continue
        try:
            if may(read_origin(re.sub(r"\{[^}]*\}", "0", text))):
                made = re.sub(r"\{([^}]*)\}", lambda found: _PLACES.get(found[1].lower(), "default"), text)
                return made if {"{matrix}", "{row}", "{col}"} <= set(re.findall(r"\{\w+\}", made)) else None
        except InvalidParameter:
            continue
    return None


def _address(layer: dict[str, Any], level: dict[str, Any], row: int, col: int) -> str:
    # Values cannot hold a brace after quoting, so that none is put in for another.
    values = {"matrix": level["id"], "row": str(row), "col": str(col), "south": str(level["rows"] - 1 - row), "style": layer.get("style", ""),
              "time": layer.get("time", "")}
    return re.sub(r"\{(matrix|row|col|south|style|time)\}", lambda found: quote(values[found[1]], safe=":"), layer["template"])


def same_tile(layer: dict[str, Any], levels: list[dict[str, Any]], z: int, x: int, y: int) -> str | None:
    """Return the address of the source's own tile that is exactly tile z/x/y of the web's grid; None where there is none."""
    cell = MERCATOR_M * 2 / 256 / 2**z
    if layer["srid"] == 3857:
        for level in levels:
            if (abs(level["cell"] * level["wide"] / 256 / cell - 1) < 1e-6 and level["wide"] == level["high"] and abs(level["x"] + MERCATOR_M) < cell
                    and abs(level["y"] - MERCATOR_M) < cell and x < level["columns"] and y < level["rows"]):
                return _address(layer, level, y, x)
    return None


def source_tiles(layer: dict[str, Any], levels: list[dict[str, Any]], box: Envelope, side_px: int) -> list[SourceTile]:
    """Return the tiles of the source that cover a box of the Web Mercator plane, of the level that is just fine enough.

    Raises ValueError where the box lies outside of the source's CRS.
    """
    west, south, east, north = in_crs(box, layer["srid"])
    wanted = max((east - west) / side_px, 1e-12)
    # A little coarser than wanted will do; the coarsest is the last resort.
    fitting = [level for level in levels if level["cell"] <= wanted * 1.5] or levels[-1:]
    for level in reversed(levels[:levels.index(fitting[0]) + 1]):
        wide, high = level["cell"] * level["wide"], level["cell"] * level["high"]
        first_col, last_col = (max(0, min(level["columns"], math.floor((v - level["x"]) / wide + nudge))) for v, nudge in ((west, 1e-9), (east, 1 - 1e-9)))
        first_row, last_row = (max(0, min(level["rows"], math.floor((level["y"] - v) / high + nudge))) for v, nudge in ((north, 1e-9), (south, 1 - 1e-9)))
        if (last_col - first_col) * (last_row - first_row) <= MOST_SOURCES:
            return [SourceTile(_address(layer, level, row, col), (level["x"] + col * wide, level["y"] - (row + 1) * high, level["x"] + (col + 1) * wide, level["y"] - row * high))
                    for row in range(first_row, last_row) for col in range(first_col, last_col)]
    return []
