"""The cell under a click on a map seen from afar, against a plain count of the features whose middle lies in the bounds that are told."""

from __future__ import annotations

from datetime import UTC, datetime
from math import atan, degrees, log, pi, radians, sinh, tan
from typing import Any

import pytest
import shapely

from layers.access import OWNER, Audience, LayerGrant, ensure_audience
from layers.catalogue import Catalogue
from layers.cells import fold_cells
from layers.edits import Changeset, Edit, apply_changeset
from layers.filters import parse_filter
from layers.history import current_seq
from layers.layer import Class, Layer
from layers.query import ItemQuery
from layers.store import Store
from tests.layers.odd_layers import make
from tiles.cell_at import CellThere, cell_at, large_at

R = 6378137.0
LON, LAT, SPAN = 116.40, 39.93, 0.02
KINDS = [{"value": "a", "color": "#c03028"}, {"value": "b", "color": "#2060c0"}]
STEPS = (Class(below=10, color="#205020"), Class(below=30, color="#40a040"), Class(color="#a0f0a0"))
CLICKS = [(LON + SPAN * n / 7, LAT + SPAN * (n * 3 % 7) / 7) for n in range(7)]


def mercator(lon: float, lat: float) -> tuple[float, float]:
    return R * radians(lon), R * log(tan(pi / 4 + radians(lat) / 2))


@pytest.fixture(scope="module")
def layer(store: Store, catalogue: Catalogue) -> Layer:
    """Six hundred small squares in two districts, a quarter since 2010, a tenth until 2020; one as large as many cells."""
    make(store, "clicked", "Polygon", symbology={"cells": True, "min_zoom": 13, "color": "#777777", "field": "kind", "classes": KINDS})
    catalogue.refresh()

    def edit(n: int, since: str) -> Edit:
        x, y = LON + SPAN * (n * 37 % 601) / 601, LAT + SPAN * (n * 73 % 607) / 607
        return Edit("clicked", "create", valid_from=since, valid_to="2020" if n % 10 == 3 else None, geometry=shapely.geometry.mapping(shapely.box(x, y, x + 1e-4, y + 1e-4)),
                    properties={"kind": ("a", "b", None)[n % 3], "district": "d0" if n % 2 else "d1", "height_m": n % 50 if n % 11 else None})

    apply_changeset(store, catalogue, OWNER, Changeset(tuple(edit(n, "1990" if n % 4 else "2010") for n in range(500)), "tester"))
    fold_cells(store, "clicked")
    large = Edit("clicked", "create", valid_from="1990", properties={"kind": "a", "district": "d0"}, geometry=shapely.geometry.mapping(
        shapely.box(LON + SPAN, LAT + SPAN, LON + SPAN + 0.02, LAT + SPAN + 0.02)))
    # Not summed up yet.
    apply_changeset(store, catalogue, OWNER, Changeset((*(edit(n, "1990") for n in range(500, 600)), large), "tester"))
    return catalogue.layer("clicked")


def plainly(store: Store, cell: CellThere, where: str, column: str = "kind", table: str = "city.clicked") -> dict[str, int]:
    """What features there are whose middle lies in a cell's bounds, by a field."""
    (minx, miny), (maxx, maxy) = mercator(*cell.bounds[:2]), mercator(*cell.bounds[2:])
    with store.connect() as connection:
        rows = connection.execute(f"SELECT coalesce({column}::text, ''), count(*) FROM {table} WHERE ST_X(ST_Centroid(ST_Envelope(geom_tile))) BETWEEN %s AND %s "
                                  f"AND ST_Y(ST_Centroid(ST_Envelope(geom_tile))) BETWEEN %s AND %s AND ST_XMax(geom_tile) - ST_XMin(geom_tile) < %s AND {where} GROUP BY 1",  # type: ignore[arg-type]
                                  (minx, maxx, miny, maxy, maxx - minx)).fetchall()
    return dict(rows)


NAMES = {0: "a", 1: "b", -1: ""}
DAY = datetime(2000, 6, 1, tzinfo=UTC)
ASKED: list[tuple[dict[str, Any], str]] = [({}, "valid @> now()"), ({"at": DAY}, "valid @> '2000-06-01Z'::timestamptz"),
                                           ({"filter": parse_filter("height_m > 20")}, "valid @> now() AND height_m > 20")]


