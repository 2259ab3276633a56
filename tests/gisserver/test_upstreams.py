"""Services of others behind ours: a WMTS on a grid of CGCS2000, shown in every system; what it must not be able to do."""

from __future__ import annotations

import math
import struct
import threading
import time
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import numpy as np
import pytest
import yaml
from PIL import Image
from pyproj import Transformer

from config.settings import ROOT
from gisserver.raster.upstreams import read_upstreams
from layers.errors import DefinitionError
from tests.gisserver.conftest import As, Town
from tiles.upstreams import Upstream

KEY = "s3cret-key"
LINE = {"id": "basemap", "title": {"zh": "底图", "en": "Basemap"}, "kind": "wmts", "layer": "vec", "tile_matrix_set": "c", "srid": 4490,
        "key_parameter": "tk", "key_environment": "UPSTREAM_KEY", "private": True, "enabled": True}


def shade(lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
    """A colour that tells where it is: a wave of 0.05 degree in longitude in red, in latitude in green."""
    wave = [127.5 + 120 * np.sin(v * 2 * math.pi / 0.05) for v in (lon, lat)]
    return np.stack([*wave, np.full_like(lon, 60.0)], axis=-1).astype(np.uint8)


def bomb() -> bytes:
    """A picture of 400 million pixels in 50 kB."""
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compress(b"\x00" * (20_000 * 2_501), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 20_000, 20_000, 1, 0, 0, 0, 0)) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


BOMB = bomb()


