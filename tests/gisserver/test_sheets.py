"""What is on a sheet beside layers: imagery by year, thematic maps, marks in their own colours, filters in words; and sheets made by jobs."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import numpy as np
import pytest
from PIL import Image, ImageColor
from pypdf import PdfReader

from config.settings import ROOT
from gisserver.commands.coverage import add_raster
from gisserver.sheets.marks import SYMBOLS
from layers.access import OWNER
from layers.catalogue import Catalogue
from layers.edits import Changeset, Edit, apply_changeset
from layers.layer import parse_layer
from layers.moments import parse_interval
from layers.plan import register
from layers.store import Store
from tests.conftest import LiveServer
from tests.gisserver.conftest import EAST, WEST, As, Town, square
from tests.gisserver.test_print import rendered, text_of
from tests.spatial_models.conftest import worker_process
from tests.tiles.rasters import write

# House 9 is 27 m high and stands alone in a field; a sheet of 1 : 2 000 shows it as 43 by 56 mm.
HOUSE, SCALE, DPI = (116.3905, 39.9005), 2_000, 150
OLD, NEW = (150, 60, 40), (40, 90, 160)
THEME: dict[str, Any] = {"layer": "building", "kind": "choropleth", "value": {"field": "height_m", "per": "none"}, "breaks": [10, 20],
                         "colors": ["#ffeeaa", "#ff8800", "#aa0011"], "no_data": "#123456"}
SHEET: dict[str, Any] = {"layers": [{"layer": "building"}], "scale": SCALE, "center": list(HOUSE), "grid": False, "legend": False, "seal": False}


@pytest.fixture(scope="module")
def years(store: Store, catalogue: Catalogue, town: Town, live_server: LiveServer, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A picture of the field from the years before 2010, and one since."""
    folder = tmp_path_factory.mktemp("years")
    for name, color, span in (("old", OLD, "2000/2009"), ("new", NEW, "2010/..")):
        cells = np.broadcast_to(np.array(color, dtype="uint8")[:, None, None], (3, 200, 200)).copy()
        file = write(folder / f"{name}.tif", cells, "EPSG:4490", 116.35, 39.95, 0.0005)
        add_raster(store, catalogue, catalogue.layer("imagery"), live_server.log.parent, file, parse_interval(span), (), "the bureau")


def printed(client: httpx.Client, **more: Any) -> bytes:
    answer = client.post("/api/print", json=SHEET | more, headers={"Accept-Language": "zh"})
    assert answer.status_code == 200, answer.text
    return answer.content


def colour_at(picture: Image.Image, dx_mm: float, dy_mm: float) -> tuple[int, ...]:
    """The colour so far right of and below the middle of the frame; the median of a patch, which thin letters do not change."""
    pixels = np.asarray(picture.convert("RGB")).astype(int)
    x = picture.width / 2 + dx_mm / 25.4 * DPI
    # Of a landscape A4 the frame's middle is 82.5 mm below the edge: margins 8 + 13 + 5, then half of 113.
    y = (26 + (210 - 48 - 5 - 26) / 2 + dy_mm) / 25.4 * DPI
    patch = pixels[round(y) - 6:round(y) + 7, round(x) - 6:round(x) + 7].reshape(-1, 3)
    return tuple(int(v) for v in np.median(patch, axis=0))


def near(found: tuple[int, ...], wanted: tuple[int, ...], by: int = 14) -> bool:
    return all(abs(a - b) <= by for a, b in zip(found, wanted, strict=True))


