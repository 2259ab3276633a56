"""Layers of other services on paper: where they lie to a fraction of a millimetre, whose they are, and what the sheet says when they do not come."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import orjson
import pytest
from pyproj import Transformer

from gisserver.sheets.asking import Asking
from gisserver.sheets.making import SheetMaker
from gisserver.sheets.outside import Brought, OutsideSheet
from gisserver.sheets.page import SheetPage
from gisserver.sheets.paper import paper_of
from gisserver.sheets.wish import Wish
from layers.access import OWNER
from layers.catalogue import Catalogue
from layers.errors import InvalidParameter
from layers.store import Store
from tests.gisserver.conftest import As, Town
from tests.gisserver.outside_fake import Fake, shade
from tests.gisserver.test_outside import add
from tests.gisserver.test_print import TO_GRID, middle, rendered, text_of
from tiles.map_view import MapView

__all__ = ["middle"]

SCALE, DPI = 25_000, 150
TO_DEGREES = Transformer.from_crs(4548, 4326, always_xy=True)


@pytest.fixture(scope="module")
def user(signed_in: As, fake: Fake) -> httpx.Client:
    made = signed_in("system_admin").post("/api/outside/hosts", json={"origin": fake.base, "title": "邻市", "private": True})
    assert made.status_code == 201, made.text
    return signed_in("editor")


def printed(user: httpx.Client, middle: list[float], *outside: dict[str, Any], **more: Any) -> bytes:
    wish = {"layers": [], "scale": SCALE, "center": middle, "grid": False, "legend": False, "outside": list(outside)} | more
    answer = user.post("/api/print", json=wish, headers={"Accept-Language": "zh"})
    assert answer.status_code == 200, answer.text
    return answer.content


def at_mm(pdf: bytes, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The colours at places of the frame, in mm from its middle (y up)."""
    paper = paper_of("A4", "landscape")
    pixels = np.asarray(rendered(pdf, DPI).convert("RGB"), float)
    column, row = (paper.left + paper.width / 2 + x) * DPI / 25.4, (paper.top + paper.height / 2 - y) * DPI / 25.4
    return pixels[row.astype(int), column.astype(int)]