class Fake:
    """A WMTS like the national platform's `_c`: level z has tiles of 360 / 2^z degrees, two over one on level 1; and a WMS."""

    def __init__(self) -> None:
        self.asked: list[dict[str, str]] = []
        self.mode = "good"
        self.hung = threading.Event()

    def answer(self, given: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        self.asked.append(given)
        if self.mode == "down":
            return 503, {"Content-Type": "text/plain"}, b"gone fishing"
        if self.mode == "hang":
            self.hung.wait(30)
            return 503, {}, b""
        if self.mode == "redirect":
            return 302, {"Location": "http://127.0.0.1:1/"}, b""
        if self.mode == "page":
            return 200, {"Content-Type": "text/html"}, b"<h1>hello</h1>"
        if self.mode == "liar":
            return 200, {"Content-Type": "image/png"}, b"<h1>hello</h1>"
        if self.mode == "bomb":
            return 200, {"Content-Type": "image/png"}, BOMB
        if given.get("tk") != KEY:
            return 403, {"Content-Type": "text/plain"}, b"key"
        if given["REQUEST"] == "GetTile":
            z, row, col = (int(given[name]) for name in ("TILEMATRIX", "TILEROW", "TILECOL"))
            side = 360 / 2**z
            west, north = -180 + col * side, 90 - row * side
            bbox = west, north - side, west + side, north
        else:
            bbox = tuple(map(float, given["bbox"].split(",")))
        west, south, east, north = bbox
        lon, lat = np.meshgrid(west + (np.arange(256) + 0.5) * (east - west) / 256, north - (np.arange(256) + 0.5) * (north - south) / 256)
        written = BytesIO()
        Image.fromarray(shade(lon, lat)).save(written, "PNG")
        body = written.getvalue()
        return 200, {"Content-Type": "image/png"}, body[:len(body) // 2] if self.mode == "half" else body


@contextmanager
def serving(fake: Fake) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            given = dict(parse_qsl(urlsplit(self.path).query))
            status, headers, body = fake.answer({(k if k == "tk" else k.upper()) if "TILEMATRIX" in self.path or k == "tk" else k.lower() if k.lower() != "request"
                                                 else "REQUEST": v for k, v in given.items()})
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            return None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def one_fake() -> Fake:
    return Fake()


@pytest.fixture
def fake(one_fake: Fake) -> Fake:
    """The service of the module, in good health again."""
    one_fake.mode = "good"
    return one_fake


@pytest.fixture(scope="module")
def live_server(store: Any, serve: Any, one_fake: Fake, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The module's store behind a server whose city has upstream services."""
    folder = tmp_path_factory.mktemp("city")
    (folder / "city.yaml").write_bytes((ROOT / "config" / "city.yaml").read_bytes())
    with serving(one_fake) as address:
        lines = [LINE | {"url": f"{address}/vec_c/wmts"}, LINE | {"id": "walled", "url": f"{address}/vec_c/wmts", "private": False},
                 LINE | {"id": "inner", "url": f"{address}/vec_c/wmts", "everyone": False},
                 LINE | {"id": "photo", "kind": "wms", "url": f"{address}/wms?", "srid": 4326, "layer": "img"},
                 LINE | {"id": "off", "url": f"{address}/vec_c/wmts", "enabled": False}]
        (folder / "upstreams.yaml").write_text(yaml.safe_dump({"upstreams": lines}, allow_unicode=True), "utf-8")
        with serve(store, GIS_CITY=str(folder / "city.yaml"), UPSTREAM_KEY=KEY) as live:
            yield live


def get_map(client: httpx.Client, layers: str, crs: str = "EPSG:3857", lon: float = 116.40, lat: float = 39.93, reach: float = 0.02,
            **more: Any) -> httpx.Response:
    x, y = Transformer.from_crs("OGC:CRS84", crs, always_xy=True).transform([lon - reach, lon + reach], [lat - 0.75 * reach, lat + 0.75 * reach])
    return client.get("/wms", params={"SERVICE": "WMS", "VERSION": "1.1.1", "REQUEST": "GetMap", "LAYERS": layers, "STYLES": "", "SRS": crs,
                                      "BBOX": f"{min(x)},{min(y)},{max(x)},{max(y)}", "WIDTH": 400, "HEIGHT": 300, "FORMAT": "image/png"} | more)


def differences(body: bytes, crs: str, lon: float = 116.40, lat: float = 39.93) -> np.ndarray:
    """How far the picture is from what the place of each pixel says, by PROJ."""
    image = np.asarray(Image.open(BytesIO(body)).convert("RGB")).astype(int)
    to = Transformer.from_crs("OGC:CRS84", crs, always_xy=True)
    x, y = to.transform([lon - 0.02, lon + 0.02], [lat - 0.015, lat + 0.015])
    height, width = image.shape[:2]
    px, py = np.meshgrid(min(x) + (np.arange(width) + 0.5) * (max(x) - min(x)) / width, max(y) - (np.arange(height) + 0.5) * (max(y) - min(y)) / height)
    lons, lats = to.transform(px, py, direction="INVERSE")
    return np.abs(image - shade(lons, lats).astype(int)).max(axis=2)


@pytest.mark.parametrize("crs", ["EPSG:3857", "EPSG:4490", "EPSG:4548"])
def test_a_grid_of_degrees_is_shown_in_every_system(http: httpx.Client, town: Town, fake: Fake, crs: str) -> None:
    answer = get_map(http, "basemap", crs)
    assert answer.status_code == 200, answer.text
    assert np.percentile(differences(answer.content, crs), 99) <= 12


def test_a_wms_is_shown_too(http: httpx.Client, town: Town, fake: Fake) -> None:
    answer = get_map(http, "photo", "EPSG:3857")
    assert answer.status_code == 200, answer.text
    assert np.percentile(differences(answer.content, "EPSG:3857"), 99) <= 14


def test_ours_lies_over_it(http: httpx.Client, town: Town, fake: Fake) -> None:
    alone, both = (get_map(http, names, lon=116.33, lat=39.90, reach=0.005) for names in ("basemap", "basemap,building"))
    assert both.status_code == 200
    image = [np.asarray(Image.open(BytesIO(a.content)).convert("RGB")).astype(int) for a in (alone, both)]
    changed = np.abs(image[0] - image[1]).max(axis=2) > 20
    # 3号楼 begins in the middle and is 0.001 of 0.01 degree wide: a tenth of the picture.
    assert changed[140, 210] and 0.005 < changed.mean() < 0.05


def test_it_is_asked_once(http: httpx.Client, town: Town, fake: Fake) -> None:
    get_map(http, "basemap")
    before = len(fake.asked)
    assert get_map(http, "basemap").status_code == 200 and len(fake.asked) == before


def test_tiles_on_our_grids(http: httpx.Client, town: Town, fake: Fake) -> None:
    x, y = Transformer.from_crs(4326, 3857, always_xy=True).transform(116.40, 39.93)
    side = 40075016.685578488 / 2**13
    col, row = int((x + 20037508.342789244) / side), int((20037508.342789244 - y) / side)
    tile = http.get(f"/wmts/basemap/default/current/WebMercatorQuad/13/{row}/{col}.png")
    assert tile.status_code == 200 and tile.headers["content-type"] == "image/png"
    image = np.asarray(Image.open(BytesIO(tile.content)).convert("RGB")).astype(int)
    px, py = np.meshgrid(-20037508.342789244 + (col + (np.arange(256) + 0.5) / 256) * side, 20037508.342789244 - (row + (np.arange(256) + 0.5) / 256) * side)
    lons, lats = Transformer.from_crs(3857, 4326, always_xy=True).transform(px, py)
    assert np.percentile(np.abs(image - shade(lons, lats).astype(int)).max(axis=2), 99) <= 30
    by_name = http.get("/wmts", params={"SERVICE": "WMTS", "REQUEST": "GetTile", "LAYER": "basemap", "TILEMATRIXSET": "WebMercatorQuad", "TILEMATRIX": 13,
                                        "TILEROW": row, "TILECOL": col})
    assert by_name.content == tile.content


def test_a_service_that_is_down_is_told_and_not_kept(http: httpx.Client, town: Town, fake: Fake) -> None:
    where = {"lon": 116.55, "lat": 39.85}
    for mode in ("down", "redirect", "page", "liar", "half", "bomb"):
        fake.mode = mode
        answer = get_map(http, "basemap", **where)
        assert answer.status_code == 503 and "ServiceException" in answer.text, mode
        assert KEY not in answer.text and "tk=" not in answer.text
    tile = http.get("/wmts/basemap/default/current/WebMercatorQuad/15/12420/26992.png")
    assert tile.status_code == 503 and "ExceptionText" in tile.text
    fake.mode = "good"
    assert get_map(http, "basemap", **where).status_code == 200


def test_a_private_address_is_refused_unless_it_is_meant(http: httpx.Client, town: Town, fake: Fake) -> None:
    before = len(fake.asked)
    answer = get_map(http, "walled")
    assert answer.status_code == 503 and "private" in answer.text and len(fake.asked) == before


def test_who_may_see_it(http: httpx.Client, as_role: As, town: Town, fake: Fake) -> None:
    names = {client: client.get("/wms", params={"SERVICE": "WMS", "REQUEST": "GetCapabilities"}).text for client in (http, as_role("editor"))}
    assert ["<Name>inner</Name>" in text for text in names.values()] == [False, True]
    assert all("<Name>basemap</Name>" in text and "<Name>off</Name>" not in text and KEY not in text for text in names.values())
    assert get_map(http, "inner").status_code == 400 and get_map(http, "off").status_code == 400
    assert get_map(as_role("editor"), "inner").status_code == 200


def test_the_key_stands_in_no_log(live_server: Any, http: httpx.Client, town: Town, fake: Fake) -> None:
    fake.mode = "down"
    get_map(http, "basemap", lon=116.25, lat=40.05)
    fake.mode = "good"
    assert KEY not in live_server.log.read_text(errors="replace")


class TestFile:
    def read(self, tmp_path: Path, *lines: dict[str, Any], **environment: str) -> tuple[Upstream, ...]:
        path = tmp_path / "upstreams.yaml"
        path.write_text(yaml.safe_dump({"upstreams": list(lines)}), "utf-8")
        return read_upstreams(path, environment, frozenset({"building"}))

    def test_the_one_of_the_project_is_off(self) -> None:
        assert read_upstreams(ROOT / "config" / "upstreams.yaml", {}) == ()
        on = (ROOT / "config" / "upstreams.yaml").read_text("utf-8").replace("enabled: false", "enabled: true")
        assert all(line["enabled"] for line in yaml.safe_load(on)["upstreams"])

    @pytest.mark.parametrize(("change", "said"), [({"url": "ftp://x"}, "url"), ({"url": "http://a:b@x/"}, "url"), ({"id": "building"}, "already"),
                                                  ({"id": "No"}, "id"), ({"srid": 2000}, "grid"), ({"tile_matrix_set": ""}, "tile_matrix_set"),
                                                  ({"key_environment": None}, "go together"), ({"fish": 1}, "fish")])
    def test_faults_are_named(self, tmp_path: Path, change: dict[str, Any], said: str) -> None:
        with pytest.raises(DefinitionError, match=said):
            self.read(tmp_path, LINE | {"url": "https://maps.example/wmts"} | change, UPSTREAM_KEY=KEY)

    def test_a_missing_key_is_told_by_the_name_of_its_variable(self, tmp_path: Path) -> None:
        with pytest.raises(DefinitionError, match="UPSTREAM_KEY"):
            self.read(tmp_path, LINE | {"url": "https://maps.example/wmts"})
        (made,) = self.read(tmp_path, LINE | {"url": "https://maps.example/wmts"}, UPSTREAM_KEY=KEY)
        assert KEY not in repr(made)


@pytest.mark.slow
def test_a_service_that_hangs_holds_up_nobody_else_and_is_left_alone(live_server: Any, http: httpx.Client, town: Town, fake: Fake) -> None:
    """Eight ask for its layer, more than there are threads; maps of the city come meanwhile, and who asks after it has been silent is told at once."""
    fake.mode = "hang"
    asked = [{"layers": "basemap", "lon": 116.24 + n / 100, "lat": 39.85} for n in range(8)]
    with httpx.Client(base_url=live_server.url, timeout=60) as patient, ThreadPoolExecutor(8) as pool:
        hanging = [pool.submit(lambda where=where: get_map(patient, **where)) for where in asked]
        time.sleep(2)
        begun = time.monotonic()
        answers = [get_map(http, "building"), http.get("/wms", params={"SERVICE": "WMS", "REQUEST": "GetCapabilities"})]
        assert [a.status_code for a in answers] == [200, 200] and time.monotonic() - begun < 12 and not any(h.done() for h in hanging)
        found = [each.result() for each in hanging]
    fake.hung.set()
    assert {a.status_code for a in found} == {503} and time.monotonic() - begun < 45
    fake.mode = "good"
    begun, before = time.monotonic(), len(fake.asked)
    silent = get_map(http, "basemap", lon=116.48, lat=39.85)
    assert silent.status_code == 503 and "asked again" in silent.text and time.monotonic() - begun < 5 and len(fake.asked) == before
