"""Services of others in the process of the tests: a WMS of both versions, a WMTS, an OGC API, tiles, GeoJSON; and hostile ones."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import numpy as np
from PIL import Image
from pyproj import Transformer

WORLD = 20037508.342789244
TO_DEGREES = Transformer.from_crs(3857, 4326, always_xy=True)
POINTS = [(f"井{n}", 116.30 + 0.01 * n, 39.90) for n in range(1, 6)]


def shade(lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
    """A colour that tells where it is: waves of 0.05 degree in longitude (red) and latitude (green)."""
    waves = [127.5 + 120 * np.sin(v * 2 * np.pi / 0.05) for v in (lon, lat)]
    return np.stack([*waves, np.full_like(lon, 60.0)], axis=-1).astype(np.uint8)


def picture(lon: np.ndarray, lat: np.ndarray) -> bytes:
    out = BytesIO()
    Image.fromarray(shade(lon, lat)).save(out, "PNG")
    return out.getvalue()


def picture_of(box: tuple[float, ...], width: int, height: int, is_mercator: bool) -> bytes:
    x, y = np.meshgrid(box[0] + (np.arange(width) + 0.5) * (box[2] - box[0]) / width, box[3] - (np.arange(height) + 0.5) * (box[3] - box[1]) / height)
    return picture(*(TO_DEGREES.transform(x, y) if is_mercator else (x, y)))


def mercator_box(z: int, x: int, y: int) -> tuple[float, float, float, float]:
    side = 2 * WORLD / 2**z
    return -WORLD + x * side, WORLD - (y + 1) * side, -WORLD + (x + 1) * side, WORLD - y * side


BOX_130 = ("<EX_GeographicBoundingBox><westBoundLongitude>116.0</westBoundLongitude><eastBoundLongitude>117.0</eastBoundLongitude>"
           "<southBoundLatitude>39.5</southBoundLatitude><northBoundLatitude>40.5</northBoundLatitude></EX_GeographicBoundingBox>")


def wms_130(base: str) -> str:
    return f"""<?xml version="1.0"?><WMS_Capabilities version="1.3.0" xmlns="http://www.opengis.net/wms" xmlns:xlink="http://www.w3.org/1999/xlink">
<Service><Name>WMS</Name><Title>邻市地图 &lt;script&gt;</Title><ContactInformation><ContactPersonPrimary><ContactOrganization>邻市测绘院</ContactOrganization>
</ContactPersonPrimary></ContactInformation><AccessConstraints>none</AccessConstraints></Service>
<Capability><Request><GetMap><Format>image/svg+xml</Format><Format>image/png</Format><DCPType><HTTP><Get>
<OnlineResource xlink:href="http://internal.example:8080/inner/wms?"/></Get></HTTP></DCPType></GetMap>
<GetFeatureInfo><Format>text/html</Format><Format>application/json</Format></GetFeatureInfo></Request>
<Layer><Title>Everything</Title><CRS>EPSG:4326</CRS>{BOX_130}
<Layer queryable="1"><Name>shade</Name><Title>Shade</Title><CRS>EPSG:3857</CRS><Dimension name="time" default="2020-01-01">2010-01-01,2020-01-01</Dimension>
<Style><Name>warm</Name><Title>Warm</Title><LegendURL><OnlineResource xlink:href="{base}/legend.png"/></LegendURL></Style></Layer>
<Layer><Name>degrees</Name><Title>Only degrees</Title></Layer></Layer>
<Layer><Name>nowhere</Name><Title>Nowhere</Title><CRS>AUTO2:42001</CRS></Layer></Capability></WMS_Capabilities>"""


def wms_111() -> str:
    return """<?xml version="1.0"?><!DOCTYPE WMT_MS_Capabilities SYSTEM "http://schemas.example/capabilities_1_1_1.dtd">
