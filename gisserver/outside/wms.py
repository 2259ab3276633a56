"""WMS of others, 1.1.1 and 1.3.0: what they offer, and the addresses of their maps, legends and features."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import Element

import shapely

from gisserver.outside.documents import XLINK, all_named, name_of, named, plain, read_box, said, with_query, without_query
from gisserver.outside.offered import May, Offered, Service, Why, format_of, srid_of
from layers.crs import make_crs, to_srid
from layers.errors import InvalidParameter
from layers.outside import read_origin
from tiles.grid import Envelope

__all__ = ["ROOTS", "capabilities_address", "in_crs", "info_address", "legend_address", "map_address", "read_wms"]

ROOTS = ("WMS_Capabilities", "WMT_MS_Capabilities")
OWN = ("SERVICE", "REQUEST", "VERSION", "LAYERS", "STYLES", "CRS", "SRS", "BBOX", "WIDTH", "HEIGHT", "FORMAT", "TRANSPARENT", "BGCOLOR", "EXCEPTIONS",
       "TIME", "QUERY_LAYERS", "INFO_FORMAT", "I", "J", "X", "Y", "LAYER", "UPDATESEQUENCE", "F", "LANG")
MOST_LAYERS = 3000
MOST_TIMES = 400
INFO_FORMATS = ("application/json", "application/geo+json", "application/geojson", "text/plain")
_NO_FORMAT: Why = ("it offers no PNG, JPEG, WebP or GIF pictures", "不提供 PNG、JPEG、WebP 或 GIF 图片")
_NO_CRS: Why = ("none of its coordinate reference systems is known here", "其坐标系均无法识别")
# Asked for in this order, whatever the order in which they are offered.
_FIRST_SRIDS = (3857, 4326, 4490)


@dataclass(frozen=True)
class _Inherited:
    crs: tuple[str, ...] = ()
    extent: list[float] | None = None
    styles: tuple[tuple[str, str, str], ...] = ()
    times: tuple[str, ...] = ()
    default_time: str = ""
    attribution: str = ""
    path: tuple[str, ...] = ()


def capabilities_address(address: str) -> str:
    """Return the address of a WMS's description from whatever address of it somebody has."""
    return with_query(without_query(address, *OWN), {"SERVICE": "WMS", "REQUEST": "GetCapabilities"})


def read_wms(root: Element, address: str, may: May) -> Service:
    """Read the description of a WMS that was found at an address."""
    version = "1.1.1" if name_of(root) == "WMT_MS_Capabilities" or (root.get("version") or "").startswith("1.1") else "1.3.0"
    about, requests = named(root, "Service"), named(root, "Capability", "Request")
    title = said(about, "Title") or said(about, "Name")
    shared = {"kind": "wms", "service": title, "version": version, "address": _address(named(requests, "GetMap"), address, may),
              "format": format_of(tuple(said(each) for each in all_named(requests, "GetMap", "Format"))),
              "info": next((f for f in INFO_FORMATS if any(said(each) == f for each in all_named(requests, "GetFeatureInfo", "Format"))), None),
              "legends": named(requests, "GetLegendGraphic") is not None}
    formats = tuple(said(each) for each in all_named(requests, "GetMap", "Format"))
    found: list[Offered] = []
    for top in all_named(root, "Capability", "Layer"):
        _walk(top, _Inherited(attribution=said(about, "AccessConstraints") if said(about, "AccessConstraints").lower() != "none" else ""),
              shared, formats, found, 0)
    return Service("wms", title, said(about, "Abstract", most=1000), _owner(about) or title, found)


def _owner(about: Element | None) -> str:
    return said(about, "ContactInformation", "ContactPersonPrimary", "ContactOrganization")


def _address(operation: Element | None, given: str, may: May) -> str:
    """Return where maps are asked for: as the service says where that may be asked, else where its description was found."""
    link = named(operation, "DCPType", "HTTP", "Get", "OnlineResource")
    told = link.get(XLINK, "") if link is not None else ""
    try:
        if told and may(read_origin(told)):
            return without_query(told, *OWN)
    except InvalidParameter:
        pass
    return without_query(given, *OWN)


def _walk(layer: Element, above: _Inherited, shared: dict[str, Any], formats: tuple[str, ...], found: list[Offered], depth: int) -> None:
    if len(found) >= MOST_LAYERS or depth > 20:
        return
    is_old = shared["version"] == "1.1.1"
    own = tuple(part for each in all_named(layer, "SRS" if is_old else "CRS") for part in said(each, most=4000).split())
    styles = tuple((said(style, "Name"), said(style, "Title") or said(style, "Name"), _legend_link(style)) for style in all_named(layer, "Style"))
    times, default_time = _times(layer)
    attribution = said(layer, "Attribution", "Title") or above.attribution
    title, name = said(layer, "Title"), said(layer, "Name", most=500)
    here = _Inherited(tuple(dict.fromkeys((*own, *above.crs)))[:500], _extent(layer) or above.extent, tuple(dict.fromkeys((*styles, *above.styles)))[:60],
                      times or above.times, default_time or above.default_time, attribution, above.path)
    if name:
        chosen = _crs(here.crs)
        why = _NO_FORMAT if shared["format"] is None else _NO_CRS if chosen is None else None
        definition = None if why else shared | {
            "layer": name, "title": title or name, "extent": here.extent, "attribution": attribution or shared["service"], "crs": chosen[0], "srid": chosen[1],   # type: ignore[index]
            "style": "", "time": "", "legend_links": {s: link for s, _, link in here.styles if link},
            "info": shared["info"] if layer.get("queryable") in ("1", "true") else None}
        found.append(Offered(name, title or name, said(layer, "Abstract", most=1000), above.path, here.extent, here.crs, formats,
                             tuple((s, t) for s, t, _ in here.styles if s), here.times, here.default_time,
                             layer.get("queryable") in ("1", "true") and shared["info"] is not None, definition, why))
    below = _Inherited(here.crs, here.extent, here.styles, here.times, here.default_time, attribution, (*above.path, title or name)[-6:])
    for child in all_named(layer, "Layer"):
        _walk(child, below, shared, formats, found, depth + 1)


