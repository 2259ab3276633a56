"""Buildings and their surfaces from CityJSON: one changeset, the same again, what changes, what is refused; real quarters of two cities."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from click.testing import CliRunner
from pyproj import Transformer

from config.settings import ROOT, Settings
from gisserver.cli import gis
from gisserver.ops.preparation import prepare_store
from layers.access import OWNER
from layers.building_surfaces import parse_surfaces
from layers.catalogue import Catalogue
from layers.edits import Changeset, Edit, apply_changeset
from layers.features import rows
from layers.history import changeset, undo
from layers.import_report import ImportReport
from layers.ingest import ImportPlan, ingest
from layers.layer import parse_layer
from layers.mapping import ImportMapping, read_mapping
from layers.plan import register
from layers.query import ItemQuery
from layers.sources import open_source
from layers.store import Store
from tests.data.houses import House, city_json, write_city_json

TO_STORAGE = Transformer.from_crs(4548, 4490, always_xy=True)
A, B = House(450_000, 4_420_000, 45), House(450_100, 4_420_000, 46, w=20)
FIXED = {"status": "in_use", "use": "other", "district_code": "110105"}
MAPPING = ImportMapping(columns={"storeys": "floors_above"}, fixed=FIXED, valid_from="2015")


def bring(store: Store, catalogue: Catalogue, path: Path, mapping: ImportMapping = MAPPING, **how: Any) -> ImportReport:
    return ingest(store, catalogue, open_source(path, crs=mapping.crs), catalogue.layer("building"), ImportPlan(mapping, "surveyor", **how))


def told(report: ImportReport) -> tuple[int, int, int, int, int]:
    return report.new, report.changed, report.retired, report.unchanged, report.rejected


def kept(store: Store, catalogue: Catalogue, layer: str, form: Any = "wkt", **query: Any) -> dict[str, dict[str, Any]]:
    asked = ItemQuery(catalogue.layer(layer), OWNER, limit=None, srid=catalogue.city.storage_srid, **query)
    return {row["source_id"]: row for row in rows(store, asked, form)}


@pytest.fixture
def city(empty_store: Store) -> Catalogue:
    return Catalogue(empty_store)


def test_buildings_and_surfaces_are_one_changeset(city, tmp_path):
    store = city.store
    path = write_city_json(tmp_path / "t.city.json", city_json({"a": A, "b": B}))
    report = bring(store, city, path)
    assert report.part is not None and told(report) == told(report.part) == (2, 0, 0, 0, 0) and report.seq == 1
    assert {t.layer: t.added for t in changeset(store, city, OWNER, 1).layers} == {"building": 2, "building_surface": 2}
    buildings, surfaces = kept(store, city, "building", "wkb"), kept(store, city, "building_surface")
    assert (buildings["a"]["ground_elevation_m"], buildings["a"]["height_m"], buildings["a"]["floors_above"], buildings["a"]["valid_from"]) == (45, 8, 2, "2015")
    there = shapely.transform(shapely.from_wkb(buildings["b"]["geometry"]), lambda c: np.column_stack(TO_STORAGE.transform(c[:, 0], c[:, 1], direction="INVERSE")))
    assert there.symmetric_difference(shapely.box(450_100, 4_420_000, 450_120, 4_420_008)).area < 1e-2
    kept_b = surfaces["b"]
    assert (kept_b["building_fid"], kept_b["lod"], kept_b["lowest_m"], kept_b["highest_m"], kept_b["district_code"]) == (buildings["b"]["id"], "2", 46, 54, "110105")
    wanted = {(*TO_STORAGE.transform(x, y), z) for _, rings in B.polygons for ring in rings for x, y, z in ring}
    found = np.concatenate([ring for each in parse_surfaces(kept_b["surfaces"]) for ring in each.rings])
    assert np.abs(found[:, None] - np.array(sorted(wanted))).max(axis=2).min(axis=1).max() < 1e-8


def test_the_same_again_says_nothing_and_a_better_model_is_a_new_version(city, tmp_path):
    store = city.store
    path = write_city_json(tmp_path / "t.city.json", city_json({"a": A, "b": B}, lod="1.2"))
    bring(store, city, path)
    again = bring(store, city, path)
    assert again.part is not None and told(again) == told(again.part) == (0, 0, 0, 2, 0) and again.seq is None
    write_city_json(path, city_json({"a": A, "b": B}, lod="2.2", turned=[1]))
    better = bring(store, city, path, ImportMapping(fixed=FIXED, valid_from="2020"))
    assert better.part is not None and (told(better), told(better.part), better.seq) == ((0, 0, 0, 2, 0), (0, 2, 0, 0, 0), 2)
    assert {kept(store, city, "building_surface", known_at=s)["a"]["lod"] for s in (1, 2)} == {"1.2", "2.2"}
    undo(store, city, OWNER, 2, "surveyor", None)
    assert kept(store, city, "building_surface")["a"]["lod"] == "1.2"


def test_what_is_gone_takes_its_surfaces_along(city, tmp_path):
    store = city.store
    path = write_city_json(tmp_path / "t.city.json", city_json({"a": A, "b": B}))
    bring(store, city, path)
    write_city_json(path, city_json({"a": A}))
    gone = bring(store, city, path, ImportMapping(fixed=FIXED, valid_from="2018"), on_missing="retire")
    assert gone.part is not None and told(gone) == told(gone.part) == (0, 0, 1, 1, 0)
    assert kept(store, city, "building").keys() == kept(store, city, "building_surface").keys() == {"a"}


def test_surfaces_follow_the_time_and_the_fate_of_their_building(city, tmp_path):
    """One building has an announced end, one is refused: surfaces end with it, or do not come."""
    store = city.store
    path = write_city_json(tmp_path / "t.city.json", city_json({"a": A, "b": B}))
    square = {"type": "Polygon", "coordinates": [[[116.4, 39.9], [116.401, 39.9], [116.401, 39.901], [116.4, 39.9]]]}
    apply_changeset(store, city, OWNER, Changeset((Edit("building", "create", properties=FIXED | {"source_id": "a"}, geometry=square, valid_from="2000",
                                                        valid_to="2030-01-01"),), "clerk"))
    report = bring(store, city, path, replace(MAPPING, columns={"source_id": "source_id,name"}))
    assert report.part is not None and (told(report), told(report.part)) == ((1, 1, 0, 0, 0), (2, 0, 0, 0, 0))
    assert [kept(store, city, "building_surface")[name]["valid_to"] for name in "ab"] == ["2030-01-01", None]
    bad, broken = tmp_path / "bad.city.json", city_json({"c": A, "d": B})
    broken["CityObjects"]["d"]["attributes"] = {"height_m": -5}
    report = bring(store, city, write_city_json(bad, broken), ImportMapping(fixed=FIXED, valid_from="2015"))
    assert report.part is not None and (told(report), told(report.part)) == ((1, 0, 0, 0, 1), (1, 0, 0, 0, 0))
    assert report.reasons == {("minimum", "height_m"): 1} and "d" not in kept(store, city, "building_surface")
    dry = bring(store, city, write_city_json(bad, city_json({"e": A})), dry_run=True)
    assert dry.part is not None and dry.part.new == 1 and dry.seq is None and "e" not in kept(store, city, "building")


def test_surfaces_that_break_the_rule_of_their_layer_stay_behind_with_their_row(city, tmp_path):
    """The ridge of one house is bent by three metres: the building comes, its surfaces do not, and the report says which row and which surface."""
    data = city_json({"a": A, "b": B})
    corner = max(range(len(data["vertices"])), key=lambda n: (data["vertices"][n][0], data["vertices"][n][2]))
    data["vertices"].append([*data["vertices"][corner][:2], data["vertices"][corner][2] + 3000])
    (roof,) = data["CityObjects"]["b"]["geometry"][0]["boundaries"][0][5]
    data["CityObjects"]["b"]["geometry"][0]["boundaries"][0][5] = [[len(data["vertices"]) - 1 if at == corner else at for at in roof]]
    report = bring(city.store, city, write_city_json(tmp_path / "t.city.json", data))
    assert report.part is not None and told(report) == (2, 0, 0, 0, 0) and told(report.part) == (1, 0, 0, 0, 1)
    assert report.part.reasons == {("surface_plane", "surfaces"): 1}
    (fault,) = report.part.faults
    assert (fault.row, fault.layer, fault.field) == (2, "building_surface", "surfaces") and fault.message.startswith("surface 5 is not flat")
    assert kept(city.store, city, "building_surface").keys() == {"a"}


def test_textures_are_counted_as_left_out(city, tmp_path):
    data = city_json({"a": A}) | {"appearance": {"textures": [{"type": "JPG", "image": "a.jpg"}] * 2, "materials": [{"name": "brick", "diffuseColor": [0.8, 0.3, 0.2]}]}}
    report = bring(city.store, city, write_city_json(tmp_path / "t.city.json", data))
    assert report.part is not None and report.part.notes == {"textures_dropped": 2, "materials_dropped": 1}


def test_a_key_is_needed_and_a_layer_that_takes_them(city, tmp_path):
    """Into a layer of its own go footprints and attributes; that the surfaces stay behind is said."""
    store = city.store
    register(store, parse_layer({"id": "shed", "title": {"zh": "棚", "en": "Shed"}, "geometry": "MultiPolygon", "key": "source_id",
                                 "fields": [{"name": "source_id", "type": "string", "title": {"zh": "号", "en": "No"}}]}))
    city.refresh()
    path = write_city_json(tmp_path / "t.city.json", city_json({"a": A}))
    report = ingest(store, city, open_source(path), city.layer("shed"), ImportPlan(ImportMapping(), "surveyor"))
    assert report.part is None and report.new == 1 and report.notes["surfaces_dropped"] == 1


def test_the_command_says_it_in_both_languages(city, tmp_path, monkeypatch):
    settings = Settings(var=tmp_path, database_url=city.store.dsn)
    path = write_city_json(tmp_path / "t.city.json", city_json({"a": A}))
    words = ["import", str(path), "--layer", "building", *(w for name, value in FIXED.items() for w in ("--set", f"{name}={value}"))]
    monkeypatch.setenv("COLUMNS", "300")
    for name in ("LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "C.UTF-8")
    done = CliRunner().invoke(gis, words, obj=settings)
    assert done.exit_code == 0 and "-> building: read 1, written 1" in done.output and "-> building_surface: read 1, written 1" in done.output
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    assert "→ building_surface：读取 1，写入 0（新增 0，变更 0，终止 0），未变 1" in CliRunner().invoke(gis, words, obj=settings).output


@pytest.mark.data
def test_rotterdam(city, shared_data):
    """LoD2 without a reference system, away from this city: named, and every building refused as outside of it."""
    path = shared_data / "city3d" / "rotterdam_subset_cityjson.json"
    with pytest.raises(Exception, match="pass --crs"):
        bring(city.store, city, path, ImportMapping(fixed=FIXED))
    report = bring(city.store, city, path, ImportMapping(fixed=FIXED, crs="EPSG:28992", columns={"TerrainHeight": "ground_elevation_m"}))
    assert report.part is not None and report.rejected == 16 and report.part.written == 0 and report.seq is None
    assert report.part.notes == {"textures_dropped": 74}


@pytest.mark.data
def test_delft(server, shared_data):
    """A city of its own in metres, by the mapping that is there: 160 buildings with the surfaces of a laser scan."""
    name = f"gis_test_delft_{os.getpid()}"
    store = Store(server.create(name, "template0"))
    try:
        prepare_store(store, ROOT / "config" / "cities" / "delft.yaml")
        catalogue = Catalogue(store)
        path, mapping = shared_data / "city3d" / "delft_cityjson.json", read_mapping(ROOT / "config" / "imports" / "delft_cityjson.yaml")
        report = bring(store, catalogue, path, mapping)
        assert report.part is not None and told(report) == told(report.part) == (160, 0, 0, 0, 0), report.reasons
        again = bring(store, catalogue, path, mapping)
        assert again.part is not None and told(again) == told(again.part) == (0, 0, 0, 160, 0)
        buildings, surfaces = kept(store, catalogue, "building", "wkb"), kept(store, catalogue, "building_surface")
        for key in buildings:
            box = shapely.bounds(shapely.from_wkb(buildings[key]["geometry"]))
            points = np.concatenate([ring for each in parse_surfaces(surfaces[key]["surfaces"]) for ring in each.rings])
            assert np.abs(np.r_[points[:, :2].min(axis=0), points[:, :2].max(axis=0)] - box).max() < 0.1
            assert surfaces[key]["highest_m"] - buildings[key]["ground_elevation_m"] == pytest.approx(buildings[key]["height_m"], abs=2e-3)
        assert min(row["valid_from"] for row in buildings.values()) == "2014-07-09"
    finally:
        store.close()
        server.drop(name)
