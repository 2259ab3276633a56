"""Maps that Mapnik draws: the right place in every CRS, the right day, for the right reader; what goes wrong is told."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pyproj import Transformer

from layers.access import OWNER, Audience, LayerGrant, ensure_audience
from layers.errors import InvalidParameter, Unavailable, UnknownLayer
from layers.filters import parse_filter
from layers.layer import Layer
from layers.query import ItemQuery
from layers.store import Store
from tests.layers.odd_layers import changesets, make, put
from tiles.grid import WEB_MERCATOR_QUAD, TileAddress
from tiles.map_rows import TooMuch, rows_near
from tiles.map_view import MapView
from tiles.mapnik_source import MAX_PIXELS, draw

RED, BLUE, GREY = (192, 48, 40), (32, 96, 192), (119, 119, 119)
SYMBOLOGY = {"color": "#777777", "field": "kind", "classes": [{"value": "a", "color": "#c03028"}, {"value": "b", "color": "#2060c0"}]}
WEST, EAST = (116.400, 39.930), (116.403, 39.930)


def square(lon: float, lat: float, d: float = 0.0005) -> str:
    return f"POLYGON(({lon - d} {lat - d},{lon + d} {lat - d},{lon + d} {lat + d},{lon - d} {lat + d},{lon - d} {lat - d}))"


@pytest.fixture(scope="module")
def layer(store: Store) -> Layer:
    layer = make(store, "drawn", "Polygon", symbology=SYMBOLOGY)
    changesets(store, 9)
    put(store, layer, [
        {"fid": 1, "wkt": square(*WEST), "kind": "a", "district": "w", "valid": "[2000-01-01Z,)"},
        {"fid": 1, "version_id": 90, "wkt": square(*WEST), "kind": "b", "district": "w", "valid": "[1990-01-01Z,2000-01-01Z)"},
        {"fid": 2, "wkt": square(*EAST), "kind": "b", "district": "e", "valid": "[2000-01-01Z,)", "seq_from": 6},
        {"fid": 3, "wkt": "POLYGON EMPTY", "kind": "a"}, {"fid": 4, "wkt": None}])
    return layer


def around(lon: float, lat: float, srid: int, reach_m: float = 400) -> MapView:
    """A view of a place in a CRS, independent of the code that draws: PROJ says where it is."""
    x, y = Transformer.from_crs(4326, srid, always_xy=True).transform(lon, lat)
    unit = 1 / 111_000 if srid in (4326, 4490) else 1
    return MapView((x - reach_m * unit, y - reach_m * unit, x + reach_m * unit, y + reach_m * unit), srid, 400, 400)


def pixels(body: bytes) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(body)).convert("RGBA")).astype(int)


def shown(store: Store, layer: Layer, view: MapView | None = None, audience: Audience = OWNER, **parts: Any) -> list[tuple[int, ...] | None]:
    """The colours at WEST and EAST; None where nothing is drawn."""
    view = view or around(*WEST, 3857)
    image = pixels(draw(store, [ItemQuery(layer, audience, **parts)], view).body)
    found: list[tuple[int, ...] | None] = []
    for place in (WEST, EAST):
        x, y = Transformer.from_crs(4326, view.srid, always_xy=True).transform(*place)
        column, row = int((x - view.bbox[0]) / (view.bbox[2] - view.bbox[0]) * 400), int((view.bbox[3] - y) / (view.bbox[3] - view.bbox[1]) * 400)
        pixel = image[row, column]
        found.append(tuple(int(v) for v in pixel[:3]) if pixel[3] > 250 else None)
    return found


def near(a: tuple[int, ...] | None, b: tuple[int, ...]) -> bool:
    return a is not None and all(abs(x - y) <= 3 for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("srid", [3857, 4326, 4490, 4548])
def test_the_same_place_in_every_crs(store: Store, layer: Layer, srid: int) -> None:
    view = around(*WEST, srid)
    west, east = shown(store, layer, view)
    assert near(west, RED) and near(east, BLUE)
    # The corners of the square, by PROJ: a pixel inside is drawn, one outside is not.
    image = pixels(draw(store, [ItemQuery(layer, OWNER)], view).body)
    for sign in (-1, 1):
        for part, drawn in ((0.9, True), (1.1, False)):
            x, y = Transformer.from_crs(4326, srid, always_xy=True).transform(WEST[0] + sign * 0.0005 * part, WEST[1] + sign * 0.0005 * part)
            column, row = (x - view.bbox[0]) / (view.bbox[2] - view.bbox[0]) * 400, (view.bbox[3] - y) / (view.bbox[3] - view.bbox[1]) * 400
            assert bool(image[int(row), int(column), 3] > 250) is drawn, (srid, sign, part)


def test_any_day_and_what_was_known(store: Store, layer: Layer) -> None:
    assert [near(*pair) for pair in zip(shown(store, layer, at=datetime(1995, 6, 1, tzinfo=UTC))[:1], [BLUE], strict=True)] == [True]
    assert shown(store, layer, at=datetime(1980, 1, 1, tzinfo=UTC)) == [None, None]
    known = shown(store, layer, known_at=5)
    assert near(known[0], RED) and known[1] is None
    assert shown(store, layer, filter=parse_filter("kind = 'b'"))[0] is None


def test_rows_and_fields_that_an_audience_may_not_see(store: Store, layer: Layer) -> None:
    west = ensure_audience(store, {"drawn": layer}, [LayerGrant("drawn", districts=("w",))])
    found = shown(store, layer, audience=west)
    assert near(found[0], RED) and found[1] is None
    colourless = ensure_audience(store, {"drawn": layer}, [LayerGrant("drawn", fields=("storeys",))])
    assert all(near(color, GREY) for color in shown(store, layer, audience=colourless))
    nobody = ensure_audience(store, {"drawn": layer}, [])
    with pytest.raises(UnknownLayer):
        shown(store, layer, audience=nobody)


def test_the_database_itself_refuses_the_field(store: Store, layer: Layer) -> None:
    """The role of an audience cannot read a masked column, whatever the statement says."""
    colourless = ensure_audience(store, {"drawn": layer}, [LayerGrant("drawn", fields=("storeys",))])
    lying = Audience(colourless.role, colourless.fingerprint, {"drawn": LayerGrant("drawn")})
    with pytest.raises(Exception, match="permission denied"):
        rows_near(store, ItemQuery(layer, lying), around(*WEST, 3857).mercator(), 18, 0.5, "kind", None)


def test_pooled_maps_keep_nothing_of_the_last_reader(store: Store, layer: Layer) -> None:
    west = ensure_audience(store, {"drawn": layer}, [LayerGrant("drawn", districts=("w",))])
    for _ in range(3):
        assert shown(store, layer)[1] is not None
        assert shown(store, layer, audience=west)[1] is None


def test_threads_draw_beside_each_other(store: Store, layer: Layer) -> None:
    views = [around(*place, srid) for place in (WEST, EAST) for srid in (3857, 4548)] * 6
    alone = [draw(store, [ItemQuery(layer, OWNER)], view).body for view in views[:4]]
    with ThreadPoolExecutor(6) as threads:
        together = list(threads.map(lambda view: draw(store, [ItemQuery(layer, OWNER)], view).body, views))
    assert together == alone * 6


def test_a_label_is_not_cut_where_tiles_meet(store: Store) -> None:
    labelled = make(store, "labelled", "Polygon", symbology={"color": "#dddddd", "label": {"field": "name", "min_zoom": 10, "size": 14, "color": "#000000"}})
    left = TileAddress(17, 107890, 49573)
    right = TileAddress(17, 107891, 49573)
    x, y = right.envelope[0], (right.envelope[1] + right.envelope[3]) / 2
    lon, lat = Transformer.from_crs(3857, 4326, always_xy=True).transform(x, y)
    put(store, labelled, [{"fid": 1, "wkt": square(lon, lat, 0.0003), "name": "边界上的大楼"}])
    query = [ItemQuery(labelled, OWNER)]
    halves = [pixels(draw(store, query, MapView(t.envelope, 3857, 256, 256), background="#ffffff").body) for t in (left, right)]
    box = (left.envelope[0], left.envelope[1], right.envelope[2], right.envelope[3])
    whole = pixels(draw(store, query, MapView(box, 3857, 512, 256), background="#ffffff").body)
    joined = np.concatenate(halves, axis=1)
    dark = (joined[:, 200:312, :3].sum(axis=2) < 300).sum()
    assert dark > 40                                        # letters on both sides of the border
    assert (np.abs(joined - whole)[..., :3].max(axis=2) > 24).mean() < 0.002


def test_retina_has_the_same_map_on_twice_the_pixels(store: Store, layer: Layer) -> None:
    once = draw(store, [ItemQuery(layer, OWNER)], around(*WEST, 3857), background="#ffffff").body
    view = around(*WEST, 3857)
    twice = draw(store, [ItemQuery(layer, OWNER)], MapView(view.bbox, 3857, 800, 800, 2), background="#ffffff").body
    small = np.asarray(Image.open(BytesIO(twice)).convert("RGB").resize((400, 400), Image.Resampling.BOX)).astype(int)
    assert np.abs(small - pixels(once)[..., :3]).mean() < 2


def test_formats(store: Store, layer: Layer) -> None:
    view, query = around(*WEST, 3857), [ItemQuery(layer, OWNER)]
    for kind, begins in (("image/png", b"\x89PNG"), ("image/jpeg", b"\xff\xd8"), ("image/webp", b"RIFF")):
        made = draw(store, query, view, media_type=kind)
        assert made.body.startswith(begins) and made.media_type == kind and made.seq == 9
    with pytest.raises(InvalidParameter, match="format"):
        draw(store, query, view, media_type="image/tiff")


def test_what_cannot_be_drawn_is_told(store: Store, layer: Layer, monkeypatch: pytest.MonkeyPatch) -> None:
    import mapnik

    view, query = around(*WEST, 3857), [ItemQuery(layer, OWNER)]
    with pytest.raises(InvalidParameter, match="width"):
        draw(store, query, MapView(view.bbox, 3857, MAX_PIXELS + 1, 10))
    with pytest.raises(InvalidParameter, match="bbox"):
        MapView((1, 1, 1, 2), 3857, 10, 10)
    with pytest.raises(InvalidParameter, match="bbox"):
        draw(store, query, MapView((0, 89, 1, 90), 4326, 10, 10))
    with pytest.raises(TooMuch):
        rows_near(store, query[0], view.mercator(), 18, 1, None, None, most=1)

    def fail(*_: Any) -> None:
        raise RuntimeError("out of glyphs")

    monkeypatch.setattr(mapnik, "render", fail)
    with pytest.raises(Unavailable):
        draw(store, query, view)
    monkeypatch.undo()
    assert shown(store, layer)[0] is not None               # the next one is drawn


def test_zoom_counts_as_maplibre_does() -> None:
    for z in (3, 10, 16):
        tile = TileAddress(z, 2**z // 2, 2**z // 3)
        assert MapView(tile.envelope, WEB_MERCATOR_QUAD.srid, 256, 256).zoom == z - 1
        assert MapView(tile.envelope, 3857, 512, 512).zoom == z and MapView(tile.envelope, 3857, 512, 512, 2).zoom == z - 1
    # A metre on the ground in the city is 1.30 m of Web Mercator there.
    view = MapView((449000, 4419000, 449256, 4419256), 4548, 256, 256)
    assert view.pixel == pytest.approx(1 / np.cos(np.radians(39.9)), rel=1e-2)
