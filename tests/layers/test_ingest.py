"""Imports: rows are matched, checked and refused one by one, and what a file says becomes one changeset."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import textwrap
import time
import warnings
from pathlib import Path
from typing import Any

import geopandas
import pytest
import shapely

from layers.access import Audience
from layers.catalogue import Catalogue
from layers.edits import Changeset, Edit, apply_changeset
from layers.errors import Conflict, DefinitionError, InvalidParameter
from layers.import_report import ImportReport
from layers.inferred_layer import field_names, infer_layer
from layers.ingest import ImportPlan, ingest
from layers.layer import parse_layer
from layers.mapping import ImportMapping, read_mapping
from layers.plan import register
from layers.sources import open_source
from layers.staging import Batch
from layers.store import Store
from tests.data.odd_files import LONG, LONGER, frame, mixed, square, write_gbk_shapefile, write_geojson

TITLE = {"zh": "层", "en": "Layer"}
HOUSE = {"id": "house", "geometry": "MultiPolygon", "title": TITLE, "born": "runtime", "key": "no", "label": "note", "fields": [
    {"name": "no", "type": "string", "title": TITLE, "index": True, "max_length": 20},
    {"name": "storeys", "type": "integer", "title": {"zh": "层数", "en": "Storeys"}, "minimum": 0, "maximum": 100},
    {"name": "note", "type": "text", "title": TITLE}, {"name": "height_m", "type": "number", "title": TITLE},
    {"name": "built", "type": "date", "title": TITLE}, {"name": "listed", "type": "boolean", "title": TITLE},
    {"name": "seen_at", "type": "datetime", "title": TITLE}, {"name": "codes", "type": "codes", "title": TITLE},
    {"name": "use", "type": "code", "title": TITLE, "codes": {"home": TITLE, "work": TITLE}},
    {"name": "more", "type": "json", "title": TITLE}]}
DOOR = {"id": "door", "kind": "table", "title": TITLE, "born": "runtime", "key": "door_no", "fields": [
    {"name": "door_no", "type": "string", "title": TITLE},
    {"name": "house_fid", "type": "reference", "references": "house", "title": TITLE}]}
PLOT = {"id": "plot", "geometry": "MultiPolygon", "title": TITLE, "born": "runtime", "key": "no", "rules": [{"kind": "no_overlap", "tolerance_m2": 1}],
        "fields": [{"name": "no", "type": "string", "title": TITLE}]}


@pytest.fixture(scope="module")
def registered(store: Store) -> Store:
    for definition in (HOUSE, DOOR, PLOT):
        register(store, parse_layer(definition))
    return store


@pytest.fixture
def city(registered: Store) -> Catalogue:
    """Return the catalogue of a city in which nothing has happened yet."""
    with registered.write() as connection:
        connection.execute("TRUNCATE city.house, city.house_past, city.door, city.door_past, city.plot, city.plot_past, gis.search_entry, "
                           "gis.changeset_layer, gis.changeset CASCADE")
    return Catalogue(registered)


def load(city: Catalogue, path: Path, layer: str = "house", source: dict[str, Any] | None = None, **given: Any) -> ImportReport:
    """Import a file; `given` are parts of the mapping and of the plan."""
    mapping = ImportMapping(**{name: given.pop(name) for name in list(given) if name in ImportMapping.__dataclass_fields__})
    return ingest(city.store, city, open_source(path, **source or {}), city.layer(layer), ImportPlan(mapping, "tester", **given))


def told(city: Catalogue, columns: str, layer: str = "house", order: str = "no, lower(valid)") -> list[tuple[Any, ...]]:
    with city.store.read() as connection:
        return connection.execute(f"SELECT {columns} FROM city.{layer} ORDER BY {order}").fetchall()


def staged(city: Catalogue) -> int:
    with city.store.read() as connection:
        return sum(connection.execute(f"SELECT count(*) FROM city_stage.{name}").fetchone()[0] for name in ("house", "door", "plot"))


def houses(tmp_path: Path, *rows: dict[str, Any], name: str = "h.gpkg") -> Path:
    path = tmp_path / name
    path.unlink(missing_ok=True)
    frame(rows, [square(i) for i in range(len(rows))]).to_file(path)
    return path


@pytest.mark.parametrize("ending", [".gpkg", ".parquet", ".geojson"])
def test_each_row_is_taken_or_refused_for_its_own_reason(city: Catalogue, tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"mixed{ending}"
    rows = mixed()
    rows.to_parquet(path) if ending == ".parquet" else rows.to_file(path)
    report = load(city, path, valid_from="1985")
    assert (report.read, report.new, report.rejected, report.seq) == (9, 3, 6, 1)
    assert dict(report.reasons) == {("geometry_invalid", "geometry"): 1, ("geometry_missing", "geometry"): 1, ("geometry_empty", "geometry"): 1,
                                    ("geometry_type", "geometry"): 2, ("outside", "geometry"): 1}
    assert report.notes == {"promoted": 2 + 2, "heights_dropped": 1}
    assert [(f.row, f.code) for f in sorted(report.faults, key=lambda f: f.row or 0)] == [
        (4, "geometry_invalid"), (5, "geometry_missing"), (6, "geometry_empty"), (7, "geometry_type"), (8, "geometry_type"), (9, "outside")]
    invalid = next(f for f in report.faults if f.code == "geometry_invalid")
    assert "Self-intersection" in invalid.message and invalid.place == (116.305, 39.905)
    assert told(city, "no, storeys, note, lower(valid)::date::text, begin_precision::text, ST_NDims(geom), GeometryType(geom)") == [
        ("heights", 2, "第 2 行", "1985-01-01", "y", 2, "MULTIPOLYGON"), ("multipolygon", 1, "第 1 行", "1985-01-01", "y", 2, "MULTIPOLYGON"),
        ("polygon", 0, "第 0 行", "1985-01-01", "y", 2, "MULTIPOLYGON")]
    assert staged(city) == 0


def test_make_valid_repairs_and_says_so(city: Catalogue, tmp_path: Path) -> None:
    path = tmp_path / "mixed.gpkg"
    mixed().to_file(path)
    report = load(city, path, make_valid=True)
    assert (report.new, report.notes["made_valid"]) == (4, 1)
    with city.store.read() as connection:
        area, valid = connection.execute("SELECT ST_Area(geom), ST_IsValid(geom) FROM city.house WHERE no = 'bowtie'").fetchone()
    assert valid and area == pytest.approx(0.00005)         # two triangles of 0.01 by 0.005


def test_the_same_again_is_unchanged_and_writes_nothing(city: Catalogue, tmp_path: Path) -> None:
    path = houses(tmp_path, {"no": "a", "storeys": 1}, {"no": "b", "storeys": 2})
    assert load(city, path, valid_from="2000").new == 2
    again = load(city, path, valid_from="2001")
    assert (again.new, again.changed, again.unchanged, again.seq) == (0, 0, 2, None)
    with city.store.read() as connection:
        assert connection.execute("SELECT count(*) FROM gis.changeset").fetchone() == (1,)


def test_a_second_year_becomes_new_versions_and_what_vanished_ends(city: Catalogue, tmp_path: Path, owner: Audience) -> None:
    load(city, houses(tmp_path, {"no": "a", "storeys": 1}, {"no": "b", "storeys": 2}, {"no": "c", "storeys": 3}), valid_from="2013")
    fids = dict(told(city, "no, fid"))
    apply_changeset(city.store, city, owner, Changeset([Edit("house", "put", fids["b"], properties={"note": "ours"}, partial=True, valid_from="2013-06-01")], "x"))
    second = houses(tmp_path, {"no": "a", "storeys": 1}, {"no": "b", "storeys": 5}, {"no": "d", "storeys": 4})
    report = load(city, second, valid_from="2014", on_missing="retire")
    # 'd' stands where 'c' stood.
    assert (report.new, report.changed, report.unchanged, report.retired) == (1, 1, 1, 1)
    assert told(city, "no, storeys, note, lower(valid)::date::text, upper(valid)::date::text, begin_precision::text, end_precision::text") == [
        ("a", 1, None, "2013-01-01", None, "y", "s"),
        ("b", 2, None, "2013-01-01", "2013-06-01", "y", "d"), ("b", 2, "ours", "2013-06-01", "2014-01-01", "d", "y"),
        # what the file does not speak of stays
        ("b", 5, "ours", "2014-01-01", None, "y", "s"),
        ("c", 3, None, "2013-01-01", "2014-01-01", "y", "y"), ("d", 4, None, "2014-01-01", None, "y", "s")]
    assert dict(told(city, "no, fid"))["b"] == fids["b"]


def test_an_earlier_year_fills_the_time_before(city: Catalogue, tmp_path: Path) -> None:
    load(city, houses(tmp_path, {"no": "a", "storeys": 5}), valid_from="2014")
    load(city, houses(tmp_path, {"no": "a", "storeys": 3}), valid_from="2010")
    assert told(city, "storeys, lower(valid)::date::text, upper(valid)::date::text") == [(3, "2010-01-01", "2014-01-01"), (5, "2014-01-01", None)]


def test_refused_rows_do_not_end_what_they_speak_of(city: Catalogue, tmp_path: Path) -> None:
    load(city, houses(tmp_path, {"no": "a", "storeys": 1}, {"no": "b", "storeys": 2}, {"no": "c", "storeys": 3}), valid_from="2013")
    second = frame([{"no": "a", "storeys": "many"}, {"no": "b", "storeys": "900"}, {"no": "c", "storeys": "3"}],
                   [square(0), square(1), square(2)])
    second.to_file(tmp_path / "second.gpkg")
    report = load(city, tmp_path / "second.gpkg", valid_from="2014", on_missing="retire")
    assert (report.retired, report.unchanged, report.rejected) == (0, 1, 2)
    assert dict(report.reasons) == {("type", "storeys"): 1, ("maximum", "storeys"): 1}


def test_ending_most_of_a_layer_must_be_meant(city: Catalogue, tmp_path: Path) -> None:
    load(city, houses(tmp_path, {"no": "a"}, {"no": "b"}, {"no": "c"}), valid_from="2013")
    one = houses(tmp_path, {"no": "a"})
    with pytest.raises(InvalidParameter, match=r"'on-missing': 2 of 3 features.*--most-missing"):
        load(city, one, valid_from="2014", on_missing="retire")
    assert staged(city) == 0
    assert load(city, one, valid_from="2014", on_missing="retire", most_missing=1.0).retired == 2


def test_geometries_that_hardly_differ_are_the_same(city: Catalogue, tmp_path: Path) -> None:
    path = tmp_path / "h.gpkg"
    frame([{"no": "a"}], [square(0)]).to_file(path)
    load(city, path, valid_from="2013")
    # 5e-6 degrees of latitude are 0.56 m
    frame([{"no": "a"}], [shapely.affinity.translate(square(0), 0, 5e-6)]).to_file(tmp_path / "moved.gpkg")
    assert load(city, tmp_path / "moved.gpkg", valid_from="2014", same_within_m=0.6, dry_run=True).unchanged == 1
    assert load(city, tmp_path / "moved.gpkg", valid_from="2014", same_within_m=0.5, dry_run=True).changed == 1
    assert load(city, tmp_path / "moved.gpkg", valid_from="2014", dry_run=True).changed == 1
    assert len(told(city, "no")) == 1 and staged(city) == 0


def test_keys_that_are_missing_or_repeated_are_refused(city: Catalogue, tmp_path: Path) -> None:
    report = load(city, houses(tmp_path, {"no": "a"}, {"no": None}, {"no": "a"}, {"no": " a "}, {"no": ""}))
    assert (report.new, report.rejected) == (1, 4)
    assert [(f.row, f.code) for f in report.faults] == [(2, "key_missing"), (3, "key_repeated"), (4, "key_repeated"), (5, "key_missing")]
    assert "row 1" in report.faults[1].message


def test_times_of_rows_make_a_history_of_one_feature(city: Catalogue, tmp_path: Path) -> None:
    path = houses(tmp_path, {"no": "a", "storeys": 1, "since": "1990"}, {"no": "a", "storeys": 2, "since": "2005-06"}, {"no": "b", "storeys": 9, "since": "soon"},
                  {"no": "c", "storeys": 9, "since": None}, {"no": "a", "storeys": 3, "since": "2005-06"})
    report = load(city, path, valid_from_field="since")
    assert told(city, "storeys, lower(valid)::date::text, upper(valid)::date::text, begin_precision::text, end_precision::text") == [
        (1, "1990-01-01", "2005-06-01", "y", "m"), (2, "2005-06-01", None, "m", "s")]
    assert len({fid for (fid,) in told(city, "fid")}) == 1
    assert dict(report.reasons) == {("valid_from", "since"): 2, ("key_repeated", "no"): 1}
    assert load(city, path, valid_from_field="since", valid_from="1980").unchanged == 2


def test_values_are_read_as_what_they_are_or_refused_by_name(city: Catalogue, tmp_path: Path) -> None:
    good = {"no": "good", "storeys": "7", "height_m": " 21.5 ", "built": "2014/3/9", "listed": "是", "seen_at": "2014-03-09 08:00", "use": "住宅",
            "more": '{"a": [1]}', "certificate": "XC-1"}
    bad = {"no": "bad", "storeys": "7.5", "height_m": "tall", "built": "3/9/2014", "listed": "maybe", "seen_at": "yesterday", "use": "住宅", "more": "{",
           "certificate": None}
    path = tmp_path / "values.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(good))
        writer.writeheader()
        writer.writerows([good, bad, {**good, "no": "code", "use": "stable"}])
    with pytest.raises(InvalidParameter, match="has no geometry"):
        load(city, path, key=None, columns={"no": "note"})
    load(city, houses(tmp_path, {"no": "good"}, {"no": "bad"}, {"no": "code"}))
    report = load(city, path, columns={"certificate": "codes:local"}, values={"use": {"住宅": "home"}})
    assert told(city, "storeys, height_m, built::text, listed, seen_at::text, use, more, codes, ST_Area(geom) > 0", order="lower(valid) DESC, no")[:1] == [
        (7, 21.5, "2014-03-09", True, "2014-03-09 00:00:00+00", "home", {"a": [1]}, [{"scheme": "local", "value": "XC-1"}], True)]
    assert dict(report.reasons) == {("type", name): 1 for name in ("storeys", "height_m", "built", "listed", "seen_at", "more")} | {("code", "use"): 1}
    assert report.rejected == 2
    assert any("'storeys' must be a whole number; the file has '7.5'" in f.message and f.row == 2 for f in report.faults)


def test_numbers_of_files_that_are_no_numbers(city: Catalogue, tmp_path: Path) -> None:
    path = tmp_path / "n.parquet"
    frame([{"no": "a", "height_m": float("nan"), "storeys": 3.0}, {"no": "b", "height_m": float("inf"), "storeys": 4.0}],
          [square(0), square(1)]).to_parquet(path)
    report = load(city, path)
    assert told(city, "no, height_m, storeys") == [("a", None, 3)]
    assert dict(report.reasons) == {("type", "height_m"): 1}


def test_references_by_a_name_of_the_other_layer(city: Catalogue, tmp_path: Path) -> None:
    load(city, houses(tmp_path, {"no": "a"}, {"no": "b"}), valid_from="2000")
    path = tmp_path / "doors.csv"
    path.write_text("door_no,house\n1,a\n2,b\n3,zz\n", "utf-8")
    report = load(city, path, layer="door", columns={"house": "house_fid.no"}, valid_from="2001")
    assert told(city, "door_no, house_fid", "door", "door_no") == [("1", told(city, "fid")[0][0]), ("2", told(city, "fid")[1][0])]
    assert [(f.row, f.field, f.message) for f in report.faults] == [(3, "house_fid", "layer 'house' has no feature with no 'zz'")]


def test_rows_that_break_a_rule_are_left_out_with_what_hangs_on_them(city: Catalogue, tmp_path: Path) -> None:
    def plots(*squares: Any) -> Path:
        path = tmp_path / "plots.gpkg"
        path.unlink(missing_ok=True)
        frame([{"no": str(i)} for i in range(len(squares))], squares).to_file(path)
        return path

    row = [shapely.box(116.30 + i * 0.001, 39.9, 116.301 + i * 0.001, 39.901) for i in range(4)]
    assert load(city, plots(*row), "plot", valid_from="2013").new == 4
    # All move 1 m to the east; the last is broken, so it stays, and so must its neighbour, and so on.
    moved = [shapely.affinity.translate(g, 0.00001, 0) for g in row]
    moved[3] = shapely.Polygon([(116.303, 39.9), (116.304, 39.901), (116.304, 39.9), (116.303, 39.901)])
    report = load(city, plots(*moved), "plot", valid_from="2014")
    assert (report.changed, report.rejected) == (0, 4)
    assert dict(report.reasons) == {("geometry_invalid", "geometry"): 1, ("overlap", "geometry"): 3}
    assert any("own new version is refused" in f.message for f in report.faults)
    # Two rows of one file: the later one is refused.
    twice = load(city, plots(*row, shapely.box(116.3105, 39.9, 116.3115, 39.901), shapely.box(116.311, 39.9, 116.312, 39.901)), "plot", valid_from="2014")
    assert (twice.new, twice.unchanged) == (1, 4)
    assert [(f.row, f.code) for f in twice.faults] == [(6, "overlap")] and "overlaps row 5 by" in twice.faults[0].message


def test_projected_coordinates_arrive_where_they_are(city: Catalogue, tmp_path: Path) -> None:
    path = tmp_path / "p.gpkg"
    there = geopandas.GeoSeries([square(0)], crs=4490)
    frame([{"no": "a"}], there.to_crs(4548).values, "EPSG:4548").to_file(path)
    load(city, path)
    ((text,),) = told(city, "ST_AsText(geom)")
    assert shapely.from_wkt(text).hausdorff_distance(square(0)) < 1e-8
    unknown = tmp_path / "u.gpkg"
    with warnings.catch_warnings(action="ignore"):
        frame([{"no": "b"}], there.to_crs(4548).values, None).to_file(unknown)
    with pytest.raises(InvalidParameter, match=r"'crs'.*--crs"):
        load(city, unknown)
    assert load(city, unknown, source={"crs": "EPSG:4548"}).new == 1
    with pytest.raises(InvalidParameter, match="'crs'.*no known"):
        open_source(unknown, crs="EPSG:0")


def test_mappings_that_do_not_fit_are_told_all_at_once(city: Catalogue, tmp_path: Path) -> None:
    path = houses(tmp_path, {"no": "a", "Floors": 3})
    with pytest.raises(DefinitionError) as error:
        load(city, path, columns={"Flors": "storeys", "Floors": "stories", "no": "no:x"}, fixed={"nota": "x"}, values={"use": {}})
    said = "\n".join(error.value.faults)
    assert "no column 'Flors'; did you mean Floors?" in said and "no field 'stories'; did you mean storeys" in said
    assert "a scheme is for fields of type codes" in said and "set: layer 'house' has no field 'nota'" in said and "values: field 'use' is not mapped" in said
    with pytest.raises(DefinitionError, match="stands first"):
        load(city, path, columns={"storeys": "Floors"})
    with pytest.raises(InvalidParameter, match="'set'.*whole number"):
        load(city, path, fixed={"storeys": "three"})
    with pytest.raises(InvalidParameter, match="'key'.*has no field"):
        load(city, path, key="nothing")
    with pytest.raises(InvalidParameter, match="'valid-from-field'"):
        load(city, path, valid_from_field="year")
    assert load(city, path, columns={"Floors": "storeys"}, fixed={"use": "home", "built": "2001-02-03"}).new == 1
    assert told(city, "storeys, use, built::text") == [(3, "home", "2001-02-03")]


def test_mapping_files(tmp_path: Path) -> None:
    path = tmp_path / "m.yaml"
    path.write_text("layer: house\nkey: no\nmap: {a: b}\nset: {use: home}\nvalues: {use: {1: home}}\nvalid_from: 2014\n", "utf-8")
    assert read_mapping(path) == ImportMapping("house", None, "no", {"a": "b"}, {"use": "home"}, {"use": {"1": "home"}}, "2014")
    path.write_text("layr: house\nmap: [a]\n", "utf-8")
    with pytest.raises(DefinitionError, match=r"'layr' is not known.*'map' must be a table"):
        read_mapping(path)


def test_an_unknown_file_becomes_a_layer(city: Catalogue, tmp_path: Path) -> None:
    path = write_geojson(tmp_path / "tile.geojson.gz", [
        ({"建物ID": "x-1", "名称": "东京塔", LONG: "3m", LONGER: 2.5, "id": 7, "valid": True}, square(0)),
        ({"建物ID": "x-2", "名称": None, LONG: None, LONGER: None, "id": 8, "valid": None}, square(1))])
    source = open_source(path)
    layer, mapping = infer_layer(source, "tiles_of_tokyo", "建物ID", ImportMapping())
    assert [(f.name, f.type, f.search) for f in layer.fields][:2] == [("jian_wu_id", "string", "code"), ("ming_cheng", "string", "name")]
    assert (layer.geometry, layer.key, layer.label, layer.born) == ("MultiPolygon", "jian_wu_id", "ming_cheng", "runtime")
    names = {f.name: f.title.zh for f in layer.fields}
    assert len(names) == 6 and max(map(len, names)) <= 48 and {LONG, LONGER} <= set(names.values()) and names["valid_2"] == "valid" and names["id_2"] == "id"
    register(city.store, layer)
    city.refresh()
    report = ingest(city.store, city, source, city.layer("tiles_of_tokyo"), ImportPlan(mapping, "tester"))
    assert (report.new, report.rejected) == (2, 0)
    # Later files need no mapping: columns are known by the titles of their fields.
    again = ingest(city.store, city, open_source(path), city.layer("tiles_of_tokyo"), ImportPlan(ImportMapping(), "tester"))
    assert (again.unchanged, again.new) == (2, 0)
    with pytest.raises(InvalidParameter, match="'new-layer'"):
        infer_layer(source, "Tiles", None, ImportMapping())
    with pytest.raises(InvalidParameter, match="'key'.*there is|'key'.*it has"):
        infer_layer(source, "tiles2", "nothing", ImportMapping())


def test_field_names_are_ascii_short_and_each_once() -> None:
    names = field_names(["NAME", "Name", "名称", "13_区", "カタカナ", "fid", "很" * 60, "很" * 60 + "长", "geometry"], {"名称": "name"})
    assert list(names.values())[:5] == ["name", "name_2", "name_3", "f_13_qu", "field_5"] and names["fid"] == "fid_2" and names["geometry"] == "geometry_2"
    assert len(set(names.values())) == 9 and all(n.isascii() and len(n) <= 48 for n in names.values())


def test_kinds_of_geometry_decide_the_layer(tmp_path: Path) -> None:
    def kind(*geometries: Any) -> str | None:
        return infer_layer(open_source(write_geojson(tmp_path / "k.geojson", [({"a": 1}, g) for g in geometries])), "k", None, ImportMapping())[0].geometry

    point, line = shapely.Point(116, 39), shapely.LineString([(116, 39), (117, 40)])
    assert kind(point) == "Point" and kind(point, shapely.MultiPoint([point])) == "MultiPoint" and kind(line) == "MultiLineString"
    assert kind(square(0), shapely.MultiPolygon([square(1)])) == "MultiPolygon" and kind(point, line) == "Geometry"


def test_a_gbk_shapefile_is_read_when_it_is_said(city: Catalogue, tmp_path: Path) -> None:
    path = write_gbk_shapefile(tmp_path)
    source = open_source(path, crs="EPSG:4490", encoding="GBK")
    layer, mapping = infer_layer(source, "gbk", "区划代码", ImportMapping())
    register(city.store, layer)
    city.refresh()
    assert ingest(city.store, city, source, city.layer("gbk"), ImportPlan(mapping, "tester")).new == 2
    assert told(city, "qu_hua_dai_ma, ming_cheng, bei_zhu", "gbk", "1") == [("110101", "东城区", "中心城区、首批"), ("110102", "西城区", None)]


def test_somebody_elses_edit_meanwhile_is_a_conflict(city: Catalogue, tmp_path: Path, owner: Audience) -> None:
    load(city, houses(tmp_path, {"no": "a", "storeys": 1}), valid_from="2013")
    fid = told(city, "fid")[0][0]
    done: list[str] = []

    def meanwhile(step: str, count: int, of: int | None) -> None:
        if step == "write" and not done:
            done.append(step)
            apply_changeset(city.store, city, owner, Changeset([Edit("house", "put", fid, properties={"note": "mine"}, partial=True, valid_from="2013")], "x"))

    path = houses(tmp_path, {"no": "a", "storeys": 2})
    with pytest.raises(Conflict):
        ingest(city.store, city, open_source(path), city.layer("house"), ImportPlan(ImportMapping(valid_from="2014"), "tester"), meanwhile)
    assert told(city, "storeys, note") == [(1, "mine")] and staged(city) == 0


def test_the_report_gives_the_first_faults_and_counts_the_rest(city: Catalogue, tmp_path: Path) -> None:
    path = houses(tmp_path, *({"no": f"{i:03d}", "storeys": 500} for i in range(50)))
    report = load(city, path, examples=5)
    assert report.reasons["maximum", "storeys"] == 50 and report.rejected == 50 and [f.row for f in report.faults] == [1, 2, 3, 4, 5]
    report.write_faults(tmp_path / "faults.csv")
    assert (tmp_path / "faults.csv").read_text("utf-8-sig").splitlines()[1].startswith("1,storeys,maximum,'storeys' must be at most 100")


def test_many_rows_stay_within_memory_and_one_changeset(city: Catalogue, tmp_path: Path) -> None:
    count = 45_000
    places = geopandas.GeoDataFrame({"no": [f"n{i}" for i in range(count)], "storeys": [i % 90 for i in range(count)]},
                                    geometry=[shapely.box(x := 116.21 + (i % 300) * 0.001, y := 39.81 + (i // 300) * 0.001, x + 0.0005, y + 0.0005)
                                              for i in range(count)], crs=4326)
    path = tmp_path / "many.parquet"
    places.to_parquet(path)
    seen: list[int] = []
    source = open_source(path)
    report = ingest(city.store, city, source, city.layer("house"), ImportPlan(ImportMapping(), "tester"),
                    lambda step, done, of: seen.append(done) if step == "read" else None)
    assert (report.new, report.seq) == (count, 1) and seen == [20_000, 40_000, count] and source.count == count
    with city.store.read() as connection:
        assert connection.execute("SELECT count(*), count(DISTINCT fid), count(DISTINCT seq_from) FROM city.house").fetchone() == (count, count, 1)


KILLED = """
    import os, signal, sys
    from pathlib import Path
    from layers.catalogue import Catalogue
    from layers.ingest import ImportPlan, ingest
    from layers.mapping import ImportMapping
    from layers.sources import open_source
    from layers.store import Store
    store = Store(sys.argv[1])
    city = Catalogue(store)
    def progress(step, done, of):
        if step == sys.argv[3]:
            print("now", flush=True)
            if step != "write":
                os.kill(os.getpid(), signal.SIGKILL)
    ingest(store, city, open_source(Path(sys.argv[2])), city.layer("house"), ImportPlan(ImportMapping(), "killed"), progress)
    print("done", flush=True)