def expected(middle: list[float], x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """What the service shows there, by PROJ alone."""
    east, north = TO_GRID.transform(*middle)
    return shade(*TO_DEGREES.transform(east + x * SCALE / 1000, north + y * SCALE / 1000)).astype(float)


X, Y = (v.ravel() for v in np.meshgrid(np.arange(-120, 121, 7.0), np.arange(-60, 61, 7.0)))


@pytest.mark.parametrize(("path", "name"), [("/wms", "shade"), ("/wmts", "degrees")])
def test_it_lies_on_paper_where_it_lies_on_earth(user: httpx.Client, middle: list[float], fake: Fake, path: str, name: str) -> None:
    """A WMS in Web Mercator and tiles in degrees: the colours tell the place, and no shift fits better than none by more than 0.3 mm."""
    layer = add(user, f"{fake.base}{path}", name)
    pdf = printed(user, middle, {"layer": layer["id"]})
    seen = at_mm(pdf, X, Y)
    off = {(dx, dy): float(np.median(np.abs(seen - expected(middle, X + dx, Y + dy))[:, :2])) for dx in np.arange(-1.5, 1.6, 0.3) for dy in np.arange(-1.5, 1.6, 0.3)}
    dx, dy = min(off, key=lambda place: off[place])
    assert off[dx, dy] < 4 and max(abs(dx), abs(dy)) <= 0.31, (dx, dy, off[dx, dy])
    owner = {"/wms": "邻市地图", "/wmts": "瓦片"}[path]
    assert f"外部图层 {layer['title']}" in text_of(pdf) and owner in text_of(pdf)


def test_opacity_and_what_lies_above(user: httpx.Client, middle: list[float], fake: Fake) -> None:
    layer = add(user, f"{fake.base}/wms", "shade")["id"]
    far = (np.array([-100.0]), np.array([40.0]))
    half = at_mm(printed(user, middle, {"layer": layer, "opacity": 0.5}), *far)[0]
    assert np.abs(half - (expected(middle, *far)[0] + 255) / 2).max() < 12
    here = (np.array([3.0]), np.array([2.0]))
    ruler = [{"layer": "zz_ruler"}]
    over, under = (at_mm(printed(user, middle, {"layer": layer, "over": is_over}, layers=ruler), *here)[0] for is_over in (True, False))
    assert np.abs(over - expected(middle, *here)[0]).max() < 12
    assert under[0] > 225 and under[1] < 40 and under[2] > 225


def test_features_of_others_are_vectors(user: httpx.Client, middle: list[float], fake: Fake) -> None:
    """Five wells on a line; the one at 116.35 E, 39.90 N lies 5.55 km south of the middle."""
    layer = add(user, f"{fake.base}/wells.geojson", read_name(user, fake))["id"]
    pdf = printed(user, middle, {"layer": layer}, scale=100_000)
    east, north = TO_GRID.transform(116.35, 39.90)
    center = TO_GRID.transform(*middle)
    place = np.array([(east - center[0]) / 100]), np.array([(north - center[1]) / 100])
    assert np.abs(at_mm(pdf, *place)[0] - (0x8a, 0x3f, 0xfc)).max() < 40


def read_name(user: httpx.Client, fake: Fake) -> str:
    found = user.post("/api/outside/reading", json={"url": f"{fake.base}/wells.geojson", "kind": "auto"}).json()
    name: str = found["layers"][0]["name"]
    return name


def said(pdf: bytes) -> str:
    """The words of a sheet in one, whichever lines they are on."""
    return "".join(text_of(pdf).split())


def test_what_did_not_come_is_said_on_the_sheet(user: httpx.Client, signed_in: As, middle: list[float], fake: Fake) -> None:
    layer = add(user, f"{fake.base}/wms", "shade")["id"]
    fake.is_down = True
    try:
        # Beside what was fetched already.
        text = said(printed(user, [middle[0] + 0.3, middle[1]], {"layer": layer}))
        assert "未绘出" in text and "状态码503" in text
    finally:
        fake.is_down = False
    admin = signed_in("system_admin")
    [host] = [each for each in admin.get("/api/outside/hosts").json()["hosts"] if each["origin"] == fake.base]
    assert admin.delete(f"/api/outside/hosts/{host['id']}").status_code == 204
    try:
        before = len(fake.asked)
        text = said(printed(user, middle, {"layer": layer}))
        assert "未绘出" in text and "未获准访问" in text and "加入允许名单" in text and len(fake.asked) == before
    finally:
        admin.post("/api/outside/hosts", json={"origin": fake.base, "title": "邻市", "private": True})


@pytest.mark.parametrize("center", [[117.0, 89.0], [-63.0, 10.0], [117.0, -86.0]])
def test_where_nothing_of_it_can_be_the_sheet_says_so(user: httpx.Client, fake: Fake, center: list[float]) -> None:
    """Near a pole, where the web's square ends, and where the city's CRS ends."""
    layers = [{"layer": add(user, f"{fake.base}{path}", name)["id"]} for path, name in (("/wms", "shade"), ("/wells.geojson", read_name(user, fake)))]
    answer = user.post("/api/print", json={"layers": [], "scale": SCALE, "center": center, "outside": layers}, headers={"Accept-Language": "zh"})
    assert answer.status_code == 400 or (answer.status_code == 200 and said(answer.content).count("没有内容") == 2), answer.text


def test_sheets_that_wait_for_others_hold_up_nobody(user: httpx.Client, middle: list[float], fake: Fake) -> None:
    """Four at once of a service that hangs: a picture of the city's own map, a sheet of it and one that a job makes are answered as ever."""
    layer = add(user, f"{fake.base}/wms", "shade")["id"]
    wish = {"layers": [], "scale": SCALE, "center": [middle[0] - 0.2, middle[1]], "grid": False, "legend": False, "outside": [{"layer": layer}]}
    body = orjson.dumps(wish)
    picture = {"SERVICE": "WMS", "VERSION": "1.3.0", "REQUEST": "GetMap", "LAYERS": "building", "STYLES": "", "CRS": "CRS:84", "BBOX": "116.3,39.8,116.4,39.9",
               "WIDTH": "100", "HEIGHT": "100", "FORMAT": "image/png"}
    fake.goes_on.clear()
    with ThreadPoolExecutor(4) as pool:
        try:
            begun, waiting = time.monotonic(), [pool.submit(user.post, "/api/print", content=each, headers={"Content-Type": "application/json"}, timeout=100)
                       for each in (body, body, body, body.replace(b"out_", rb"\u006fut_"))]
            time.sleep(1)
            found = [user.get("/wms", params=picture), user.post("/api/print", json=wish | {"outside": []}), user.post("/api/print", json=wish, headers={"Prefer": "respond-async"})]
            took = time.monotonic() - begun
            assert not any(each.done() for each in waiting)
        finally:
            fake.goes_on.set()
        user.delete(found[2].headers["Location"])
        assert [each.status_code for each in found] == [200, 200, 201] and took < 8, (found[2].text, took)
        assert [each.result().status_code for each in waiting] == [200] * 4


def test_all_pages_wait_no_longer_together(store: Store, catalogue: Catalogue, town: Town, user: httpx.Client, fake: Fake, tmp_path: Path,
                                           monkeypatch: pytest.MonkeyPatch) -> None:
    """A page waits no longer than one may, and what one has waited the others do not have any more."""
    layer, waited = add(user, f"{fake.base}/wms", "shade")["id"], list[float]()

    def bring(_: OutsideSheet, page: SheetPage, view: MapView, srid: int, ends: float) -> Brought:
        waited.append(max(0.0, ends - time.monotonic()))
        time.sleep(waited[-1])
        return Brought((), ())

    monkeypatch.setattr(OutsideSheet, "bring", bring)
    monkeypatch.setattr("gisserver.sheets.making.OTHERS_S", 0.4)
    wish = Wish.model_validate({"layers": [], "scale": 1000, "outside": [{"layer": layer}], "atlas": {
        "layer": "building", "fids": [town.fids[name] for name in ("3号楼", "4号楼", "5号楼")]}})
    SheetMaker(Asking(store, catalogue, OWNER, tmp_path, "zh", "测试"), wish).make(others_s=0.6)
    assert waited == pytest.approx([0.4, 0.2, 0], abs=0.05)


def test_cells_of_all_pages_are_bounded_together(store: Store, catalogue: Catalogue, town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are held until the last page is drawn: of all thematic maps."""
    wish = Wish.model_validate({"layers": [], "scale": 1000, "atlas": {"layer": "building", "fids": [town.fids["3号楼"], town.fids["4号楼"]]},
                                "themes": [{"layer": "building", "kind": "cluster"}, {"layer": "district", "kind": "heat"}]})

    def made() -> list[int]:
        maker = SheetMaker(Asking(store, catalogue, OWNER, tmp_path, "zh", "测试"), wish)
        maker.make()
        return [len(cells) for each in maker.gathered for _, _, cells in each.found]

    count = sum(made())
    monkeypatch.setattr("gisserver.sheets.making.MOST_GATHERED", count)
    assert sum(made()) == count >= 2
    monkeypatch.setattr("gisserver.sheets.making.MOST_GATHERED", count - 1)
    with pytest.raises(InvalidParameter, match="fewer pages at once"):
        made()


@pytest.mark.parametrize(("outside", "status", "parameter"), [
    ({"layer": "out_" + "0" * 20}, 404, None), ({"layer": "http://127.0.0.1/"}, 400, "outside.0.layer"),
    ({"layer": "out_" + "0" * 20, "opacity": 2}, 400, "outside.0.opacity"), ({"layer": "out_" + "0" * 20, "url": "x"}, 400, "outside.0.url")])
def test_what_is_wrong_is_named(user: httpx.Client, middle: list[float], outside: dict[str, Any], status: int, parameter: str | None) -> None:
    answer = user.post("/api/print", json={"layers": [], "scale": SCALE, "center": middle, "outside": [outside]})
    assert (answer.status_code, answer.json().get("parameter")) == (status, parameter), answer.text
