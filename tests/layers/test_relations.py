"""References in time, cascades and topology rules, and that all faults come together with their places."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import shapely

from layers.errors import Rejected
from layers.layer import Layer, parse_layer
from layers.plan import register
from layers.staging import Batch
from layers.store import Store

TITLE = {"zh": "层", "en": "Layer"}


def field(name: str, kind: str = "string", **more: Any) -> dict[str, Any]:
    return {"name": name, "type": kind, "title": TITLE, **more}


@pytest.fixture(scope="module")
def layers(store: Store) -> dict[str, Layer]:
    definitions = [
        {"id": "plot", "geometry": "MultiPolygon", "title": TITLE, "born": "runtime",
         "rules": [{"kind": "no_overlap", "tolerance_m2": 1}],
         "fields": [field("name", required=True, max_length=5), field("storeys", "integer", minimum=0, maximum=200)]},
        {"id": "house", "kind": "table", "title": TITLE, "born": "runtime",
         "fields": [field("plot_fid", "reference", references="plot", on_retire="restrict")]},
        {"id": "flat", "kind": "table", "title": TITLE, "born": "runtime",
         "fields": [field("house_fid", "reference", references="house", on_retire="cascade", part_of=True)]},
        {"id": "note", "kind": "table", "title": TITLE, "born": "runtime",
         "fields": [field("house_fid", "reference", references="house", on_retire="keep")]},
        {"id": "works", "geometry": "MultiPolygon", "title": TITLE, "born": "runtime",
         "rules": [{"kind": "within", "via": "plot_fid", "tolerance_m2": 1}],
         "fields": [field("plot_fid", "reference", references="plot")]},
    ]
    made = {d["id"]: parse_layer(d) for d in definitions}
    for layer in made.values():
        register(store, layer)
    return made


def square(x_m: float, y_m: float, side_m: float) -> str:
    """A square by metres from a corner of the city, as the stage takes it: about 1 m is 1.17e-5 deg of longitude here."""
    lon, lat = 116.30 + x_m * 1.17e-5, 39.90 + y_m * 0.9e-5
    made = shapely.multipolygons([shapely.box(lon, lat, lon + side_m * 1.17e-5, lat + side_m * 0.9e-5)])
    return shapely.to_wkb(shapely.set_srid(made, 4490), hex=True, include_srid=True)


Row = tuple[str, str, int, str, Sequence[Any]]


def write(store: Store, layers: dict[str, Layer], rows: Sequence[Row]) -> int:
    """Write rows (layer, op, fid, span, content values in the layer's order) as one changeset."""
    with Batch(store) as batch:
        for layer in layers.values():
            some = [(i, op, fid, span, "d", "d", None, *(content or [None] * (len(layer.fields) + (layer.kind == "spatial"))))
                    for i, (layer_id, op, fid, span, content) in enumerate(rows) if layer_id == layer.id]
            if some:
                batch.copy(layer, (["geom"] if layer.kind == "spatial" else []) + [f.name for f in layer.fields], some)
        return batch.apply("tester", None).seq


def fids(store: Store, count: int) -> range:
    with Batch(store) as batch:
        first = batch.reserve_fids(count)
    return range(first, first + count)


def spans(store: Store, layer: str, fid: int) -> list[str]:
    with store.read() as connection:
        return [s for (s,) in connection.execute(
            f"SELECT to_char(lower(valid), 'YYYY') || '-' || coalesce(to_char(upper(valid), 'YYYY'), '') FROM city.{layer} "
            "WHERE fid = %s ORDER BY valid", (fid,))]


def test_what_is_a_part_ends_with_the_whole_through_all_levels(store: Store, layers: dict[str, Layer]) -> None:
    plot, house, flat, note = fids(store, 4)
    write(store, layers, [("plot", "n", plot, "[1990-01-01,)", [square(0, 0, 50), "p", 1]),
                          ("house", "n", house, "[1995-01-01,)", [plot]), ("flat", "n", flat, "[1996-01-01,)", [house]),
                          ("note", "n", note, "[1996-01-01,)", [house])])
    seq = write(store, layers, [("house", "r", house, "[2015-01-01,)", ())])
    assert spans(store, "house", house) == ["1995-2015"]
    assert spans(store, "flat", flat) == ["1996-2015"]
    assert spans(store, "note", note) == ["1996-"]
    with store.read() as connection:
        touched = connection.execute("SELECT array_agg(layer ORDER BY layer) FROM gis.changeset_layer WHERE seq = %s", (seq,)).fetchone()[0]
        assert touched == ["flat", "house"]
    with store.write() as connection:
        connection.execute("SELECT gis.undo_changeset(%s, 'tester', NULL)", (seq,))
    assert spans(store, "flat", flat) == ["1996-"]


def test_what_is_referred_to_cannot_end_before_what_refers_to_it(store: Store, layers: dict[str, Layer]) -> None:
    plot, house = fids(store, 2)
    write(store, layers, [("plot", "n", plot, "[1990-01-01,)", [square(100, 0, 50), "p", 1]),
                          ("house", "n", house, "[1995-01-01,2020-01-01)", [plot])])
    with pytest.raises(Rejected) as rejected:
        write(store, layers, [("plot", "r", plot, "[2010-01-01,)", ())])
    assert [(f.code, f.fid, f.field) for f in rejected.value.faults] == [("referred", plot, None)]
    write(store, layers, [("plot", "r", plot, "[2020-01-01,)", ())])
    assert spans(store, "plot", plot) == ["1990-2020"]


def test_a_reference_must_hold_for_all_of_its_time(store: Store, layers: dict[str, Layer]) -> None:
    plot, house = fids(store, 2)
    write(store, layers, [("plot", "n", plot, "[1990-01-01,2000-01-01)", [square(200, 0, 50), "p", 1])])
    with pytest.raises(Rejected) as rejected:
        write(store, layers, [("house", "n", house, "[1995-01-01,)", [plot])])
    fault, = rejected.value.faults
    assert (fault.code, fault.field) == ("reference", "plot_fid") and "at all of that time" in fault.message
    with pytest.raises(Rejected, match="does not exist"):
        write(store, layers, [("house", "n", house, "[1995-01-01,)", [10**12])])


def test_overlap_is_measured_in_square_metres_and_only_at_the_same_time(store: Store, layers: dict[str, Layer]) -> None:
    a, b, c = fids(store, 3)
    write(store, layers, [("plot", "n", a, "[1990-01-01,2000-01-01)", [square(300, 0, 50), "a", 1])])
    # The one after it in time may lie on it; one beside it may touch it.
    write(store, layers, [("plot", "n", b, "[2000-01-01,)", [square(300, 0, 50), "b", 1]),
                          ("plot", "n", c, "[1990-01-01,)", [square(350, 0, 50), "c", 1])])
    d, e = fids(store, 2)
    with pytest.raises(Rejected) as rejected:
        write(store, layers, [("plot", "n", d, "[1995-01-01,1996-01-01)", [square(340, 40, 100), "d", 1]),
                              ("plot", "n", e, "[2010-01-01,)", [square(310, 10, 10), "e", 1])])
    faults = sorted((f.fid, f.code) for f in rejected.value.faults)
    assert faults == [(d, "overlap"), (d, "overlap"), (e, "overlap")]
    inside, = [f for f in rejected.value.faults if f.fid == e]
    # 10 m by 10 m, worked by hand from the factors of `square` (1 m is 1.17e-5 and 0.9e-5 degrees at 39.9 north).
    area = float(inside.message.split(" by ")[1].split()[0])
    assert area == pytest.approx(100, rel=0.01)
    assert inside.place == pytest.approx((116.30 + 315 * 1.17e-5, 39.90 + 15 * 0.9e-5), abs=1e-6)


def test_a_project_stays_inside_its_red_line(store: Store, layers: dict[str, Layer]) -> None:
    plot, inside, outside = fids(store, 3)
    write(store, layers, [("plot", "n", plot, "[1990-01-01,)", [square(500, 0, 50), "p", 1]),
                          ("works", "n", inside, "[2000-01-01,)", [square(510, 10, 20), plot])])
    with pytest.raises(Rejected) as rejected:
        write(store, layers, [("works", "n", outside, "[2000-01-01,)", [square(540, 10, 20), plot])])
    fault, = rejected.value.faults
    assert fault.code == "not_within" and fault.place is not None
    assert float(fault.message.split()[1]) == pytest.approx(200, rel=0.01)


def test_all_faults_come_together_and_nothing_is_written(store: Store, layers: dict[str, Layer]) -> None:
    some = fids(store, 4)
    bow = shapely.multipolygons([shapely.Polygon([(116.3, 39.9), (116.301, 39.901), (116.301, 39.9), (116.3, 39.901)])])
    bow_tie = shapely.to_wkb(shapely.set_srid(bow, 4490), hex=True, include_srid=True)
    with store.read() as connection:
        before = connection.execute("SELECT count(*), (SELECT max(seq) FROM gis.changeset) FROM city.plot").fetchone()
    with pytest.raises(Rejected) as rejected:
        write(store, layers, [("plot", "n", some[0], "[1990-01-01,)", [square(600, 0, 5), None, 1]),
                              ("plot", "n", some[1], "[1990-01-01,)", [bow_tie, "much too long", 900]),
                              ("plot", "n", some[2], "[1990-01-01,1990-01-01)", [square(700, 0, 5), "c", -1]),
                              ("plot", "r", some[3], "[1990-01-01,)", ())])
    found = {(f.row, f.code, f.field) for f in rejected.value.faults}
    assert found == {(0, "required", "name"), (1, "max_length", "name"), (1, "maximum", "storeys"),
                     (1, "geometry_invalid", "geometry"), (2, "minimum", "storeys"), (2, "span", None), (3, "unknown", None)}
    place, = [f.place for f in rejected.value.faults if f.code == "geometry_invalid"]
    assert place == pytest.approx((116.3005, 39.9005), abs=1e-6)
    with store.read() as connection:
        assert connection.execute("SELECT count(*), (SELECT max(seq) FROM gis.changeset) FROM city.plot").fetchone() == before
        assert connection.execute("SELECT count(*) FROM city_stage.plot").fetchone() == (0,)


def test_the_check_characters_of_codes(store: Store) -> None:
    """ISO 7064 by examples that others publish: a Chinese resident number (MOD 11-2) and a blood donation number (MOD 37-2)."""
    with store.read() as connection:
        def check(system: str, body: str) -> str | None:
            return connection.execute("SELECT gis.check_character(%s, %s)", (system, body)).fetchone()[0]

        assert check("iso7064_mod11_2", "11010519491231002") == "X"
        assert check("iso7064_mod11_2", "0794") == "0"
        assert check("iso7064_mod37_2", "G123498654321") == "H"
        assert check("iso7064_mod11_2", "12A") is None
        fault = connection.execute("SELECT gis.code_fault(%s)", ('{"scheme": "house", "value": "110105001201000120000"}',)).fetchone()[0]
        assert fault is not None
        assert connection.execute("SELECT gis.code_fault(%s)", ('{"scheme": "nobody", "value": "1"}',)).fetchone()[0] \
            == "code scheme 'nobody' is not known"