def _legend_link(style: Element) -> str:
    link = named(style, "LegendURL", "OnlineResource")
    told = (link.get(XLINK) or "") if link is not None else ""
    return told if len(told) <= 400 else ""


def _extent(layer: Element) -> list[float] | None:
    new, old = named(layer, "EX_GeographicBoundingBox"), named(layer, "LatLonBoundingBox")
    if new is not None:
        return read_box([said(new, side) for side in ("westBoundLongitude", "southBoundLatitude", "eastBoundLongitude", "northBoundLatitude")])
    return read_box([old.get(side) for side in ("minx", "miny", "maxx", "maxy")]) if old is not None else None


def _times(layer: Element) -> tuple[tuple[str, ...], str]:
    for element in (*all_named(layer, "Extent"), *all_named(layer, "Dimension")):
        if (element.get("name") or "").lower() == "time" and element.text:
            parts = [plain(part, 60) for part in element.text[-200_000:].split(",")]
            # Of a span only its ends are offered; what lies between is for the service to say.
            values = [value for part in parts for value in (part.split("/")[:2] if "/" in part else [part]) if re.fullmatch(r"[0-9A-Za-z:.+-]{4,40}", value)]
            return tuple(dict.fromkeys(values))[-MOST_TIMES:], plain(element.get("default"), 40)
    return (), ""


def _crs(names: tuple[str, ...]) -> tuple[str, int] | None:
    known = [(name, srid) for name in names if (srid := srid_of(name)) is not None]
    return min(known, key=lambda each: _FIRST_SRIDS.index(each[1]) if each[1] in _FIRST_SRIDS else 9, default=None)


def in_crs(box: Envelope, srid: int) -> Envelope:
    """Return the envelope, in a CRS, of a box of the Web Mercator plane; x east first. Raises ValueError where it lies outside of it."""
    if srid == 3857:
        return box
    minx, miny, maxx, maxy = to_srid(shapely.box(*box), 3857, srid).bounds
    return minx, miny, maxx, maxy


def _asked(layer: dict[str, Any], box: Envelope, width: int, height: int, request: str) -> dict[str, str]:
    is_old = layer["version"] == "1.1.1"
    # From 1.3.0 on the axes are in the order of the authority; CRS:84 was made to have longitude first.
    flip = not is_old and not layer["crs"].upper().endswith(("CRS:84", "CRS84")) and make_crs(layer["srid"]).flip
    corners = (box[1], box[0], box[3], box[2]) if flip else box
    return {"SERVICE": "WMS", "VERSION": layer["version"], "REQUEST": request, "LAYERS": layer["layer"], "STYLES": layer["style"],
            "SRS" if is_old else "CRS": layer["crs"], "BBOX": ",".join(f"{v:.9g}" if layer["srid"] == 3857 else f"{v:.12g}" for v in corners),
            "WIDTH": str(width), "HEIGHT": str(height), "FORMAT": layer["format"],
            "TRANSPARENT": "FALSE" if "jp" in layer["format"] else "TRUE", **({"TIME": layer["time"]} if layer["time"] else {})}


def map_address(layer: dict[str, Any], box: Envelope, width: int, height: int) -> str:
    """Return the address of a map of a box in the layer's own CRS."""
    return with_query(layer["address"], _asked(layer, box, width, height, "GetMap"))


def info_address(layer: dict[str, Any], box: Envelope, side: int) -> str:
    """Return the address that tells what lies in the middle of a box in the layer's own CRS, seen on `side` pixels."""
    place = ("X", "Y") if layer["version"] == "1.1.1" else ("I", "J")
    return with_query(layer["address"], _asked(layer, box, side, side, "GetFeatureInfo") | {
        "QUERY_LAYERS": layer["layer"], "INFO_FORMAT": layer["info"], "FEATURE_COUNT": "10", **dict.fromkeys(place, str(side // 2))})


def legend_address(layer: dict[str, Any], may: May) -> str | None:
    """Return the address of a layer's legend: the one its style names where that may be asked, else GetLegendGraphic; None where there is none."""
    links: dict[str, str] = layer["legend_links"]
    told = links.get(layer["style"]) or (next(iter(links.values()), None) if not layer["style"] else None)
    try:
        if told and may(read_origin(told)):
            return told
    except InvalidParameter:
        pass
    if not layer["legends"] and not told:
        return None
    return with_query(layer["address"], {"SERVICE": "WMS", "VERSION": layer["version"], "REQUEST": "GetLegendGraphic", "LAYER": layer["layer"],
                                         "STYLE": layer["style"], "FORMAT": layer["format"], "SLD_VERSION": "1.1.0"})
