"""Exports: what a reader may read of a layer, in files that others read."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import geopandas
import pyogrio
import pytest
import shapely

from layers.access import Audience, LayerGrant, ensure_audience
from layers.catalogue import Catalogue
from layers.edits import Changeset, Edit, apply_changeset
from layers.errors import InvalidParameter, UnknownLayer
from layers.export import FORMATS, export
from layers.filters import parse_filter
from layers.ingest import ImportPlan, ingest
from layers.layer import parse_layer
from layers.mapping import ImportMapping
from layers.plan import register
from layers.query import ItemQuery
from layers.sources import open_source
from layers.store import Store

TITLE = {"zh": "层", "en": "Layer"}
STALL = {"id": "stall", "geometry": "Point", "title": TITLE, "born": "runtime", "key": "name", "district": "district_code", "fields": [
    {"name": "name", "type": "string", "title": TITLE}, {"name": "seats", "type": "integer", "title": TITLE},
    {"name": "area_m2", "type": "number", "title": TITLE}, {"name": "opened", "type": "date", "title": TITLE},
    {"name": "seen_at", "type": "datetime", "title": TITLE}, {"name": "is_open", "type": "boolean", "title": TITLE},
    {"name": "codes", "type": "codes", "title": TITLE}, {"name": "owner_name", "type": "string", "title": TITLE, "personal": True},
    {"name": "district_code", "type": "string", "title": TITLE}]}
LEDGER = {"id": "ledger", "kind": "table", "title": TITLE, "born": "runtime", "fields": [{"name": "entry", "type": "string", "title": TITLE}]}


@pytest.fixture(scope="module")
def city(store: Store, owner: Audience) -> Catalogue:
    register(store, parse_layer(STALL))
    register(store, parse_layer(LEDGER))
    catalogue = Catalogue(store)
    apply_changeset(store, catalogue, owner, Changeset([
        Edit("stall", "create", properties={"name": "早点，\"豆浆\"", "seats": 4, "area_m2": 12.5, "opened": "2020-02-29", "is_open": True,
                                            "seen_at": "2024-01-01T08:00:00+08:00", "codes": [{"scheme": "local", "value": "甲-1"}],
                                            "owner_name": "王", "district_code": "110105"},
             geometry={"type": "Point", "coordinates": [116.3, 39.9]}, valid_from="2020"),
        Edit("stall", "create", properties={"name": "=1+1", "district_code": "110108"},
             geometry={"type": "Point", "coordinates": [116.4, 39.95]}, valid_from="2021-06"),
        Edit("stall", "create", properties={"name": "gone", "district_code": "110108"}, geometry={"type": "Point", "coordinates": [116.4, 39.95]},
             valid_from="1990", valid_to="2000"),
        Edit("ledger", "create", properties={"entry": "一"})], "tester"))
    return catalogue


def test_every_format_says_the_same(city: Catalogue, store: Store, owner: Audience, tmp_path: Path) -> None:
    told: dict[str, list[dict[str, Any]]] = {}
    for name, (ending, _) in FORMATS.items():
        path = tmp_path / f"stall{ending}"
        assert export(store, ItemQuery(city.layer("stall"), owner, limit=None), path) == 2
        if name == "csv":
            with path.open(encoding="utf-8-sig", newline="") as file:
                rows = list(csv.DictReader(file))
            told[name] = [{"name": r["name"], "seats": int(r["seats"]) if r["seats"] else None, "opened": r["opened"] or None,
                           "codes": json.loads(r["codes"] or "null"), "is_open": {"true": True, "": None}[r["is_open"]], "from": r["valid_from"],
                           "at": shapely.from_wkt(r["geometry"]).coords[0], "seen": r["seen_at"][:19].replace("T", " ")} for r in rows]
            continue
        frame = geopandas.read_parquet(path) if name == "parquet" else pyogrio.read_dataframe(path)
        assert frame.crs.to_epsg() == 4326
        rows = json.loads(frame.drop(columns="geometry").to_json(orient="records", date_format="iso"))
        told[name] = [{"name": r["name"], "seats": None if r["seats"] is None else int(r["seats"]),
                       "opened": None if r["opened"] is None else str(r["opened"])[:10],
                       "codes": json.loads(r["codes"]) if isinstance(r["codes"], str) else r["codes"],
                       "is_open": None if r["is_open"] is None else bool(r["is_open"]), "from": r["valid_from"], "at": g.coords[0],
                       "seen": "" if r["seen_at"] is None else str(r["seen_at"])[:19].replace("T", " ")}
                      for r, g in zip(rows, frame.geometry, strict=True)]
    expected = [{"name": "早点，\"豆浆\"", "seats": 4, "opened": "2020-02-29", "codes": [{"scheme": "local", "value": "甲-1"}], "is_open": True,
                 "from": "2020", "at": (116.3, 39.9), "seen": "2024-01-01 00:00:00"},
                {"name": "=1+1", "seats": None, "opened": None, "codes": None, "is_open": None, "from": "2021-06", "at": (116.4, 39.95), "seen": ""}]
    for name, rows in told.items():
        assert rows == expected, name


def test_questions_and_rights_hold(city: Catalogue, store: Store, owner: Audience, tmp_path: Path) -> None:
    def names(audience: Audience = owner, **asked: Any) -> list[str]:
        path = tmp_path / "q.csv"
        export(store, ItemQuery(city.layer("stall"), audience, limit=None, **asked), path)
        with path.open(encoding="utf-8-sig", newline="") as file:
            return [row["name"] for row in csv.DictReader(file)]

    assert names(filter=parse_filter("seats > 3")) == ["早点，\"豆浆\""]
    assert names(bbox=(116.35, 39.9, 116.5, 40.0)) == ["=1+1"]
    assert names(at=datetime(1995, 1, 1, tzinfo=UTC)) == ["gone"]
    haidian = ensure_audience(store, city.layers, [LayerGrant("stall", districts=("110108",), fields=("name", "district_code"))])
    assert names(haidian) == ["=1+1"]
    export(store, ItemQuery(city.layer("stall"), haidian, limit=None), tmp_path / "h.geojson")
    (feature,) = json.loads((tmp_path / "h.geojson").read_text("utf-8"))["features"]
    assert set(feature["properties"]) == {"version", "valid_from", "valid_to", "name", "district_code"} and "王" not in str(feature)
    nobody = ensure_audience(store, city.layers, [LayerGrant("ledger")])
    with pytest.raises(UnknownLayer):
        export(store, ItemQuery(city.layer("stall"), nobody, limit=None), tmp_path / "n.csv")
    assert not (tmp_path / "n.csv").exists()


def test_other_crs_tables_and_nothing(city: Catalogue, store: Store, owner: Audience, tmp_path: Path) -> None:
    export(store, ItemQuery(city.layer("stall"), owner, limit=1, srid=4548, fields=("name",)), tmp_path / "m.gpkg")
    frame = pyogrio.read_dataframe(tmp_path / "m.gpkg")
    assert frame.crs.to_epsg() == 4548
    expected = geopandas.GeoSeries([shapely.Point(116.3, 39.9)], crs=4490).to_crs(4548).iloc[0]
    assert frame.geometry.iloc[0].distance(expected) < 0.01 and list(frame.columns) == ["id", "version", "valid_from", "valid_to", "name", "geometry"]
    for ending in (".gpkg", ".parquet", ".csv"):
        assert export(store, ItemQuery(city.layer("ledger"), owner, limit=None), tmp_path / f"t{ending}") == 1
        assert export(store, ItemQuery(city.layer("stall"), owner, limit=None, fids=()), tmp_path / f"e{ending}") == 0
    assert pyogrio.read_dataframe(tmp_path / "t.gpkg")["entry"].tolist() == ["一"]
    assert len(geopandas.read_parquet(tmp_path / "e.parquet")) == 0


def test_wrong_requests_leave_what_is_there(city: Catalogue, store: Store, owner: Audience, tmp_path: Path) -> None:
    path = tmp_path / "there.geojson"
    path.write_text("mine", "utf-8")
    query = ItemQuery(city.layer("stall"), owner, limit=None, srid=4548)
    with pytest.raises(InvalidParameter, match="'crs'"):
        export(store, query, path)
    with pytest.raises(InvalidParameter, match=r"'format'.*gpkg"):
        export(store, query, tmp_path / "x.docx")
    with pytest.raises(InvalidParameter, match="'crs'.*not a known"):
        export(store, ItemQuery(city.layer("stall"), owner, srid=1), tmp_path / "x.csv")
    assert path.read_text("utf-8") == "mine" and [p.name for p in tmp_path.iterdir()] == ["there.geojson"]


def test_what_is_exported_can_be_imported_again_unchanged(city: Catalogue, store: Store, owner: Audience, tmp_path: Path) -> None:
    for ending in (".gpkg", ".parquet", ".geojson"):
        path = tmp_path / f"round{ending}"
        export(store, ItemQuery(city.layer("stall"), owner, limit=None), path)
        report = ingest(store, city, open_source(path), city.layer("stall"), ImportPlan(ImportMapping(), "tester"))
        assert (report.read, report.unchanged, report.written, report.rejected) == (2, 2, 0, 0), ending
