"""Dense layers on pictures seen from afar: each pixel is what MapLibre would make of the vector tile of the same place, read by GDAL."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pytest
import shapely
from PIL import Image

from layers.access import OWNER, Audience, LayerGrant, ensure_audience
from layers.catalogue import Catalogue
from layers.cells import fold_cells
from layers.crs import box_to_srid, transformer
from layers.edits import Changeset, Edit, apply_changeset
from layers.filters import parse_filter
from layers.layer import Class, Layer
from layers.query import ItemQuery
from layers.store import Store
from tests.layers.odd_layers import make
from tests.tiles.test_mapnik_style import SPEC, close, evaluate, over
from tiles.aggregates import COUNT, COVER
from tiles.grid import TileAddress
from tiles.map_view import MapView
from tiles.mapnik_source import draw
from tiles.mapnik_style import BACKGROUND
from tiles.symbology import legend, style_layers
from tiles.vector_tiles import render

LON, LAT, WORLD = 116.40, 39.93, 20037508.342789244
KINDS = [{"value": "a", "color": "#c03028"}, {"value": "b", "color": "#2060c0"}]
LOOK = {"cells": True, "min_zoom": 13, "color": "#777777", "opacity": 0.9, "field": "kind", "classes": KINDS}
STEPS = (Class(below=10, color="#205020"), Class(below=30, color="#40a040"), Class(color="#a0f0a0"))
TILE = TileAddress(12, 3372, 1550)

Decode = Callable[[bytes, str], list[dict[str, Any]]]

pytestmark = pytest.mark.skipif(not (SPEC.exists() and shutil.which("node")), reason="the web client's packages are not installed")


@pytest.fixture
def decode(tmp_path: Path) -> Decode:
    """Read the cells of a tile by GDAL."""
    numbers = itertools.count()

    def read(body: bytes, layer: str) -> list[dict[str, Any]]:
        path = tmp_path / f"{next(numbers)}.pbf"
        path.write_bytes(body)
        frame = pyogrio.read_dataframe(path, layer=f"{layer}.cells", X=str(TILE.x), Y=str(TILE.y), Z=str(TILE.z), CLIP="NO")
        return [{name: value for name, value in row.items() if value is not None and value == value} for row in frame.to_dict("records")]

    return read


def _filled(store: Store, catalogue: Catalogue, name: str, geometry: str, **look: Any) -> Layer:
    """A thousand features in the tile, two thirds of them in one district, a quarter since 2010; one as large as many cells."""
    layer = make(store, name, geometry, symbology=LOOK | look)
    catalogue.refresh()
    west, south, east, north = TILE.reach(4326, 0) or (0, 0, 0, 0)

    def shape(n: int) -> dict[str, Any]:
        x, y = west + (east - west) * ((n * 37 % 1000) / 1000) ** 2, south + (north - south) * (n * 73 % 997) / 997
        side = 0.0001 + n % 7 * 0.0001
        return shapely.geometry.mapping(shapely.Point(x, y) if geometry == "Point" else shapely.box(x, y, x + side, y + side))

    edits = [Edit(layer.id, "create", valid_from="1990" if n % 4 else "2010", geometry=shape(n), properties={
        "kind": ("a", "b", None)[n * 7 % 3], "district": f"d{min(n % 3, 1)}", "height_m": n % 50 if n % 11 else None}) for n in range(1000)]
    if geometry != "Point":
        edits.append(Edit(layer.id, "create", properties={"kind": "a"}, valid_from="1990",
                          geometry=shapely.geometry.mapping(shapely.box(east - 0.02, north - 0.01, east - 0.01, north - 0.005))))
    apply_changeset(store, catalogue, OWNER, Changeset(tuple(edits), "tester"))
    return catalogue.layer(layer.id)


@pytest.fixture(scope="module")
def areas(store: Store, catalogue: Catalogue) -> Layer:
    return _filled(store, catalogue, "seen_areas", "Polygon")


@pytest.fixture(scope="module")
def points(store: Store, catalogue: Catalogue) -> Layer:
    return _filled(store, catalogue, "seen_points", "Point", radius_px=5, opacity=1)


def picture(store: Store, layer: Layer, audience: Audience = OWNER, background: str | None = BACKGROUND, **asked: Any) -> np.ndarray:
    view = MapView(TILE.envelope, 3857, 512, 512)
    assert view.zoom == 12
    return np.asarray(Image.open(BytesIO(draw(store, [ItemQuery(layer, audience, **asked)], view, background=background).body)).convert("RGBA").convert("RGB")).astype(int)


def middle(cell: dict[str, Any]) -> tuple[int, int]:
    """Row and column of the pixel in the middle of a cell."""
    minx, _, maxx, maxy = TILE.envelope
    at, pixel = cell["geometry"].centroid, (maxx - minx) / 512
    return int((maxy - at.y) / pixel), int((at.x - minx) / pixel)


def wanted(layer: Layer, audience: Audience, cells: list[dict[str, Any]]) -> list[tuple[tuple[int, ...], float]]:
    """The colour (over the background) and the radius that MapLibre gives each cell."""
    part = next(p for p in style_layers(layer, audience) if p["id"] == f"{layer.id}-cells")
    kind = part["type"]
    names = ("color", "opacity") if kind == "fill" else ("color", "opacity", "radius")
    answers = evaluate([{"kind": kind, "name": f"{kind}-{name}", "value": part["paint"][f"{kind}-{name}"], "zoom": 12,
                         "properties": {k: v for k, v in cell.items() if k != "geometry"}} for cell in cells for name in names])
    told = [answers[n:n + len(names)] for n in range(0, len(answers), len(names))]
    return [(over(each[0], each[1]), each[2] if kind == "circle" else 0) for each in told]


LARGE = (slice(0, 136), slice(296, 512))
ASKED: list[dict[str, Any]] = [{}, {"at": datetime(2000, 1, 1, tzinfo=UTC)}, {"at": datetime(1980, 1, 1, tzinfo=UTC)}, {"known_at": 10**9},
                               {"filter": parse_filter("height_m > 20")}]


@pytest.mark.parametrize("asked", ASKED, ids=["now", "then", "before", "known", "filter"])
def test_a_picture_has_the_cells_of_the_vector_tile(store: Store, areas: Layer, decode: Decode, asked: dict[str, Any]) -> None:
    readers = [OWNER, *(ensure_audience(store, {areas.id: areas}, [grant]) for grant in (
        LayerGrant(areas.id, districts=("d1",)), LayerGrant(areas.id, fields=("name", "height_m"))))]
    counts = []
    for reader in readers:
        image = picture(store, areas, reader, **asked)
        body = render(store, ItemQuery(areas, reader, **asked), TILE).body
        cells = decode(body, areas.id) if b"seen_areas.cells" in body else []
        spots = [middle(cell) for cell in cells]
        drawn = [tuple(int(v) for v in image[spot]) for spot in spots]
        for cell, found, (color, _) in zip(cells, drawn, wanted(areas, reader, cells), strict=True):
            inside = LARGE[0].start <= middle(cell)[0] < LARGE[0].stop and middle(cell)[1] >= LARGE[1].start
            assert inside or close(found, color, 8), (cell, found, color)
        # Nothing is drawn where there is no cell: the ground is as often as it should be.
        ground = np.all(np.abs(image - np.array(over([0, 0, 0], 0))) <= 1, axis=2)
        ground[LARGE] = True
        empty = np.ones((64, 64), bool)
        for row, column in spots:
            empty[row // 8, column // 8] = False
        empty[0:17, 37:64] = True
        bare = ground.reshape(64, 8, 64, 8).all(axis=(1, 3))
        assert bare[empty].all(), np.argwhere(empty & ~bare)
        counts.append(sum(cell[COUNT] for cell in cells))
    assert counts[0] >= counts[2] and (counts[0] > counts[1] > 0 or not counts[0])
    assert bool(counts[0]) is (asked.get("at") is None or asked["at"].year > 1990)


def test_points_are_dots_of_the_size_of_the_map_client(store: Store, points: Layer, decode: Decode) -> None:
    fold_cells(store, points.id)
    cells = decode(render(store, ItemQuery(points, OWNER), TILE).body, points.id)
    image, lonely = picture(store, points), 0
    taken = np.array([middle(cell) for cell in cells])
    for cell, (color, radius) in zip(cells, wanted(points, OWNER, cells), strict=True):
        row, column = middle(cell)
        apart = np.sort(np.hypot(taken[:, 0] - row, taken[:, 1] - column))[1]
        if apart < 2 * radius + 4 or not 20 < row < 492 or not 20 < column < 492:
            continue
        lonely += 1
        assert close(tuple(int(v) for v in image[row, column]), color), cell
        is_dot = np.abs(image[row, column:column + 12] - np.array(over([0, 0, 0], 0))).max(axis=1) > 20
        assert abs(int(np.argmin(is_dot)) - radius) <= 1.5, cell
    assert lonely > 10


def test_a_style_by_another_field_is_counted_by_its_own_classes(store: Store, areas: Layer) -> None:
    assert areas.symbology is not None
    by_height = areas.model_copy(update={"symbology": areas.symbology.model_copy(update={"field": "height_m", "classes": STEPS, "color": "#ff00ff"})})
    image = picture(store, by_height, background=None)
    own = picture(store, areas, background=None)
    # The same cells, in other colours, each as strong as before.
    with store.connect() as connection:
        rows = connection.execute("SELECT (ST_XMin(geom_tile) + ST_XMax(geom_tile)) / 2, (ST_YMin(geom_tile) + ST_YMax(geom_tile)) / 2, ST_Area(geom_tile), height_m "
                                  "FROM city.seen_areas WHERE valid @> now() AND ST_Area(geom_tile) < 40000").fetchall()
    side, (minx, _, _, maxy) = 2 * WORLD / 2**18, TILE.envelope
    most: dict[tuple[int, int], dict[str, float]] = {}
    for x, y, area, height in rows:
        color = "#ff00ff" if height is None else next(c.color for c in STEPS if c.below is None or height < c.below)
        cell = most.setdefault((int((maxy - y) // side), int((x - minx) // side)), {})
        cell[color] = cell.get(color, 0) + area
    seen = set()
    for (row, column), colors in most.items():
        if not (0 <= row < 64 and 0 <= column < 64) or len(colors) > 1 or (row < 18 and column > 36):
            continue
        (color,) = colors
        drawn, was = image[row * 8 + 4, column * 8 + 4], own[row * 8 + 4, column * 8 + 4]
        assert np.any(was) and np.any(drawn)
        assert max(drawn) - min(drawn) > 20 and int(np.argmax(drawn)) == (0 if color == "#ff00ff" else 1), (color, drawn)
        seen.add(color)
    assert seen == {"#205020", "#40a040", "#a0f0a0", "#ff00ff"}


def test_an_interval_shows_what_stood_in_it(store: Store, areas: Layer, decode: Decode) -> None:
    begin, end = datetime(1980, 1, 1, tzinfo=UTC), datetime(2020, 1, 1, tzinfo=UTC)
    image = picture(store, areas, interval=(begin, end))
    ground = np.all(np.abs(image - np.array(over([0, 0, 0], 0))) <= 1, axis=2)
    cells = decode(render(store, ItemQuery(areas, OWNER, interval=(begin, end)), TILE).body, areas.id)
    spots = {middle(cell) for cell in cells}
    assert len(spots) > 200 and not any(ground[spot] for spot in spots)
    assert picture(store, areas, interval=(datetime(1970, 1, 1, tzinfo=UTC), datetime(1975, 1, 1, tzinfo=UTC))).std(axis=(0, 1)).max() == 0


@pytest.mark.parametrize("srid", [4326, 4490, 4548])
def test_other_systems_show_the_same_cells_at_the_same_place(store: Store, areas: Layer, srid: int) -> None:
    """Each pixel of a map in another system has the colour of its place on the one of Web Mercator, but for the edges of cells."""
    minx, miny, maxx, maxy = (float(v) for v in box_to_srid(TILE.envelope, 3857, srid).bounds)
    width, height = (560, round(560 * (maxy - miny) / (maxx - minx))) if srid == 4548 else (512, 512)
    view = MapView((minx, miny, maxx, maxy), srid, width, height)
    assert 12 <= view.zoom < 13
    there = np.asarray(Image.open(BytesIO(draw(store, [ItemQuery(areas, OWNER)], view, background=BACKGROUND).body)).convert("RGBA").convert("RGB")).astype(int)
    here, (left, _, right, top) = picture(store, areas), TILE.envelope
    rows, columns = (each.ravel() for each in np.mgrid[20:height - 20:7, 20:width - 20:7])
    x, y = transformer(srid, 3857).transform(minx + (columns + 0.5) * (maxx - minx) / width, maxy - (rows + 0.5) * (maxy - miny) / height)
    at = ((top - y) / (right - left) * 512).astype(int), ((x - left) / (right - left) * 512).astype(int)
    inside = (at[0] >= 0) & (at[0] < 512) & (at[1] >= 0) & (at[1] < 512)
    same = np.abs(there[rows[inside], columns[inside]] - here[at[0][inside], at[1][inside]]).max(axis=1) <= 8
    assert same.mean() > 0.97 and inside.mean() > 0.9


def test_the_legend_says_so(areas: Layer, points: Layer) -> None:
    told = legend(areas, OWNER)["cells"]
    assert told["below_zoom"] == 13 and told["stops"] == [{"cover": 0, "opacity": 0.12}, {"cover": 60, "opacity": 0.9}]
    assert "方格" in told["title"]["zh"] and "square" in told["title"]["en"] and "圆点" in legend(points, OWNER)["cells"]["title"]["zh"]
    assert COVER == "cell:cover"