@pytest.mark.parametrize(("asked", "where"), ASKED, ids=["now", "then", "filter"])
@pytest.mark.parametrize("zoom", [5, 9.5, 11, 12.75])
def test_it_says_what_a_plain_count_says(store: Store, layer: Layer, asked: dict[str, Any], where: str, zoom: float) -> None:
    limited = ensure_audience(store, {layer.id: layer}, [LayerGrant(layer.id, districts=("d1",))])
    seen = 0
    for reader, rows in ((OWNER, where), (limited, f"{where} AND district = 'd1'")):
        for lon, lat in CLICKS:
            cell = cell_at(store, ItemQuery(layer, reader, **asked), mercator(lon, lat), zoom)
            if cell is None:
                continue
            west, south, east, north = cell.bounds
            assert west <= lon <= east and south <= lat <= north
            assert mercator(east, north)[0] - mercator(west, south)[0] == pytest.approx(2 * pi * R / 2 ** min(18, max(10, int(zoom) + 6)), rel=1e-6)
            found = plainly(store, cell, rows)
            assert cell.classes is not None and {NAMES[n]: count for n, count in cell.classes.items()} == found
            assert cell.count == sum(found.values()) and list(cell.classes.values()) == sorted(cell.classes.values(), reverse=True)
            seen += cell.count
    assert seen


def test_classes_are_those_of_the_style_and_only_of_what_may_be_read(store: Store, layer: Layer) -> None:
    assert layer.symbology is not None
    by_height = layer.model_copy(update={"symbology": layer.symbology.model_copy(update={"field": "height_m", "classes": STEPS})})
    place = mercator(LON + SPAN / 2, LAT + SPAN / 2)
    cell = cell_at(store, ItemQuery(by_height, OWNER), place, 9)
    assert cell is not None and cell.classes is not None
    steps = "CASE WHEN height_m IS NULL THEN -1 WHEN height_m < 10 THEN 0 WHEN height_m < 30 THEN 1 ELSE 2 END"
    assert {str(n): count for n, count in cell.classes.items()} == plainly(store, cell, "valid @> now()", steps)
    unread = ensure_audience(store, {layer.id: layer}, [LayerGrant(layer.id, fields=("name", "height_m"))])
    told = cell_at(store, ItemQuery(layer, unread), place, 9)
    assert told is not None and told.classes is None and told.count == cell.count


def test_an_interval_is_told_by_its_fullest_moment(store: Store, layer: Layer) -> None:
    place = mercator(LON + SPAN / 2, LAT + SPAN / 2)
    cell = cell_at(store, ItemQuery(layer, OWNER, interval=(datetime(1980, 1, 1, tzinfo=UTC), datetime(2024, 1, 1, tzinfo=UTC))), place, 8)
    assert cell is not None and cell.at is not None and 2010 <= cell.at.year < 2020
    assert cell.count == sum(plainly(store, cell, "valid @> '2015-01-01Z'::timestamptz").values())
    early = ItemQuery(layer, OWNER, interval=(datetime(1950, 1, 1, tzinfo=UTC), datetime(1960, 1, 1, tzinfo=UTC)))
    assert cell_at(store, early, place, 8) is None


def test_as_it_was_known(store: Store, layer: Layer) -> None:
    place, seq = mercator(LON + SPAN / 2, LAT + SPAN / 2), current_seq(store)
    before, now = (cell_at(store, ItemQuery(layer, OWNER, known_at=known), place, 7) for known in (seq - 1, seq))
    assert before is not None and now is not None
    assert before.count == sum(plainly(store, before, f"valid @> now() AND seq_from <= {seq - 1}").values()) < now.count == sum(
        plainly(store, now, "valid @> now()").values())


def test_what_is_as_large_as_a_cell_is_a_feature(store: Store, layer: Layer) -> None:
    def at(audience: Audience, zoom: float) -> list[int]:
        x, y = mercator(LON + SPAN + 0.01, LAT + SPAN + 0.01)
        return large_at(store, ItemQuery(layer, audience), (x - 5, y - 5, x + 5, y + 5), zoom)

    with store.connect() as connection:
        (fid,) = connection.execute("SELECT fid FROM city.clicked WHERE ST_Area(geom) > 1e-5").fetchone() or (None,)
    assert at(OWNER, 12) == [fid] and at(OWNER, 3) == [] and at(OWNER, 14) == []
    assert at(ensure_audience(store, {layer.id: layer}, [LayerGrant(layer.id, districts=("d1",))]), 12) == []


def test_where_nothing_is_and_from_near_there_is_none(store: Store, layer: Layer) -> None:
    query = ItemQuery(layer, OWNER)
    assert cell_at(store, query, mercator(0, degrees(atan(sinh(1)))), 9) is None
    assert cell_at(store, query, (3e7, 0), 9) is None and cell_at(store, query, mercator(*CLICKS[1]), 13) is None