def mixed(color: str, opacity: float, under: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(round(c * opacity + u * (1 - opacity)) for c, u in zip(ImageColor.getrgb(color)[:3], under, strict=True))


def test_imagery_of_the_year_lies_under_a_theme_in_its_colours(as_role: As, years: None) -> None:
    pdf = printed(as_role("bureau"), imagery={"layer": "imagery"}, themes=[THEME])
    picture = rendered(pdf, DPI)
    assert near(colour_at(picture, 60, 0), NEW), "the field"
    # 27 m is in the third class; under it the house's own colour is but a tint
    assert near(colour_at(picture, 10, 15), mixed("#aa0011", 0.92, NEW), 20), "the house"
    assert not near(colour_at(picture, 0, 0), mixed("#aa0011", 0.92, NEW), 60), "its name lies upon the theme"
    # the house ends where the ruler says: half of 43 mm left and right of the middle
    assert near(colour_at(picture, 19.5, 15), mixed("#aa0011", 0.92, NEW), 20) and near(colour_at(picture, 24, 15), NEW)
    assert "影像" in text_of(pdf) and "2010" in text_of(pdf)
    before = printed(as_role("bureau"), imagery={"layer": "imagery", "datetime": "2005-01-01"})
    assert near(colour_at(rendered(before, DPI), 60, 0), OLD) and "2000" in text_of(before)
    none = printed(as_role("bureau"), imagery={"layer": "imagery", "datetime": "1990-01-01"})
    assert near(colour_at(rendered(none, DPI), 60, 0), (255, 255, 255), 40) and "没有" in text_of(none)


def test_every_kind_of_classed_theme_is_drawn(as_role: As, years: None) -> None:
    client = as_role("bureau")
    two = {**THEME, "kind": "bivariate", "second": {"field": "height_m", "per": "none"}, "second_breaks": [5, 30],
           "colors": [*["#000000"] * 7, "#00ff00", "#000000"]}
    assert near(colour_at(rendered(printed(client, themes=[two]), DPI), 10, 15), mixed("#00ff00", 0.92, (255, 255, 255)), 24), "third class by second"
    circles = {**THEME, "kind": "graduated", "colors": ["#0000ff"], "sizes": [4, 8, 30]}
    picture = rendered(printed(client, themes=[circles]), DPI)
    assert near(colour_at(picture, 0, 0), mixed("#0000ff", 0.72, colour_at(picture, 15, 15)), 24), "a circle in the middle"
    # 30 pixels of 96 to the inch: within 7.9 mm of the middle, and not beyond
    assert near(colour_at(picture, 7, 0), colour_at(picture, 0, 0), 24) and not near(colour_at(picture, 9, 0), colour_at(picture, 0, 0), 24)
    zones = {"layer": "district", "kind": "choropleth", "value": {"of": {"layer": "building"}, "per": "area"}, "breaks": [1e6], "colors": ["#ffff00", "#ff0000"]}
    text = printed(client, layers=[{"layer": "district"}, {"layer": "building"}], themes=[zones, {"layer": "building", "kind": "heat"}], legend=True)
    assert near(colour_at(rendered(text, DPI), 60, 0), mixed("#ffff00", 0.74, (255, 255, 255)), 40), "fewer than a million buildings per square kilometre"
    words = text_of(text)
    assert "建筑 · 热力图" in words and "区 · 建筑 数量 / km²" in words


def test_heat_clusters_and_charts_are_those_of_the_screen(as_role: As, years: None) -> None:
    """One house stands in the frame: its cell is the fullest, its circle 30 pixels of 96 to the inch, 7.9 mm."""
    client, slices = as_role("bureau"), [{"value": "residential", "color": "#00aa00"}, {"value": "office", "color": "#0000ff"}]
    bare = rendered(printed(client), DPI)
    under = colour_at(bare, 6, 6)
    picture = rendered(printed(client, themes=[{"layer": "building", "kind": "cluster", "colors": ["#aa00aa"]}]), DPI)
    assert near(colour_at(picture, 4, 4), mixed("#aa00aa", 0.88, under)) and near(colour_at(picture, 9.5, 9.5), colour_at(bare, 9.5, 9.5))
    picture = rendered(printed(client, themes=[{"layer": "building", "kind": "charts", "by": "use", "slices": slices}]), DPI)
    assert near(colour_at(picture, 4.2, 4.2), (0, 170, 0)) and near(colour_at(picture, 2.2, -2.2), (255, 255, 255)), "a ring of homes"
    # MapLibre's kernel: 0.3989 in the middle is between cyan (0.3) and lime (0.5), a little less all over the patch; 19.5 pixels away 0.0317 is faint
    steps = np.arange(-6, 7) * 96 / DPI
    middle = 0.3989 * np.median(np.exp(-4.5 * (steps[:, None] ** 2 + steps[None, :] ** 2) / 26 ** 2))
    picture = rendered(printed(client, themes=[{"layer": "building", "kind": "heat"}]), DPI)
    assert near(colour_at(picture, 0, 0), mixed(f"#00ff{round(255 * (0.5 - middle) / 0.2):02x}", 0.8, colour_at(bare, 0, 0)))
    far_mm, density = 26 * 0.75 * 25.4 / 96, 0.3989 * np.exp(-4.5 * 0.75 ** 2)
    assert near(colour_at(picture, 0, far_mm), mixed("#1521f6", 0.8 * density * 10, colour_at(bare, 0, far_mm)))

    def legend(theme: dict[str, Any]) -> str:
        return text_of(printed(client, layers=[{"layer": "building"}], themes=[theme], scale=100_000, legend=True))

    # 11 houses stand, 6 of them homes
    charts = {"layer": "building", "kind": "charts", "by": "use", "slices": slices}
    assert all(part in legend(charts) for part in ("建筑 · 统计图 · 用途", "共 11 个", "住宅 · 6", "办公 · 5"))
    assert "无数据 · 11" in legend(charts | {"by": "structure"}), "none of them has a structure"
    assert "个/km²" in legend({"layer": "building", "kind": "heat"})


def test_cells_hold_what_the_reader_may_see(as_role: As, store: Store, town: Town) -> None:
    """Three valves, two of them in the west; the inspector is one of the west."""
    register(store, parse_layer({"id": "zz_valves", "title": {"zh": "阀门", "en": "Valves"}, "born": "runtime", "group": "pipeline", "grade": "L3", "geometry": "Point",
                                 "district": "district_code", "fields": [{"name": "district_code", "type": "string", "title": {"zh": "区", "en": "District"}}]}))
    apply_changeset(store, Catalogue(store), OWNER, Changeset([
        Edit("zz_valves", "create", properties={"district_code": code}, geometry={"type": "Point", "coordinates": [x, 39.9]}, valid_from="2000")
        for code, x in ((WEST, 116.38), (WEST, 116.37), (EAST, 116.42))], "surveyor", "valves"))
    end = time.monotonic() + 15
    while as_role("editor").get("/ogc/collections/zz_valves").status_code != 200:
        assert time.monotonic() < end
        time.sleep(0.2)
    wish: dict[str, Any] = {"layers": [], "scale": 100_000, "legend": True, "themes": [{"layer": "zz_valves", "kind": "cluster"}]}
    assert "共 3 个" in text_of(printed(as_role("editor"), **wish)) and "共 2 个" in text_of(printed(as_role("inspector"), **wish))
    assert as_role("housing_officer").post("/api/print", json=SHEET | wish).status_code == 404


def test_filters_stand_on_the_sheet_in_words(as_role: As, town: Town) -> None:
    wish = {"op": "and", "args": [{"op": ">", "args": [{"property": "height_m"}, 20]}, {"op": "in", "args": [{"property": "use"}, ["residential", "office"]]}]}
    assert "筛选 建筑：建筑高度 > 20 m 且 用途 为 住宅、办公" in text_of(printed(as_role("bureau"), layers=[{"layer": "building", "filter": wish}]))


def test_marks_have_their_own_colours(as_role: As, store: Store, catalogue: Catalogue, town: Town) -> None:
    x, y = HOUSE[0] + 0.0008, HOUSE[1]
    apply_changeset(store, catalogue, OWNER, Changeset([
        Edit("annotation", "create", properties={"kind": "polygon", "topic": "演练", "color": "#00c800", "width_px": 2.0, "opacity": 1.0, "title": "集结区"},
             geometry=square(x - 0.0001, y - 0.0001, 0.0002), valid_from="2000"),
        Edit("annotation", "create", properties={"kind": "symbol", "symbol": "fire", "topic": "演练", "color": "#c80000", "width_px": 60.0},
             geometry={"type": "Point", "coordinates": [HOUSE[0] - 0.0008, y]}, valid_from="2000")], "chief", "drill"))
    pdf = printed(as_role("bureau"), layers=[{"layer": "building"}, {"layer": "annotation"}])
    picture = rendered(pdf, DPI)
    side_mm = 0.0008 * 85_395 / SCALE * 1000
    assert near(colour_at(picture, side_mm, -3.5), (0, 200, 0)), "an area"
    # the disc is 60 pixels of 96 to the inch wide; the flame in it is white
    assert near(colour_at(picture, -side_mm - 6.6, 0), (200, 0, 0), 20)
    assert "集结区" in text_of(pdf)
    script = (ROOT / "web" / "src" / "format" / "symbols.ts").read_text("utf-8")
    assert dict(re.findall(r'^  (\w+): "([^"]+)",$', script, re.M)) == SYMBOLS, "screen and paper have the same symbols"


@pytest.mark.parametrize(("more", "status", "parameter"), [
    ({"imagery": {"layer": "building"}}, 400, "imagery.layer"), ({"imagery": {"layer": "nowhere"}}, 404, None), ({"themes": [{**THEME, "breaks": [20, 10]}]}, 400, "themes.0.breaks"),
    ({"themes": [{**THEME, "colors": ["#ffffff"]}]}, 400, "themes.0.colors"), ({"themes": [{"layer": "building", "kind": "graduated", "value": {"field": "height_m"},
     "breaks": [1], "colors": ["#ffffff"], "sizes": [900, 1]}]}, 400, "themes.0.sizes"), ({"layers": [{"layer": "building", "style": "v9"}]}, 400, "layers.0.style"),
    ({"themes": [{"layer": "building", "kind": "choropleth"}]}, 400, "themes.0.value"), ({"themes": [{"layer": "building", "kind": "charts"}]}, 400, "themes.0.by"),
    ({"themes": [{"layer": "building", "kind": "charts", "by": "nothing"}]}, 400, "themes.0.by"),
    ({"themes": [{"layer": "building", "kind": "charts", "by": "use", "slices": [{"value": "office", "color": "red"}]}]}, 400, "themes.0.slices"),
    ({"themes": [{"layer": "building", "kind": "cluster", "colors": ["#ffffff", "#000000"]}]}, 400, "themes.0.colors"), ({"themes": [{**THEME, "layer": "pipe_segment"}]}, 404, None)])
def test_what_is_wrong_is_named(as_role: As, years: None, more: dict[str, Any], status: int, parameter: str | None) -> None:
    answer = as_role("housing_officer").post("/api/print", json=SHEET | more)
    assert (answer.status_code, answer.json().get("parameter")) == (status, parameter), answer.text


@pytest.fixture(scope="module")
def worker(store: Store, town: Town, live_server: LiveServer) -> Iterator[None]:
    with worker_process(store, live_server.log.parent):
        yield


class TestJobs:
    @staticmethod
    def asked(client: httpx.Client, **more: Any) -> str:
        answer = client.post("/api/print", json=SHEET | more, headers={"Prefer": "respond-async"})
        assert answer.status_code == 201, answer.text
        assert answer.headers["preference-applied"] == "respond-async"
        return urlsplit(answer.headers["location"]).path

    @staticmethod
    def follow(client: httpx.Client, path: str, timeout_s: float = 60) -> dict[str, Any]:
        end = time.monotonic() + timeout_s
        while (state := client.get(path).json())["status"] in ("accepted", "running"):
            assert time.monotonic() < end, state
            time.sleep(0.1)
        found: dict[str, Any] = state
        return found

    def test_an_atlas_by_a_job_is_its_asker_s_alone(self, as_role: As, signed_in: As, worker: None, years: None, town: Town) -> None:
        client, operator = as_role("bureau"), signed_in("system_admin")
        fids = [town.fids[f"{n}号楼"] for n in (5, 9)]
        path = self.asked(client, center=None, atlas={"layer": "building", "fids": fids}, imagery={"layer": "imagery"}, title="图册")
        state = self.follow(client, path)
        assert state["status"] == "successful", state
        answer = client.get(f"{path}/results")
        assert answer.headers["content-type"] == "application/pdf" and answer.headers["content-disposition"].startswith("attachment")
        assert len(PdfReader(io.BytesIO(answer.content)).pages) == 2
        texts = [text_of(answer.content, page) for page in (0, 1)]
        assert ["第 1 / 2 页" in texts[0] or "Page 1 of 2" in texts[0], "bureau_1" in texts[0]] == [True, True]
        assert near(colour_at(rendered(answer.content, DPI, page=1), 60, 0), NEW)
        assert operator.get(path).status_code == 200, "who operates the city sees that there is a job"
        assert operator.get(f"{path}/results").status_code == 404, "and not what it made"
        assert as_role("planner").get(path).status_code == 404

    def test_a_job_is_stopped(self, as_role: As, worker: None, town: Town) -> None:
        client = as_role("bureau")
        fids = [town.fids[f"{n}号楼"] for n in (3, 4, 5, 6, 7, 8, 9, 10)] * 3
        path = self.asked(client, center=None, atlas={"layer": "building", "fids": fids}, paper="A0")
        end = time.monotonic() + 60
        while client.get(path).json().get("progress", 0) < 5:
            assert time.monotonic() < end
            time.sleep(0.1)
        assert client.delete(path).json()["status"] == "dismissed"
        assert client.get(path).status_code == 404 or client.get(f"{path}/results").status_code == 404

    def test_is_no_process_for_everybody(self, as_role: As) -> None:
        client = as_role("planner")
        assert client.get("/ogc/processes/print").status_code == 404
        assert client.post("/ogc/processes/print/execution", json={"inputs": {"wish": {}}}).status_code == 404
