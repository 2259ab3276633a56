"""3D tiles over HTTP and as files: for whom, of which day, renewed by edits, refused where they would show too much."""

from __future__ import annotations

import json
import struct
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import md5
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import numpy as np
import pytest
from click.testing import CliRunner

from config.settings import Settings
from gisserver.cli import gis
from gisserver.commands.coverage import add_raster
from gisserver.context import Context
from gisserver.ogc.tiles3d import scene_of
from layers.access import OWNER, LayerGrant, ensure_audience
from layers.crs import transformer
from layers.edits import Changeset, Edit, apply_changeset
from layers.errors import Forbidden, InvalidParameter
from layers.query import ItemQuery
from tests.tiles.glb import column, read_glb
from tests.tiles.rasters import EAST, NORTH, plane
from tiles.tileset3d_archive import RECORD, pack, read_record, write_tileset
from tiles.tileset3d_content import Scene
from tiles.tileset3d_form import form_of

ROOT = "/ogc/collections/building/3dtiles/tileset.json"


def contents(http: Any, address: str, **asked: Any) -> dict[str, Any]:
    """Walk a tileset as a client does; return its contents by address."""
    answer = http.get(address, **asked)
    assert answer.status_code == 200, answer.text
    found, document = {}, answer.json()

    def walk(tile: dict[str, Any]) -> None:
        if content := tile.get("content"):
            there = urljoin(str(answer.url), content["uri"])
            if ".json" in there:
                found.update(contents(http, there, **{k: v for k, v in asked.items() if k != "params"}))
            else:
                found[there] = http.get(there, **{k: v for k, v in asked.items() if k != "params"})
        for child in tile.get("children", ()):
            walk(child)

    walk(document["root"])
    return found


def fids(found: dict[str, Any]) -> list[int]:
    return sorted(int(fid) for answer in found.values() for fid in column(*read_glb(answer.content), "fid"))


def test_a_client_finds_every_building_once(http, town):
    found = contents(http, ROOT)
    gone, planned = town.fids["2号楼"], town.fids["规划楼"]
    assert fids(found) == sorted({f for n, f in town.fids.items() if "号楼" in n} - {gone, planned})
    assert {a.headers["content-type"] for a in found.values()} == {"model/gltf-binary"}


def test_collections_lead_there(http, town):
    def linked(layer: str) -> list[str]:
        return [link["href"] for link in http.get(f"/ogc/collections/{layer}").json()["links"] if link["rel"].endswith("3dtiles")]

    (there,) = linked("building")
    assert http.get(there).json()["asset"] == {"version": "1.1"} and linked("road") == []


def test_the_day_goes_along(http, town):
    past = contents(http, ROOT, params={"datetime": "2014-06-01"})
    assert town.fids["2号楼"] in fids(past) and all("datetime=2014-06-01" in address for address in past)
    ever = contents(http, ROOT, params={"datetime": "../.."})
    # the renamed one in both its versions
    assert fids(ever).count(town.fids["1号楼"]) == 2 and {town.fids["2号楼"], town.fids["规划楼"]} <= set(fids(ever))


def test_readers_see_what_is_theirs(http, as_role, town):
    names = {name for answer in contents(http, ROOT).values() for name in
             read_glb(answer.content)[0]["extensions"]["EXT_structural_metadata"]["schema"]["classes"]["building"]["properties"]}
    assert "height_m" in names and "owner_name" not in names
    assert http.get("/ogc/collections/pipe_segment/3dtiles/tileset.json").status_code == 404
    assert http.get("/ogc/collections/nothing/3dtiles/tileset.json").status_code == 404
    assert as_role("bureau").get("/ogc/collections/pipe_segment/3dtiles/tileset.json").status_code == 200
    private = as_role("bureau").get(ROOT)
    assert "private" in private.headers["cache-control"]


