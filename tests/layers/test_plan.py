"""Changing definitions on a populated store: what is kept, what is refused, and that the way there equals a fresh start."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from layers.access import LayerGrant, ensure_audience
from layers.catalogue import Catalogue
from layers.errors import DefinitionError
from layers.layer import Layer, parse_layer
from layers.plan import apply, plan, register
from layers.staging import Batch
from layers.store import Store

TITLE = {"zh": "层", "en": "Layer"}
OLD: dict[str, Any] = {
    "id": "sample", "geometry": "Polygon", "title": TITLE, "born": "runtime", "key": "number",
    "fields": [{"name": "number", "type": "string", "title": TITLE}, {"name": "storeys", "type": "integer", "title": TITLE},
               {"name": "kind", "type": "code", "title": TITLE, "codes": {"a": TITLE, "b": TITLE}}]}


def changed(**more: Any) -> Layer:
    return parse_layer({**copy.deepcopy(OLD), **more})


def fields(*names: str, **extra: dict[str, Any]) -> list[dict[str, Any]]:
    by_name = {f["name"]: f for f in copy.deepcopy(OLD["fields"])}
    return [by_name.get(n, {"name": n, "type": "string", "title": TITLE}) | extra.get(n, {}) for n in names]


def shape_of(store: Store) -> list[tuple[Any, ...]]:
    """Columns, types, generated expressions, indexes and constraints of everything that is called sample or named so."""
    with store.read() as connection:
        columns = connection.execute(
            "SELECT c.relnamespace::regnamespace::text, c.relname, attname, format_type(atttypid, atttypmod), attgenerated::text, attnotnull "
            "FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid WHERE c.relname ~ '^sample(_past)?$' AND attnum > 0 AND NOT attisdropped "
            "ORDER BY 1, 2, 3").fetchall()
        indexes = connection.execute("SELECT schemaname, indexname, indexdef FROM pg_indexes WHERE tablename ~ '^sample(_past)?$' ORDER BY 1, 2").fetchall()
        checks = connection.execute("SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid::regclass::text ~ 'sample' ORDER BY 1").fetchall()
    return columns + indexes + checks


def populate(store: Store) -> int:
    layer = parse_layer(OLD)
    register(store, layer)
    with Batch(store) as batch:
        fid = batch.reserve_fids(1)
        with store.read() as connection:
            polygon = connection.execute("SELECT ST_GeomFromText('POLYGON((116.3 39.9, 116.31 39.9, 116.31 39.91, 116.3 39.9))', 4490)::text").fetchone()[0]
        batch.copy(layer, ["geom", "number", "storeys", "kind"],
                   [(0, "n", fid, "[2000-01-01,)", "y", "s", None, polygon, "N1", 6, "a")])
        batch.apply("tester", None)
    with Batch(store) as batch:
        batch.copy(layer, ["geom", "number", "storeys", "kind"],
                   [(0, "c", fid, "[2000-01-01,)", "y", "s", None, polygon, "N1", 7, "b")])
        batch.apply("tester", None)
    return fid


def test_the_way_there_equals_a_fresh_start(empty_store: Store, new_store: Any) -> None:
    new = changed(geometry="MultiPolygon", key="code", fields=[
        {"name": "code", "type": "string", "title": TITLE, "was": "number"},
        {"name": "storeys", "type": "number", "title": TITLE, "index": True},
        {"name": "kind", "type": "code", "title": TITLE, "codes": {"a": TITLE, "b": TITLE, "c": TITLE}},
        {"name": "remark", "type": "text", "title": TITLE}])
    fid = populate(empty_store)
    register(empty_store, new)
    with new_store() as fresh:
        register(fresh, new)
        assert shape_of(empty_store) == shape_of(fresh)
    with empty_store.read() as connection:
        assert connection.execute("SELECT code, storeys, kind, remark, GeometryType(geom), GeometryType(geom_tile) FROM city.sample "
                                  "WHERE fid = %s", (fid,)).fetchone() == ("N1", 7.0, "b", None, "MULTIPOLYGON", "MULTIPOLYGON")
        assert connection.execute("SELECT code, storeys FROM city.sample_past").fetchone() == ("N1", 6.0)
        versions = connection.execute("SELECT version, is_present FROM gis.layer_definition WHERE layer = 'sample' ORDER BY 1").fetchall()
    assert versions == [(1, False), (2, True)]
    assert Catalogue(empty_store).layer("sample") == new


def test_a_renamed_layer_keeps_its_features_and_equals_a_fresh_one(empty_store: Store, new_store: Any) -> None:
    fid = populate(empty_store)
    original = shape_of(empty_store)
    register(empty_store, changed(born="config"))
    files = {i: layer for i, layer in Catalogue(empty_store).layers.items() if i != "sample"}
    apply(empty_store, files | {"specimen": changed(id="specimen", was="sample", born="config")})
    with empty_store.read() as connection:
        assert connection.execute("SELECT fid, number FROM city.specimen").fetchone() == (fid, "N1")
        assert connection.execute("SELECT DISTINCT layer FROM gis.changeset_layer").fetchall() == [("specimen",)]
    apply(empty_store, files | {"sample": changed(was="specimen", born="config")})
    assert shape_of(empty_store) == original


def test_a_loss_is_refused_unless_it_is_asked_for(empty_store: Store) -> None:
    populate(empty_store)
    catalogue = Catalogue(empty_store)
    smaller = changed(fields=fields("number", "kind", kind={"codes": {"a": TITLE}}))
    with pytest.raises(DefinitionError) as refused:
        apply(empty_store, catalogue.layers | {"sample": smaller})
    assert len(refused.value.faults) == 2 and "storeys" in " ".join(refused.value.faults)
    with empty_store.read() as connection:
        assert connection.execute("SELECT storeys FROM city.sample").fetchone() == (7,)
    apply(empty_store, catalogue.layers | {"sample": smaller}, allow_loss=True)
    with empty_store.read() as connection, pytest.raises(Exception, match="storeys"):
        connection.execute("SELECT storeys FROM city.sample")


def test_applying_the_same_again_does_nothing(empty_store: Store) -> None:
    catalogue = Catalogue(empty_store)
    assert apply(empty_store, catalogue.layers) == []
    assert not catalogue.refresh()


def test_what_cannot_be_changed_is_said(empty_store: Store) -> None:
    populate(empty_store)
    with pytest.raises(DefinitionError, match="geometry cannot change"):
        register(empty_store, changed(geometry="Point"))
    with pytest.raises(DefinitionError, match="which is not there"):
        register(empty_store, changed(fields=[*OLD["fields"], {"name": "x", "type": "reference", "references": "nobody", "title": TITLE}]))


def test_layers_born_at_run_time_stay_when_the_files_are_applied(empty_store: Store) -> None:
    files = Catalogue(empty_store).layers
    populate(empty_store)
    assert apply(empty_store, files) == []
    assert "sample" in Catalogue(empty_store).layers


def test_a_rename_is_explicit() -> None:
    old = {"sample": parse_layer(OLD)}
    renamed = parse_layer({**copy.deepcopy(OLD), "id": "specimen", "was": "sample", "born": "config"})
    assert [s.kind for s in plan(old, {"specimen": renamed}, 4490)] == ["rename layer", "define"]
    dropped = plan({"sample": changed(born="config")}, {}, 4490)
    assert [(s.kind, s.lossy) for s in dropped] == [("drop layer", True)]


@pytest.mark.parametrize(("broken", "sentence"), [
    ({"key": "nothing"}, "key names 'nothing'"),
    ({"geometry": None}, "a spatial layer has a geometry type"),
    ({"colour": "red"}, "Extra inputs"),
    ({"id": "Bad Id"}, "not a usable layer id"),
    ({"id": "road_past"}, "may not end like"),
    ({"fields": [{"name": "fid", "type": "string", "title": TITLE}]}, "not a usable field name"),
    ({"fields": [{"name": "kind", "type": "string", "codes": {"a": TITLE}, "title": TITLE}], "key": None}, "goes with type 'code'"),
    ({"symbology": {"field": "kind", "classes": [{"value": "z", "color": "#112233"}]}}, "'z' is no code of 'kind'"),
])
def test_a_wrong_definition_is_told_with_its_place(broken: dict[str, Any], sentence: str) -> None:
    with pytest.raises(DefinitionError, match=sentence):
        parse_layer({**copy.deepcopy(OLD), **broken}, "sample.yaml")


def test_a_district_field_can_go_while_audiences_read_by_it(empty_store: Store) -> None:
    layer = changed(fields=fields("number", "storeys", "kind", "ward"), district="ward")
    register(empty_store, layer)
    ensure_audience(empty_store, {"sample": layer}, {"sample": LayerGrant("sample", districts=("1",))}, frozenset())
    apply(empty_store, Catalogue(empty_store).layers | {"sample": changed(fields=fields("number", "storeys", "kind"))}, allow_loss=True)
    with empty_store.read() as connection:
        # Without a district nothing can be told to lie in one: the readers of one district see nothing any more.
        assert connection.execute("SELECT tablename, qual FROM pg_policies WHERE tablename LIKE 'sample%' ORDER BY 1").fetchall() \
            == [("sample", "false"), ("sample_past", "false")]


def test_codes_keep_the_order_they_were_written_in(empty_store: Store) -> None:
    ordered = fields("number", "storeys", "kind", kind={"codes": {"b": TITLE, "a": TITLE, "zz": TITLE, "c": TITLE}})
    register(empty_store, changed(fields=ordered))
    assert list(Catalogue(empty_store).layer("sample").field("kind").codes or ()) == ["b", "a", "zz", "c"]
    again = fields("number", "storeys", "kind", kind={"codes": {"a": TITLE, "b": TITLE, "c": TITLE, "zz": TITLE}})
    assert [s.kind for s in register(empty_store, changed(fields=again))] == ["define"]
    assert list(Catalogue(empty_store).layer("sample").field("kind").codes or ()) == ["a", "b", "c", "zz"]
