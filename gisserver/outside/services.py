"""Reading what is at an address: a WMS, a WMTS, an OGC API, tiles by template or a file of GeoJSON; and making a layer of ours of one of its layers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urldefrag, urlsplit

from gisserver.outside.asking import DOCUMENTS_KEPT_S, Outside
from gisserver.outside.documents import Unreadable, all_named, name_of, plain, read_json, read_xml
from gisserver.outside.faults import OutsideFailed
from gisserver.outside.offered import Offered, Service
from gisserver.outside.ogc_api import is_geojson, read_collections, read_feature_file, resolve_tiles
from gisserver.outside.tiled import read_wmts, read_xyz, wmts_address
from gisserver.outside.wms import ROOTS, capabilities_address, read_wms
from layers.errors import InvalidParameter
from layers.outside import read_origin
from tiles.guarded_fetch import Fetched

__all__ = ["KINDS", "definition_of", "read_service"]

KINDS = ("auto", "wms", "wmts", "ogc-api", "xyz", "geojson")
ACCEPT = "application/geo+json,application/json,application/xml;q=0.9,text/xml;q=0.9,*/*;q=0.5"


def read_service(outside: Outside, url: str, kind: str = "auto") -> Service:
    """Read what a service of others offers.

    Parameters
    ----------
    url
        Any address of it: of its description, of a map, its landing page, a template of tiles, a file.
    kind
        One of KINDS; `auto` finds out.

    Raises InvalidParameter for no address, HostNotAllowed, OutsideFailed (with what it was instead).
    """
    address = urldefrag(url.strip()).url
    is_template = "{" in address
    origin = read_origin(address.partition("{")[0] if is_template else address)
    if is_template and kind in ("auto", "xyz"):
        outside.allowed(origin)
        try:
            return read_xyz(address, origin)
        except Unreadable as no:
            raise InvalidParameter("url", f"{no}.", "瓦片地址须含 {z}、{x}、{y}，且只能出现在主机名之后") from None
    if is_template or kind == "xyz":
        raise InvalidParameter("url", "holds {z}, {x} and {y} where the numbers of a tile go; then its kind is xyz.", "瓦片地址须含 {z}、{x}、{y}，此时类型为 xyz")
    key = ("service", address, kind, tuple(outside.hosts()))
    found: Service | None = outside.documents.get(key)
    if found is None:
        found, size = _read(outside, address, kind, origin)
        outside.documents.put(key, found, size, DOCUMENTS_KEPT_S)
    return found


def _read(outside: Outside, address: str, kind: str, origin: str) -> tuple[Service, int]:
    said = ""
    for attempt in _attempts(address, kind):
        try:
            answer = outside.get(attempt, ACCEPT)
            service = _parsed(outside, answer, attempt, origin)
            if kind in ("auto", service.kind):
                return service, len(answer.body) * 2 + 1000
            said = f"it is a service of another kind ({service.kind})"
        except Unreadable as no:
            said = said or str(no)
        except OutsideFailed as failed:
            # Another question may get an answer; what does not answer at all will not.
            if not failed.reason.startswith("status-") or kind != "auto":
                raise
            said = said or str(failed).partition(": ")[2].rstrip(".")
    raise OutsideFailed(origin, f"neither a WMS, a WMTS, an OGC API nor GeoJSON was found there; {said}; give the address that its keeper names for it",
                        f"该地址处没有找到 WMS、WMTS、OGC API 或 GeoJSON（{said}）；请填写服务方提供的服务地址", "no-service")


def _attempts(address: str, kind: str) -> Iterator[str]:
    wms, wmts = capabilities_address(address), wmts_address(address)
    if kind in ("wms", "wmts"):
        yield wms if kind == "wms" else wmts
        return
    if kind in ("ogc-api", "geojson"):
        yield address
        return
    hint = urlsplit(address.lower())
    words = f"{hint.path}?{hint.query}"
    order = [wmts, address, wms] if "wmts" in words else [wms, address, wmts] if "wms" in words or "map=" in words else [address, wms, wmts]
    yield from dict.fromkeys(order)


def _parsed(outside: Outside, answer: Fetched, address: str, origin: str) -> Service:
    start = answer.body[:200].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"{", b"[")):
        with outside.reading():
            document = read_json(answer.body)
        if is_geojson(document):
            return read_feature_file(document, address, origin)
        if not isinstance(document, dict):
            raise Unreadable("it is JSON, but no service")
        return read_collections(document, address, outside.json, outside.may)
    if start.startswith((b"<!doctype html", b"<html")) or answer.kind == "text/html":
        raise Unreadable("it is a web page, not a service")
    with outside.reading():
        root = read_xml(answer.body)
        if name_of(root) in ROOTS:
            return read_wms(root, address, outside.may)
        if name_of(root) == "Capabilities" and "wmts" in root.tag.lower():
            return read_wmts(root, address, outside.may)
    complaints = [plain(each.text, 200) for each in (*all_named(root, "ServiceException"), *all_named(root, "Exception", "ExceptionText")) if each.text]
    raise Unreadable(f"it says: {complaints[0]}" if complaints else f"it is XML of another kind ({plain(name_of(root), 60)})")


def definition_of(outside: Outside, service: Service, name: str, style: str = "", time: str = "") -> tuple[Offered, dict[str, Any]]:
    """Return a layer of a service and its definition in a style and for a time of those that it offers.

    Raises InvalidParameter for what it does not offer, OutsideFailed where its tile sets cannot be read.
    """
    offered = next((each for each in service.layers if each.name == name), None)
    if offered is None:
        raise InvalidParameter("layer", f"the service has no layer '{name[:200]}'.", f"该服务没有图层“{name[:200]}”")
    if offered.definition is None:
        english, chinese = offered.why or ("", "")
        raise InvalidParameter("layer", f"'{offered.title}' cannot be drawn: {english}.", f"“{offered.title}”无法显示：{chinese}")
    if style and style not in {each for each, _ in offered.styles}:
        raise InvalidParameter("style", f"'{style[:200]}' is no style of the layer.", f"该图层没有样式“{style[:200]}”")
    if time and time not in (*offered.times, offered.default_time):
        raise InvalidParameter("time", f"'{time[:60]}' is no time of the layer.", f"该图层没有时间“{time[:60]}”")
    definition = offered.definition
    if definition["kind"] == "tilesets":
        try:
            definition = resolve_tiles(definition, outside.json, outside.may)
        except Unreadable as no:
            raise OutsideFailed(read_origin(definition["address"]), str(no), "没有可用的地图瓦片集", "no-grid") from None
    chosen = {name: value for name, value in (("style", style), ("time", time)) if value}
    return offered, definition | chosen