def test_validators_and_refusals(http, town):
    (address, answer), *_ = contents(http, ROOT).items()
    again = http.get(address, headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304 and again.content == b"" and "public" in answer.headers["cache-control"]
    for path, status in (("/15/1/1.glb", 204), ("/9/1/1.glb", 404), ("/15/1/1.json", 404), ("/15/99999999/1.glb", 404), ("/11/x/1.json", 404),
                         ("/11/1/1.json", 200), ("/tileset.json?datetime=yesterday", 400), ("/15/1/1.glb?flavour=1", 400), ("/15/1/1.glb?f=b3dm", 400)):
        assert http.get(f"/ogc/collections/building/3dtiles{path}").status_code == status, path
    refused = http.get("/ogc/collections/road/3dtiles/tileset.json")
    assert refused.status_code == 404 and refused.headers["content-type"].startswith("application/problem+json")


def test_an_edit_shows_at_once(http, store, catalogue, town):
    """The editor's next request says which changeset he has seen; no process may answer with an older tile."""
    seq = apply_changeset(store, catalogue, OWNER, Changeset((Edit(
        "building", "put", fid=town.fids["5号楼"], properties={"name": "五号高楼"}, partial=True, valid_from="2020"),), "clerk", "name")).seq
    found = contents(http, ROOT, headers={"Gis-Seq": str(seq)})
    told = [name for answer in found.values() for name in column(*read_glb(answer.content), "name")]
    assert "五号高楼" in told and "5号楼" not in told


def test_surfaces_show_at_once_and_only_to_who_may_read_them(http, store, catalogue, town):
    """The prism is in the cache when its building gets a roof; whose role lacks the layer keeps the prism."""
    fid = town.fids["6号楼"]
    contents(http, ROOT)
    (x0, y0), *_, (x1, y1) = sorted(http.get(f"/ogc/collections/building/items/{fid}").json()["geometry"]["coordinates"][0][0])
    low, high = [[x0, y0, 40], [x1, y0, 40], [x1, y1, 40], [x0, y1, 40], [x0, y0, 40]], [(x0 + x1) / 2, (y0 + y1) / 2, 55]
    surfaces = [{"type": "GroundSurface", "rings": [low[::-1]]}, *({"type": "RoofSurface", "rings": [[low[k], low[k + 1], high, low[k]]]} for k in range(4))]
    seq = apply_changeset(store, catalogue, OWNER, Changeset((Edit("building_surface", "create", properties={
        "building_fid": fid, "source_id": "pyramid", "lod": "2", "surfaces": surfaces, "lowest_m": 40.0, "highest_m": 55.0}, valid_from="2020"),), "clerk", "roof")).seq

    def told(client: Any, **asked: Any) -> set[str]:
        documents = [read_glb(answer.content) for answer in contents(client, ROOT, **asked).values()]
        return {kind for document in documents if "surface" in document[0]["extensions"]["EXT_structural_metadata"]["schema"]["classes"]["building"]["properties"]
                for number, kind in zip(column(*document, "fid"), column(*document, "surface"), strict=True) if number == fid}

    assert told(http, headers={"Gis-Seq": str(seq)}) == {"GroundSurface", "RoofSurface"}
    hidden = ensure_audience(store, catalogue.layers, [LayerGrant("building")])
    layer = catalogue.layer("building")
    context = Context(Settings(database_url=store.dsn), store, catalogue)
    assert scene_of(context, ItemQuery(layer, hidden)).surface is None and scene_of(context, ItemQuery(layer, OWNER)).surface is not None


@pytest.fixture
def scene(catalogue: Any, town: Any) -> Callable[..., Scene]:
    def made(audience: Any = OWNER, **query: Any) -> Scene:
        layer = catalogue.layer("building")
        form = form_of(layer, audience)
        assert form is not None
        return Scene(ItemQuery(layer, audience, **query), form, catalogue.city, level=catalogue.layer("level"))

    return made


def test_the_ground_is_that_of_all_models(store, catalogue, town, tmp_path):
    """The definition's file as long as there is no other; then the files that were taken in, the latest on top, each in its time."""
    context = Context(Settings(var=tmp_path, database_url=store.dsn), store, catalogue)
    dem = catalogue.layer("dem")

    def ground(**query: Any) -> list[float]:
        lon, lat = transformer(4548, 4326).transform(np.array([EAST, EAST + 900]), np.array([NORTH, NORTH]))
        return scene_of(context, ItemQuery(catalogue.layer("building"), OWNER, **query)).ground.heights(lon, lat).tolist()

    def take_in(name: str, height: float, valid: tuple[datetime | None, datetime | None] = (None, None), **shape: Any) -> int:
        file = plane(tmp_path / name, lambda x, y: height + 0 * x + 0 * y, **shape)
        return add_raster(store, catalogue, dem, tmp_path, file, valid, (), "the bureau")[0]

    assert ground() == [0, 0]
    plane(tmp_path / "coverages" / "dem.tif", lambda x, y: 50.0 + 0 * x + 0 * y)
    assert ground() == [50, 50]
    first = take_in("wide.tif", 60.0)
    assert ground() == [60, 60]
    take_in("near.tif", 70.0, (datetime(2020, 1, 1, tzinfo=UTC), None), count=200)
    assert ground() == ground(interval=(None, None)) == [70, 70] and ground(at=datetime(2019, 1, 1, tzinfo=UTC)) == [60, 60]
    take_in("small.tif", 80.0, (datetime(2021, 1, 1, tzinfo=UTC), None), count=60)
    assert ground() == [80, 70] and ground(known_at=first) == [60, 60]


def test_a_folder_is_made_on_from_where_it_was(store, catalogue, town, scene, tmp_path):
    folder = tmp_path / "city"
    first = write_tileset(store, scene(), folder, 2)
    assert first.made == first.contents > 3
    for path in list(folder.rglob("*.glb"))[:2]:
        path.unlink()                                       # as if it had been killed before
    assert write_tileset(store, scene(), folder, 2).made == 2
    apply_changeset(store, catalogue, OWNER, Changeset((Edit("building", "retire", fid=town.fids["7号楼"], valid_from="2021"),), "clerk", "gone"))
    after = write_tileset(store, scene(), folder, 2)
    # Its cell was made again, or has no content any more; those of others were not touched.
    assert after.made + first.contents - after.contents == 1
    assert (after.features, after.seq) == (first.features - 1, first.seq + 1)
    assert len(list(folder.rglob("*.glb"))) == after.contents and not list(folder.rglob("*.tmp"))
    apply_changeset(store, catalogue, OWNER, Changeset((Edit("building", "put", fid=town.fids["8号楼"], properties={"height_m": 25.0},
                                                             partial=True, valid_from="2021"),), "clerk", "higher"))
    assert write_tileset(store, scene(), folder, 2).made == 1


def test_a_folder_is_for_one_audience_and_moment(store, catalogue, scene, tmp_path):
    folder = tmp_path / "city"
    write_tileset(store, scene(), folder)
    other = ensure_audience(store, catalogue.layers, [LayerGrant("building")])
    with pytest.raises(Forbidden, match="another audience"):
        write_tileset(store, scene(other), folder)
    with pytest.raises(InvalidParameter, match="holds building of now"):
        write_tileset(store, scene(interval=(None, None)), folder)
    (folder / RECORD).write_text("{")
    with pytest.raises(InvalidParameter, match="cannot be read"):
        read_record(folder)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("x")
    with pytest.raises(InvalidParameter, match="other files"):
        write_tileset(store, scene(), tmp_path / "mine")
    assert (tmp_path / "mine" / "notes.txt").exists()


def test_an_archive_is_found_by_its_index(store, scene, tmp_path):
    folder, file = tmp_path / "city", tmp_path / "city.3tz"
    write_tileset(store, scene(), folder)
    count = pack(folder, file)
    with zipfile.ZipFile(file) as archive:
        assert archive.testzip() is None
        *names, last = archive.namelist()
        assert last == "@3dtilesIndex1@" and len(names) == count and {"tileset.json", RECORD} <= set(names)
        index = archive.read(last)
        whole = file.read_bytes()
        rows = [struct.unpack_from("<QQQ", index, at) for at in range(0, len(index), 24)]
        assert [row[:2] for row in rows] == sorted(row[:2] for row in rows)
        for name in names:
            (offset,) = [row[2] for row in rows if struct.pack("<QQ", *row[:2]) == md5(name.encode()).digest()]
            assert whole[offset:offset + 4] == b"PK\3\4" and whole[offset + 30:offset + 30 + len(name)] == name.encode()


def test_the_command_refuses_what_the_public_does_not_see(store, town, tmp_path):
    settings = Settings(var=tmp_path, database_url=store.dsn)

    def run(*arguments: str) -> Any:
        return CliRunner().invoke(gis, ["tiles3d", *arguments], obj=settings)

    done = run("building", str(tmp_path / "open"))
    assert done.exit_code == 0, done.exception
    assert json.loads((tmp_path / "open" / "tileset.json").read_text())["asset"]["version"] == "1.1"
    refused = run("building", str(tmp_path / "closed"), "--role", "bureau")
    assert isinstance(refused.exception, Forbidden) and not (tmp_path / "closed").exists()
    assert run("building", str(tmp_path / "closed.3tz"), "--role", "bureau", "--confidential").exit_code == 0
    assert not (tmp_path / "closed.3tz.part").exists()
    assert isinstance(run("building", str(tmp_path / "closed.3tz")).exception, Forbidden)
    assert isinstance(run("building", str(tmp_path / "x"), "--role", "mayor").exception, InvalidParameter)
    (tmp_path / "other.3tz").write_bytes(b"no zip")
    assert isinstance(run("building", str(tmp_path / "other.3tz")).exception, InvalidParameter)
    assert Path(tmp_path / "other.3tz").read_bytes() == b"no zip"
