"""A process whose definitions are old reads them again before it serves a tile or writes."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pyogrio
import pytest
from PIL import Image

from config.settings import Settings
from gisserver.commands.seed import _products
from gisserver.context import CATALOGUE_CHECK_S, Context
from gisserver.ogc.tile import TileEndpoint
from gisserver.ogc.tiles3d import Tile3dEndpoint, scene_of
from gisserver.raster.maps import map_of
from gisserver.raster.picture_tile import PictureTile, Wanted
from gisserver.raster.wms import wms
from gisserver.request import Request
from layers.access import OWNER
from layers.catalogue import Catalogue
from layers.edits import Changeset, Edit, apply_changeset
from layers.errors import DefinitionChanged
from layers.layer import parse_layer
from layers.plan import register
from layers.query import ItemQuery
from layers.staging import Batch
from layers.store import Store
from tests.layers.odd_layers import ALL_TYPES, CODES, TITLE, field, make
from tests.tiles.test_aggregates import CLASSES, LAT, LON, square, tile_at
from tiles.cache import CachedTile, TileCache
from tiles.expiry import Expiry
from tiles.grid import TileAddress
from tiles.seeding import Seeding
from tiles.shared_store import SharedStore
from tiles.tile_keys import key_of
from tiles.tileset3d_archive import write_tileset
from tiles.tileset3d_form import form_of

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


def picture_of(context: Context, layer: str) -> bytes:
    tile = tile_at(16)
    scope = {"type": "http", "method": "GET", "headers": [], "query_string": b"", "path_params": {},
             "state": {"reader": SimpleNamespace(audience=OWNER, is_public=False)}}
    return PictureTile(context, lambda request: Wanted((layer,), tile)).made(Request(scope, context), Wanted((layer,), tile)).bodies[""]


def colors_of(picture: bytes) -> set[tuple[int, ...]]:
    with Image.open(io.BytesIO(picture)) as image:
        return {color[:3] for _, color in image.convert("RGBA").getcolors(100_000) if color[3] > 200}


def colored(color: str) -> dict[str, object]:
    return {"field": "kind", "classes": [{"value": "a", "color": color}], "opacity": 1}


def test_a_picture_is_drawn_by_the_definition_that_stands(store, context):
    make(store, "painted", "Polygon", symbology=colored("#ff0000"))
    fill(store, "painted")
    context.refresh(at_once=True)
    assert (255, 0, 0) in colors_of(picture_of(context, "painted"))
    make(store, "painted", "Polygon", symbology=colored("#0000ff"))
    context.tiles.clear()
    assert context.catalogue.layer("painted").symbology.classes[0].color == "#ff0000"
    found = colors_of(picture_of(context, "painted"))
    assert (0, 0, 255) in found and (255, 0, 0) not in found
    assert (0, 0, 255) in colors_of(picture_of(context, "painted"))


def test_a_map_is_drawn_by_the_definition_that_stands(store, context):
    minx, miny, maxx, maxy = tile_at(16).envelope
    box = f"bbox={minx},{miny},{maxx},{maxy}&width=256&height=256"
    for name, handler, query in (
            ("mapped", map_of, f"{box}&bbox-crs=EPSG:3857&crs=EPSG:3857"),
            ("mapped_wms", wms(SimpleNamespace(upstream_names=lambda request: [])),
             f"{box}&service=WMS&version=1.1.1&request=GetMap&layers=mapped_wms&styles=&srs=EPSG:3857&format=image/png")):
        make(store, name, "Polygon", symbology=colored("#ff0000"))
        fill(store, name)
        context.refresh(at_once=True)
        make(store, name, "Polygon", symbology=colored("#0000ff"))
        scope = {"type": "http", "method": "GET", "headers": [], "query_string": query.encode(), "path_params": {"collection": name} if name == "mapped" else {},
                 "state": {"reader": SimpleNamespace(audience=OWNER, is_public=False, account=None)}}
        found = colors_of(handler(Request(scope, context)).body)
        assert (0, 0, 255) in found and (255, 0, 0) not in found


def test_seeding_makes_by_the_definition_that_stands(store, tmp_path):
    make(store, "seeded", "Polygon", symbology=CLASSES)
    fill(store, "seeded")
    catalogue, near, far = Catalogue(store), tile_at(16), tile_at(12)
    disk = SharedStore(tmp_path / "tiles.db", 2**24)
    expiry = Expiry(store, catalogue, TileCache(), shared=disk)
    queries = [ItemQuery(catalogue.layer("seeded"), OWNER)]
    wanted = SimpleNamespace(groups=[(catalogue.layer("seeded"),)], audience=OWNER, kind="vector")
    (product,) = _products(store, expiry, wanted)
    assert kinds(product.make(far), "seeded", "kind", tmp_path) == {"a"}
    made: list[CachedTile] = []

    def make_and_change(address: TileAddress) -> CachedTile:
        made.append(product.make(address))
        if len(made) == 1:
            # What was made just before is of the old definition; it must not be kept as one of the new.
            make(store, "seeded", "Polygon", symbology=OTHER)
        return made[-1]

    area = SimpleNamespace(addresses=lambda from_zoom: iter([far]))
    seeding = Seeding(disk, expiry, 1, lambda done, new: None)
    assert seeding.run([(replace(product, make=make_and_change), area)]) == 1 and len(made) == 2
    assert kinds(disk.get(key_of(queries, far)), "seeded", "is_listed", tmp_path) == {True}
    make(store, "seeded", "Polygon", symbology=CLASSES | {"classes": [{"value": "a", "color": "#ff0000"}]})
    (picture,) = _products(store, expiry, SimpleNamespace(groups=wanted.groups, audience=OWNER, kind="picture"))
    assert catalogue.layer("seeded").symbology.field == "is_listed" and (255, 0, 0) in colors_of(picture.make(near).bodies[""])
    disk.close()


def prism(store: Store, title: str) -> None:
    fields = [field("name", tile=True), field("height_m", "number", unit="m", tile=True), {**field("kind", "code", codes=CODES, tile=True), "title": {"zh": title, "en": title}}]
    register(store, parse_layer({"id": "prism", "title": TITLE, "born": "runtime", "geometry": "Polygon", "fields": fields, "symbology": {"extrude": "height_m"}}))


def test_3d_tiles_are_made_by_the_definition_that_stands(store, context, tmp_path):
    prism(store, "old")
    edit = Edit("prism", "create", properties={"name": "one", "height_m": 60.0, "kind": "a"}, geometry=square(LON, LAT, 0.0002), valid_from="2000")
    apply_changeset(store, Catalogue(store), OWNER, Changeset((edit,), "tester"))
    context.refresh(at_once=True)
    bands = form_of(context.catalogue.layer("prism"), OWNER).bands

    def glb() -> bytes:
        found = b""
        for band in bands:
            tile = tile_at(band.zoom, LON + 0.0001, LAT + 0.0001)
            scope = {"type": "http", "method": "GET", "headers": [], "query_string": b"", "state": {"reader": SimpleNamespace(audience=OWNER, is_public=False)},
                     "path_params": {"collection": "prism", "z": str(tile.z), "row": str(tile.y), "col": str(tile.x)}}
            found += Tile3dEndpoint(context, "glb")._made(Request(scope, context)).bodies[""]
        return found

    def written() -> bytes:
        def write(version: int) -> None:
            write_tileset(store, scene_of(context, ItemQuery(context.catalogue.layer("prism"), OWNER)), tmp_path / "files",
                          definitions=f"prism:{context.catalogue.drawn['prism']}")
            context.catalogue.require(version)
        context.by_standing(write)
        return b"".join(path.read_bytes() for path in (tmp_path / "files").rglob("*.glb"))

    assert b'"old"' in glb() and b'"old"' in written()
    prism(store, "new")
    context.tiles.clear()
    assert context.catalogue.layer("prism").field("kind").title.en == "old"
    # What is on the disk was made by another definition, and nothing was edited since.
    assert b'"new"' in written() and b'"old"' not in written()
    prism(store, "newest")
    context.tiles.clear()
    found = glb()
    assert b'"newest"' in found and b'"new"' not in found


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