"""


@pytest.mark.parametrize("step", ["read", "compare", "check", "write"])
def test_a_killed_import_leaves_nothing(city: Catalogue, tmp_path: Path, step: str) -> None:
    path = houses(tmp_path, *({"no": f"n{i}"} for i in range(40)))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIS_")}
    with subprocess.Popen([sys.executable, "-c", textwrap.dedent(KILLED), city.store.dsn, str(path), step], stdout=subprocess.PIPE, text=True,
                          cwd=Path(__file__).parents[2], env=environment | {"PYTHONPATH": "."}) as process:
        assert process.stdout is not None and process.stdout.readline() == "now\n"
        if step == "write":
            process.send_signal(signal.SIGKILL)
        process.wait(30)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        # The server needs a moment to notice; then either all is there, or nothing.
        with city.store.read() as connection:
            (busy,) = connection.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
                                         "AND backend_type = 'client backend' AND state <> 'idle'").fetchone()
        if not busy:
            break
        time.sleep(0.05)
    with city.store.read() as connection:
        seqs, rows = connection.execute("SELECT (SELECT count(*) FROM gis.changeset), (SELECT count(*) FROM city.house)").fetchone()
    assert (seqs, rows) in ([(0, 0), (1, 40)] if step == "write" else [(0, 0)])
    assert Batch.sweep(city.store) == (40 if seqs == 0 else 0)
    assert staged(city) == 0
    assert load(city, path).seq == (1 if seqs == 0 else None)


