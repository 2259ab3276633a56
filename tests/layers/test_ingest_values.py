"""Imports: values become what fields take or are refused by name; unknown files become layers."""

from __future__ import annotations

import csv
import warnings
from pathlib import Path
from typing import Any

import geopandas
import pytest
import shapely

from layers.catalogue import Catalogue
from layers.errors import DefinitionError, InvalidParameter
from layers.inferred_layer import field_names, infer_layer
from layers.ingest import ImportPlan, ingest
from layers.mapping import ImportMapping, read_mapping
from layers.plan import register
from layers.sources import open_source
from tests.data.import_town import houses, load, told
from tests.data.odd_files import LONG, LONGER, frame, square, write_gbk_shapefile, write_geojson


@pytest.fixture
def city(town: Catalogue) -> Catalogue:
    return town


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
    assert load(city, path, columns={"Floors": "storeys", "no": "no, codes:local"}, fixed={"use": "home", "built": "2001-02-03"}).new == 1
    assert told(city, "no, storeys, use, built::text, codes") == [("a", 3, "home", "2001-02-03", [{"scheme": "local", "value": "a"}])]


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
