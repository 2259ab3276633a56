"""A process whose definitions are old reads them again before it serves a tile or writes."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pyogrio
import pytest

from config.settings import Settings
from gisserver.context import CATALOGUE_CHECK_S, Context
from gisserver.ogc.tile import TileEndpoint
from gisserver.request import Request
from layers.access import OWNER
from layers.catalogue import Catalogue
from layers.edits import Changeset, Edit, apply_changeset
from layers.errors import DefinitionChanged
from layers.layer import parse_layer
from layers.plan import register
from layers.staging import Batch
from layers.store import Store
from tests.layers.odd_layers import ALL_TYPES, field, make
from tests.tiles.test_aggregates import CLASSES, LAT, LON, square, tile_at
from tiles.cache import CachedTile

OTHER = CLASSES | {"field": "is_listed", "classes": [{"value": True, "color": "#112233"}]}


@pytest.fixture
def context(store: Store, tmp_path: Path):
    made = Context(Settings(var=tmp_path), store, Catalogue(store))
    yield made
    made.threads.shutdown()
    made.delegate_threads.shutdown()
    made.counting_threads.shutdown()


def tile_of(context: Context, layer: str, query: bytes = b"") -> CachedTile:
    tile = tile_at(12)
    scope = {"type": "http", "method": "GET", "headers": [], "query_string": query, "state": {"reader": SimpleNamespace(audience=OWNER, is_public=False)},
             "path_params": {"collection": layer, "tms": "WebMercatorQuad", "z": "12", "row": str(tile.y), "col": str(tile.x)}}
    return TileEndpoint(context)._made(Request(scope, context))


def kinds(found: CachedTile, layer: str, name: str, tmp_path: Path) -> set[object]:
    path = tmp_path / "t.pbf"
    path.write_bytes(found.bodies[""])
    return set(pyogrio.read_dataframe(path, layer=f"{layer}.cells", X="0", Y="0", Z="0")[name])


def fill(store: Store, layer: str) -> None:
    edits = tuple(Edit(layer, "create", properties={"kind": "a", "is_listed": True, "name": "one"}, geometry=square(LON, LAT, 0.0002), valid_from="2000") for _ in range(3))
    apply_changeset(store, Catalogue(store), OWNER, Changeset(edits, "tester"))


@pytest.mark.parametrize("query", [b"", b"datetime=2010-01-01", b"filter=storeys%20IS%20NULL"])
def test_a_tile_is_made_by_the_definition_that_stands(store, context, tmp_path, query):
    name = f"turning{len(query)}"
    make(store, name, "Polygon", symbology=CLASSES)
    fill(store, name)
    context.refresh(at_once=True)
    assert kinds(tile_of(context, name, query), name, "kind", tmp_path) == {"a"}
    # Another process; this one looks by itself only every few seconds.
    make(store, name, "Polygon", symbology=OTHER)
    assert CATALOGUE_CHECK_S > 1 and context.catalogue.layer(name).symbology.field == "kind"
    context.tiles.clear()
    assert kinds(tile_of(context, name, query), name, "is_listed", tmp_path) == {True}
    assert context.catalogue.layer(name).symbology.field == "is_listed"
    # And what is kept from now on is the new one.
    assert kinds(tile_of(context, name, query), name, "is_listed", tmp_path) == {True}


def test_a_field_that_is_gone_is_no_fault(store, context, tmp_path):
    make(store, "losing", "Polygon", symbology=CLASSES)
    fill(store, "losing")
    context.refresh(at_once=True)
    without = parse_layer({**context.catalogue.layer("losing").dump(), "fields": [
        {**f, "name": "sort", "was": "kind"} if f["name"] == "kind" else f for f in ALL_TYPES], "symbology": CLASSES | {"field": "sort"}})
    register(store, without)
    assert kinds(tile_of(context, "losing"), "losing", "sort", tmp_path) == {"a"}


def test_a_writer_keeps_the_fields_it_did_not_know(store):
    layer = make(store, "growing", "Polygon")
    behind = Catalogue(store)
    register(store, parse_layer({**layer.dump(), "fields": [*layer.dump()["fields"], field("owner")]}))
    edit = Edit("growing", "create", properties={"name": "one", "owner": "the city"}, geometry=square(LON, LAT, 0.0002), valid_from="2000")
    (fid,) = apply_changeset(store, Catalogue(store), OWNER, Changeset((edit,), "tester")).fids
    assert "owner" not in behind.layer("growing").by_name
    apply_changeset(store, behind, OWNER, Changeset((Edit("growing", "put", fid, properties={"name": "two"}, partial=True, valid_from="2010"),), "tester"))
    with store.read() as connection:
        assert connection.execute("SELECT name, owner FROM city.growing WHERE fid = %s AND upper_inf(valid)", (fid,)).fetchone() == ("two", "the city")
    assert "owner" in behind.layer("growing").by_name


def test_a_batch_of_old_definitions_is_refused(store):
    layer = make(store, "refused", "Polygon")
    old = dict(Catalogue(store).versions)
    register(store, parse_layer({**layer.dump(), "fields": [*layer.dump()["fields"], field("owner")]}))
    with Batch(store, old) as batch, pytest.raises(DefinitionChanged):
        batch.copy(layer, ["name"], [(0, "n", batch.reserve_fids(1), "[2000-01-01Z,)", "d", "s", None, "one")])
        batch.apply("tester", None)
    # Another layer's definition is nothing to it.
    current = dict(Catalogue(store).versions)
    make(store, "unrelated", "Polygon")
    with Batch(store, current) as batch:
        batch.copy(layer, ["name"], [(0, "n", batch.reserve_fids(1), "[2000-01-01Z,)", "d", "s", None, "one")])
        assert batch.check() is not None