<WMT_MS_Capabilities version="1.1.1"><Service><Name>old</Name><Title>Old</Title></Service><Capability><Request><GetMap><Format>image/png</Format></GetMap></Request>
<Layer><Title>All</Title><SRS>EPSG:4326</SRS><Layer><Name>shade</Name><Title>Shade of old</Title><LatLonBoundingBox minx="116" miny="39.5" maxx="117" maxy="40.5"/>
</Layer></Layer></Capability></WMT_MS_Capabilities>"""


def matrices(degrees: bool) -> str:
    corner = "90 -180" if degrees else f"-{WORLD} {WORLD}"
    first = 180 / 256 * 111319.49079327358 / 0.00028 if degrees else 559082264.0287178
    return "".join(f"<TileMatrix><Identifier>L{z}</Identifier><ScaleDenominator>{first / 2**z}</ScaleDenominator><TopLeftCorner>{corner}</TopLeftCorner>"
                   f"<TileWidth>256</TileWidth><TileHeight>256</TileHeight><MatrixWidth>{2**z * (2 if degrees else 1)}</MatrixWidth><MatrixHeight>{2**z}</MatrixHeight>"
                   "</TileMatrix>" for z in range(18))


def wmts() -> str:
    def layer(name: str, grid: str) -> str:
        return (f"<Layer><ows:Title>{name}</ows:Title><ows:WGS84BoundingBox><ows:LowerCorner>116 39.5</ows:LowerCorner><ows:UpperCorner>117 40.5</ows:UpperCorner>"
                f"</ows:WGS84BoundingBox><ows:Identifier>{name}</ows:Identifier><Style isDefault='true'><ows:Identifier>default</ows:Identifier></Style>"
                f"<Format>image/png</Format><TileMatrixSetLink><TileMatrixSet>{grid}</TileMatrixSet></TileMatrixSetLink></Layer>")

    def grid(name: str, crs: str, degrees: bool) -> str:
        rows = matrices(degrees).replace("<Identifier>", "<ows:Identifier>").replace("</Identifier>", "</ows:Identifier>")
        return f"<TileMatrixSet><ows:Identifier>{name}</ows:Identifier><ows:SupportedCRS>{crs}</ows:SupportedCRS>{rows}</TileMatrixSet>"

    return ('<Capabilities xmlns="http://www.opengis.net/wmts/1.0" xmlns:ows="http://www.opengis.net/ows/1.1"><ows:ServiceIdentification><ows:Title>瓦片</ows:Title>'
            f"</ows:ServiceIdentification><Contents>{layer('web', 'w')}{layer('degrees', 'c')}{grid('w', 'urn:ogc:def:crs:EPSG::3857', False)}"
            f"{grid('c', 'urn:ogc:def:crs:EPSG::4490', True)}</Contents></Capabilities>")


class Fake:
    """What is asked of it is noted in `asked` as (path, parameters, headers)."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str], dict[str, str]]] = []
        self.base = ""
        self.is_down = False
        # What is asked for while this is not set is answered when it is.
        self.goes_on = threading.Event()
        self.goes_on.set()

    def answer(self, path: str, q: dict[str, str]) -> tuple[int, str, bytes]:
        if self.is_down:
            return 503, "text/plain", b"gone fishing"
        kind = q.get("REQUEST", "")
        if path in ("/wms", "/wms11"):
            return self._wms(path, q, kind)
        if path == "/wmts":
            if kind == "GetCapabilities":
                return 200, "text/xml", wmts().encode()
            z, row, col = int(q["TILEMATRIX"][1:]), int(q["TILEROW"]), int(q["TILECOL"])
            side = 180 / 2**z
            box = (-180 + col * side, 90 - (row + 1) * side, -180 + (col + 1) * side, 90 - row * side) if q["LAYER"] == "degrees" else mercator_box(z, col, row)
            return 200, "image/png", picture_of(box, 256, 256, q["LAYER"] != "degrees")
        if path.startswith("/xyz/"):
            z, x, y = (int(part) for part in path[5:].removesuffix(".png").split("/"))
            return (404, "text/html", b"none") if z > 14 else (200, "image/png", picture_of(mercator_box(z, x, y), 256, 256, True))
        if path.startswith("/ogc"):
            return self._ogc(path, q)
        if path == "/wells.geojson":
            return 200, "application/json", json.dumps(self.features(q)).encode()
        if path == "/legend.png":
            return 200, "image/png", picture_of((116, 39, 117, 40), 20, 30, False)
        return self._hostile(path)

    def features(self, q: dict[str, str]) -> dict[str, Any]:
        west, south, east, north = map(float, q.get("bbox", "-180,-90,180,90").split(","))
        return {"type": "FeatureCollection", "features": [
            {"type": "Feature", "properties": {"name": name, "note": "<img src=x onerror=alert(1)>", "nested": {"a": 1}}, "geometry": {"type": "Point", "coordinates": [x, y]}}
            for name, x, y in POINTS if west <= x <= east and south <= y <= north]}

    def _wms(self, path: str, q: dict[str, str], kind: str) -> tuple[int, str, bytes]:
        if kind == "GetCapabilities":
            return 200, "text/xml", (wms_130(self.base) if path == "/wms" else wms_111()).encode()
        if kind == "GetLegendGraphic":
            return 200, "image/png", picture_of((116, 39, 117, 40), 20, 30, False)
        if q.get("LAYERS") == "broken":
            return 200, "text/xml", b"<ServiceExceptionReport><ServiceException>no such layer</ServiceException></ServiceExceptionReport>"
        a, b, c, d = map(float, q["BBOX"].split(","))
        crs = q.get("CRS") or q["SRS"]
        box = (b, a, d, c) if crs == "EPSG:4326" and q["VERSION"] == "1.3.0" else (a, b, c, d)
        if kind == "GetFeatureInfo":
            x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
            lon, lat = TO_DEGREES.transform(x, y) if crs == "EPSG:3857" else (x, y)
            return 200, "application/json", json.dumps({"type": "FeatureCollection", "features": [
                {"type": "Feature", "geometry": None, "properties": {"lon": round(lon, 4), "lat": round(lat, 4), "time": q.get("TIME", "")}}]}).encode()
        return 200, "image/png", picture_of(box, int(q["WIDTH"]), int(q["HEIGHT"]), crs == "EPSG:3857")

    def _ogc(self, path: str, q: dict[str, str]) -> tuple[int, str, bytes]:
        rel = "http://www.opengis.net/def/rel/ogc/1.0/"
        documents: dict[str, Any] = {
            "/ogc": {"title": "邻市接口", "attribution": "邻市", "links": [{"rel": "data", "href": f"{self.base}/ogc/collections", "type": "application/json"}]},
            "/ogc/collections": {"collections": [{"id": "wells", "title": "井", "extent": {"spatial": {"bbox": [[116, 39.5, 117, 40.5]]}}, "links": [
                {"rel": "items", "href": "collections/wells/items", "type": "application/geo+json"},
                {"rel": f"{rel}map", "href": f"{self.base}/ogc/collections/wells/map?f=png", "type": "image/png"},
                {"rel": f"{rel}tilesets-map", "href": f"{self.base}/ogc/collections/wells/map/tiles", "type": "application/json"}]},
                {"id": "far", "title": "远", "links": [{"rel": "items", "href": "http://elsewhere.example/items"}]}], "links": []},
            "/ogc/collections/wells/items": self.features(q),
            "/ogc/collections/wells/map/tiles": {"tilesets": [{"tileMatrixSetId": "WebMercatorQuad", "links": [
                {"rel": "item", "href": f"{self.base}/xyz/{{tileMatrix}}/{{tileCol}}/{{tileRow}}.png", "type": "image/png", "templated": True},
                {"rel": f"{rel}tiling-scheme", "href": f"{self.base}/ogc/grid"}]}]},
            "/ogc/grid": {"id": "WebMercatorQuad", "crs": "http://www.opengis.net/def/crs/EPSG/0/3857", "tileMatrices": [
                {"id": str(z), "cellSize": 2 * WORLD / 256 / 2**z, "pointOfOrigin": [-WORLD, WORLD], "tileWidth": 256, "tileHeight": 256, "matrixWidth": 2**z,
                 "matrixHeight": 2**z} for z in range(15)]}}
        if path == "/ogc/collections/wells/map":
            box = tuple(map(float, q["BBOX"].split(",")))
            return 200, "image/png", picture_of(box, int(q["WIDTH"]), int(q["HEIGHT"]), True)
        return (200, "application/json", json.dumps(documents[path]).encode()) if path in documents else (404, "text/plain", b"")

    def _hostile(self, path: str) -> tuple[int, str, bytes]:
        bomb = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 9))
        page = b"<!DOCTYPE html><html><script>alert(document.cookie)</script></html>"
        return {"/metadata": (302, "http://169.254.169.254/latest/meta-data/", b""), "/inwards": (302, f"{self.base.replace('127.0.0.1', 'localhost')}/wms", b""),
                "/round": (302, "/round", b""), "/home": (302, "/wms?SERVICE=WMS&REQUEST=GetCapabilities", b""),
                "/bomb": (200, "text/xml", f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY l0 "ha">{bomb}]><WMS_Capabilities>&l8;</WMS_Capabilities>'.encode()),
                "/outer": (200, "text/xml", b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><WMS_Capabilities>&f;</WMS_Capabilities>'),
                "/page": (200, "text/html", page), "/deep": (200, "application/json", b'{"links": ' + b"[" * 900 + b"]" * 900 + b"}"),
                "/bad/1/1/1": (200, "image/png", page), "/svg/1/1/1": (200, "image/svg+xml", b"<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>"),
                "/cut/1/1/1": (200, "image/png", b"\x89PNG\r\n\x1a\n" + b"\0" * 40), "/big/1/1/1": (200, "image/png", b"\x89PNG\r\n\x1a\n" + b"\0" * (9 * 2**20)),
                }.get(path, (404, "text/plain", b""))


@contextmanager
def serving(fake: Fake) -> Iterator[str]:
    """Serve a fake on this machine; gives its address."""
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            given = {k.upper() if k.lower() != "bbox" or "wms" in parts.path or "map" in parts.path else "bbox": v for k, v in parse_qsl(parts.query, keep_blank_values=True)}
            fake.asked.append((parts.path, given, dict(self.headers.items())))
            fake.goes_on.wait(60)
            if parts.path == "/slow":
                return self._drip()
            status, kind, body = fake.answer(parts.path, given)
            self.send_response(status)
            self.send_header("Location" if status == 302 else "Content-Type", kind)
            self.send_header("Set-Cookie", "them=1")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def _drip(self) -> None:
            """A byte now and then, for ever so long."""
            try:
                self.wfile.write(b"HTTP/1.0 200 OK\r\nContent-Type: text/xml\r\n\r\n")
                for _ in range(100):
                    self.wfile.write(b"<")
                    self.wfile.flush()
                    time.sleep(0.05)
            except OSError:
                return

        def log_message(self, *_: Any) -> None:
            return None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    fake.base = f"http://127.0.0.1:{server.server_port}"
    try:
        yield fake.base
    finally:
        server.shutdown()
        server.server_close()
