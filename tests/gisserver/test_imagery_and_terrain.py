"""Imagery, terrain and heights over HTTP: for which day, for whom, how soon after a change, and what is refused."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pyogrio
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from PIL import Image
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance, status_code_conformance

from gisserver.commands.coverage import add_raster
from layers.access import OWNER
from layers.catalogue import Catalogue
from layers.coverages import withdraw_coverage_files
from layers.crs import transformer
from layers.errors import NotFound, UndoRefused
from layers.history import changeset, undo
from layers.layer import parse_layer
from layers.moments import parse_interval
from layers.plan import register
from layers.store import Store
from tests.conftest import Serve
from tests.gisserver.conftest import Town, key_for
from tests.tiles.mesh_reader import read_mesh
from tests.tiles.rasters import EAST, NORTH, plane, tile_at, write
from tiles.terrain import decode_heights

A, B, C = 0.03, -0.012, 51.25
WEST, TOP, CELL = 116.30, 40.00, 0.0005
MIDDLE = transformer(4548, 4326).transform(EAST, NORTH)
ROOT = "/ogc/collections"
SECRET = {"id": "secret_imagery", "kind": "coverage", "title": {"zh": "保密影像", "en": "Secret imagery"}, "group": "coverage", "grade": "L4",
          "born": "runtime", "coverage": {"source": "coverages/secret.tif", "bands": [1, 2, 3], "kind": "image"}}


def tilted(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return A * (x - EAST) + B * (y - NORTH) + C


def coloured(path: Path, colour: tuple[int, int, int], count: int = 200) -> Path:
    cells = np.broadcast_to(np.array(colour, dtype="uint8")[:, None, None], (3, count, count)).copy()
    return write(path, cells, "EPSG:4490", WEST, TOP, CELL)


class City:
    """A served city whose files are at hand."""

    def __init__(self, store: Store, catalogue: Catalogue, var: Path, client: httpx.Client, url: str) -> None:
        self.store, self.catalogue, self.var, self.client, self.url = store, catalogue, var, client, url

    def add(self, layer: str, file: Path, valid: str | None = None, replaces: tuple[int, ...] = ()) -> int:
        span = parse_interval(valid) if valid else (None, None)
        return add_raster(self.store, self.catalogue, self.catalogue.layer(layer), self.var, file, span, replaces, "the bureau")[0]

    def colour(self, day: str | None = None, seq: int = 0, layer: str = "imagery", **asked: str) -> tuple[int, ...] | None:
        """The colour of the middle of a tile in the middle of the picture; None where there is none."""
        tile = tile_at(14, WEST + 100 * CELL, TOP - 100 * CELL)
        parameters = {"f": "png"} | ({"datetime": day} if day else {}) | asked
        answer = self.client.get(f"{ROOT}/{layer}/map/tiles/WebMercatorQuad/14/{tile.y}/{tile.x}", params=parameters, headers={"Gis-Seq": str(seq)})
        if answer.status_code == 204:
            return None
        assert answer.status_code == 200, answer.text
        return Image.open(io.BytesIO(answer.content)).convert("RGBA").getpixel((128, 128))

    def json(self, path: str, **parameters: Any) -> Any:
        answer = self.client.get(path, params=parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture(scope="module")
def city(store: Store, catalogue: Catalogue, town: Town, serve: Serve, tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    var = tmp_path_factory.mktemp("var")
    coloured(var / "coverages" / "secret.tif", (1, 2, 3))
    register(store, parse_layer(SECRET))
    catalogue.refresh()
    plane(var / "coverages" / "dem.tif", tilted)
    key = key_for(store, catalogue, "bureau")
    with serve(store, GIS_VAR=str(var)) as live, httpx.Client(base_url=live.url, timeout=30, headers={"Authorization": f"Bearer {key}"}) as client:
        yield City(store, catalogue, var, client, live.url)


RED, GREEN, BLUE, GREY = (200, 0, 0), (0, 180, 0), (0, 0, 160), (90, 90, 90)


@pytest.fixture(scope="module")
def years(city: City, tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    """Pictures of 2000 to 2009 (red) and since 2010 (green), and one of half the city in 2015 (blue)."""
    folder = tmp_path_factory.mktemp("years")
    city.add("imagery", coloured(folder / "red.tif", RED), "2000/2009")
    city.add("imagery", coloured(folder / "green.tif", GREEN), "2010/..")
    return {"seq": city.add("imagery", coloured(folder / "blue.tif", BLUE, 80), "2015/2015")}


class TestImagery:
    def test_each_day_has_its_picture(self, city: City, years: dict[str, int]) -> None:
        seq = years["seq"]
        assert [city.colour(day, seq) for day in (None, "1999-12-31", "2000-01-01", "2009-12-31", "2010-01-01", "2030-01-01")] == [
            (*GREEN, 255), None, (*RED, 255), (*RED, 255), (*GREEN, 255), (*GREEN, 255)]

    def test_a_mosaic_shows_the_newer_where_it_is(self, city: City, years: dict[str, int]) -> None:
        assert city.colour("2015-06-01", years["seq"]) == (*GREEN, 255)          # the blue picture ends before the middle
        tile = tile_at(14, WEST + 40 * CELL, TOP - 40 * CELL)
        answer = city.client.get(f"{ROOT}/imagery/map/tiles/WebMercatorQuad/14/{tile.y}/{tile.x}", params={"f": "png", "datetime": "2015-06-01"})
        assert Image.open(io.BytesIO(answer.content)).convert("RGB").getpixel((100, 100)) == BLUE

    def test_a_new_picture_is_seen_at_once_and_other_days_stay(self, city: City, years: dict[str, int], tmp_path: Path) -> None:
        before = city.colour("2030-01-01", years["seq"])
        seq = city.add("imagery", coloured(tmp_path / "grey.tif", GREY), "2020/..")
        assert city.colour("2030-01-01", seq) == (*GREY, 255) != before
        assert city.colour("2012-01-01", seq) == (*GREEN, 255)
        # What was known before does not change.
        assert city.colour("2030-01-01", **{"known-at": str(seq - 1)}) == (*GREEN, 255)
        added = max(f["file_id"] for f in files(city.store))
        withdrawn = withdraw_coverage_files(city.store, city.catalogue.layer("imagery"), [added], "tester")
        assert city.colour("2030-01-01", withdrawn) == (*GREEN, 255)
        with pytest.raises(NotFound):
            withdraw_coverage_files(city.store, city.catalogue.layer("imagery"), [added], "tester")
        with pytest.raises(UndoRefused):
            undo(city.store, city.catalogue, OWNER, seq, "tester", None)         # it was withdrawn since
        again = undo(city.store, city.catalogue, OWNER, withdrawn, "tester", None)
        assert city.colour("2030-01-01", again.seq) == (*GREY, 255)
        assert undo(city.store, city.catalogue, OWNER, again.seq, "tester", None).seq == again.seq + 1
        assert city.colour("2030-01-01", again.seq + 1) == (*GREEN, 255)
        told = changeset(city.store, city.catalogue, OWNER, seq)
        assert [(t.layer, t.added, t.closed, t.valid_to) for t in told.layers] == [("imagery", 1, 0, None)]
        assert city.client.get(f"/api/changesets/{seq}").json()["layers"][0]["features"] == []

    def test_a_file_takes_the_place_of_another(self, city: City, years: dict[str, int], tmp_path: Path) -> None:
        red = next(f["file_id"] for f in files(city.store) if str(f["valid"]).startswith('["2000') or "2000" in str(f["valid"]))
        seq = city.add("imagery", coloured(tmp_path / "grey.tif", GREY), "2000/2009", (red,))
        assert city.colour("2005-01-01", seq) == (*GREY, 255)
        kept = sorted((city.var / "coverages" / "imagery").iterdir())
        with pytest.raises(NotFound):
            city.add("imagery", coloured(tmp_path / "more.tif", RED), "2000/2009", (red,))
        assert sorted((city.var / "coverages" / "imagery").iterdir()) == kept      # nothing half there

    def test_formats_and_bands(self, city: City, years: dict[str, int]) -> None:
        tile = tile_at(14, WEST + 100 * CELL, TOP - 100 * CELL)
        address = f"{ROOT}/imagery/map/tiles/WebMercatorQuad/14/{tile.y}/{tile.x}"
        for accept, media in (("*/*", "image/jpeg"), ("image/webp,*/*", "image/webp"), ("image/png", "image/png"), ("image/*", "image/jpeg")):
            for _ in range(2):          # once made, once kept
                assert city.client.get(address, headers={"Accept": accept}).headers["content-type"] == media, accept
        assert city.client.get(address, headers={"Accept": "application/json"}).status_code == 406
        assert city.colour(None, bands="3,2,1") == (0, 180, 0, 255) and city.colour(None, bands="2") == (180, 180, 180, 255)
        assert city.colour(None, bands="2", rescale="80,255") == (146, 146, 146, 255)      # (180 - 80) / 175 * 255
        grids = city.json("/ogc/tileMatrixSets")["tileMatrixSets"]
        assert len(grids) >= 3
        for wrong, named in (({"bands": "1,2"}, "bands"), ({"bands": "7"}, "bands"), ({"bands": "x"}, "bands"), ({"rescale": "5,5"}, "rescale"),
                             ({"rescale": "1,2,3"}, "rescale"), ({"f": "gif"}, "f"), ({"nix": "1"}, "nix"), ({"datetime": "soon"}, "datetime")):
            answer = city.client.get(address, params=wrong)
            assert (answer.status_code, answer.json()["parameter"]) == (400, named)
        for lost in (f"{ROOT}/imagery/map/tiles/WebMercatorQuad/99/0/0", f"{ROOT}/imagery/map/tiles/Nix/1/0/0", f"{ROOT}/imagery/map/tiles/WebMercatorQuad/a/b/c"):
            assert city.client.get(lost).status_code == 404

    def test_a_kept_tile_is_answered_with_its_validator(self, city: City, years: dict[str, int]) -> None:
        tile = tile_at(14, WEST + 100 * CELL, TOP - 100 * CELL)
        address = f"{ROOT}/imagery/map/tiles/WebMercatorQuad/14/{tile.y}/{tile.x}"
        first = city.client.get(address)
        again = city.client.get(address, headers={"If-None-Match": first.headers["etag"]})
        assert (first.status_code, again.status_code, again.content) == (200, 304, b"")


def files(store: Store) -> list[dict[str, Any]]:
    with store.read() as connection:
        rows = connection.execute("SELECT file_id, layer, valid FROM gis.coverage_file WHERE seq_to IS NULL ORDER BY file_id").fetchall()
    return [dict(zip(("file_id", "layer", "valid"), row, strict=True)) for row in rows]


class TestTerrain:
    def test_heights_in_colours(self, city: City) -> None:
        tile = tile_at(14, *MIDDLE)
        west, south, east, north = tile.envelope
        xs = west + (np.arange(256) + 0.5) * (east - west) / 256
        ys = north - (np.arange(256) + 0.5) * (north - south) / 256
        px, py = transformer(3857, 4548).transform(*np.meshgrid(xs, ys))
        for encoding, off in (("terrarium", 1 / 256), ("mapbox", 0.051)):
            for form in ("png", "webp"):
                answer = city.client.get(f"{ROOT}/dem/terrain/{encoding}/WebMercatorQuad/14/{tile.y}/{tile.x}", params={"f": form})
                assert answer.headers["content-type"] == f"image/{form}"
                assert np.abs(decode_heights(answer.content, encoding) - tilted(np.array(px), np.array(py))).max() < off
        assert city.client.get(f"{ROOT}/dem/terrain/nix/WebMercatorQuad/14/{tile.y}/{tile.x}").status_code == 404
        assert city.client.get(f"{ROOT}/dem/terrain/terrarium/WebMercatorQuad/14/0/0").status_code == 204
        assert city.client.get(f"{ROOT}/imagery/terrain/terrarium/WebMercatorQuad/14/{tile.y}/{tile.x}").status_code == 404

    def test_shade_and_contours(self, city: City, tmp_path: Path) -> None:
        tile = tile_at(14, *MIDDLE)
        shade = city.client.get(f"{ROOT}/dem/map/tiles/WebMercatorQuad/14/{tile.y}/{tile.x}", params={"f": "png", "azimuth": 90, "altitude": 30})
        grey = Image.open(io.BytesIO(shade.content)).convert("L").getpixel((128, 128))
        light = np.array([np.cos(np.radians(30)), 0, np.sin(np.radians(30))])
        assert abs(grey - 255 * (np.array([-A, -B, 1]) @ light / np.linalg.norm([A, B, 1]))) <= 1.5
        found = city.client.get(f"{ROOT}/dem/contours/WebMercatorQuad/14/{tile.y}/{tile.x}")
        assert found.headers["content-type"] == "application/vnd.mapbox-vector-tile"
        (tmp_path / "c.pbf").write_bytes(found.content)
        lines = pyogrio.read_dataframe(tmp_path / "c.pbf", layer="contour", X=str(tile.x), Y=str(tile.y), Z="14")
        place = lines[lines["elevation"] == 50].geometry.iloc[0].centroid
        x, y = transformer(3857, 4548).transform(place.x, place.y)
        assert tilted(np.array(x), np.array(y)) == pytest.approx(50, abs=0.1)
        assert set(lines["elevation"]) >= {35.0, 50.0, 75.0} and dict(zip(lines["elevation"], lines["index"], strict=True))[75.0]

    def test_meshes_for_a_globe(self, city: City) -> None:
        told = city.json(f"{ROOT}/dem/terrain/mesh/layer.json")
        z = told["maxzoom"]
        side = 180 / 2**z
        x, y = int((MIDDLE[0] + 180) / side), int((MIDDLE[1] + 90) / side)
        answer = city.client.get(f"{ROOT}/dem/terrain/mesh/" + told["tiles"][0].format(z=z, x=x, y=y))
        assert answer.headers["content-type"] == "application/vnd.quantized-mesh"
        mesh = read_mesh(answer.content)
        lon, lat = x * side - 180 + mesh.u / 32767 * side, y * side - 90 + mesh.v / 32767 * side
        px, py = transformer(4326, 4548).transform(lon, lat)
        assert np.abs(mesh.heights - (tilted(np.array(px), np.array(py)) + city.catalogue.city.geoid_offset_m)).max() < 0.01
        for wrong in ("0/9/0.terrain", f"{z + 1}/{2 * x}/{2 * y}.terrain", "a/b/c.terrain", "99/0/0.terrain"):
            assert city.client.get(f"{ROOT}/dem/terrain/mesh/{wrong}").status_code == 404

    def test_a_replaced_model_is_seen_at_once(self, city: City, tmp_path: Path) -> None:
        point = {"coords": f"POINT({MIDDLE[0]} {MIDDLE[1]})", "f": "json"}
        tile = tile_at(14, *MIDDLE)
        address = f"{ROOT}/dem/terrain/terrarium/WebMercatorQuad/14/{tile.y}/{tile.x}"
        before = decode_heights(city.client.get(address).content, "terrarium")
        seq = city.add("dem", plane(tmp_path / "new.tif", lambda x, y: tilted(x, y) + 100, count=300), "2000/..")
        after = decode_heights(city.client.get(address, headers={"Gis-Seq": str(seq)}).content, "terrarium")
        assert np.abs(after - before - 100).max() < 0.01
        assert city.json(f"{ROOT}/dem/position", **point)["points"][0]["elevation_m"] == pytest.approx(C + 100, abs=0.001)
        # pygeoapi serves the file that lies on top.
        part = city.json(f"{ROOT}/dem/coverage", bbox=f"{MIDDLE[0]},{MIDDLE[1]},{MIDDLE[0] + 0.001},{MIDDLE[1] + 0.001}")
        values = [v for v in next(iter(part["ranges"].values()))["values"] if v is not None]
        assert values and 140 < min(values) <= max(values) < 160
        undone = undo(city.store, city.catalogue, OWNER, seq, "tester", None).seq
        assert np.abs(decode_heights(city.client.get(address, headers={"Gis-Seq": str(undone)}).content, "terrarium") - before).max() < 1e-9


class TestHeights:
    def test_at_points(self, city: City) -> None:
        x, y = EAST + np.array([0, 1234.5, -3000.25]), NORTH + np.array([0, 2222.2, 1.75])
        crs = "http://www.opengis.net/def/crs/EPSG/0/4548"
        # The authority of EPSG:4548 puts north first.
        coords = "MULTIPOINT(" + ",".join(f"{b} {a}" for a, b in zip(x, y, strict=True)) + ")"
        found = city.json(f"{ROOT}/dem/position", coords=coords, crs=crs, f="json", **{"parameter-name": "elevation,slope,aspect"})
        assert [p["elevation_m"] for p in found["points"]] == pytest.approx(tilted(x, y), abs=0.0006)
        assert [p["slope_deg"] for p in found["points"]] == pytest.approx([np.degrees(np.arctan(np.hypot(A, B)))] * 3, abs=0.001)
        covjson = city.json(f"{ROOT}/dem/position", coords=coords, crs=crs)
        assert covjson["ranges"]["elevation"]["values"] == [p["elevation_m"] for p in found["points"]]
        assert covjson["domain"]["axes"]["composite"]["coordinates"] == ["y", "x"]
        single = city.json(f"{ROOT}/dem/position", coords=f"POINT({MIDDLE[0]} {MIDDLE[1]})")
        assert single["domain"]["domainType"] == "Point" and single["ranges"]["elevation"]["values"] == pytest.approx([C], abs=0.001)

    def test_outside_is_null_and_not_zero(self, city: City) -> None:
        found = city.json(f"{ROOT}/dem/position", coords="MULTIPOINT(10 50,116.4 39.0)", f="json", **{"parameter-name": "elevation,slope,aspect"})
        assert [p["elevation_m"] for p in found["points"]] == [None, None] == [p["slope_deg"] for p in found["points"]]
        assert city.client.get(f"{ROOT}/dem/position", params={"coords": "POINT(10 50)", "f": "csv"}).text == "x,y,elevation_m\r\n10.0,50.0,\r\n"

    def test_along_a_line(self, city: City) -> None:
        line = f"LINESTRING({NORTH} {EAST - 1000},{NORTH} {EAST + 500})"
        asked = {"coords": line, "crs": "http://www.opengis.net/def/crs/EPSG/0/4548", "step": 100}
        found = city.json(f"{ROOT}/dem/trajectory", f="json", **asked)
        assert (found["step_m"], found["length_m"], len(found["points"])) == (100, 1500, 16)
        assert (found["climb_m"], found["fall_m"]) == (1500 * A, 0)
        assert [p["elevation_m"] for p in found["points"]] == pytest.approx(tilted(EAST - 1000 + np.arange(16) * 100, np.array(NORTH)), abs=0.001)
        covjson = city.json(f"{ROOT}/dem/trajectory", **asked)
        assert covjson["gis:profile"]["step_m"] == 100 and covjson["ranges"]["distance"]["values"][-1] == 1500
        text = city.client.get(f"{ROOT}/dem/trajectory", params=asked | {"f": "csv"})
        assert text.headers["gis-step"] == "100.0 m" and len(text.text.splitlines()) == 17

    @pytest.mark.parametrize(("asked", "named"), [
        ({}, "coords"), ({"coords": "POINT(1"}, "coords"), ({"coords": "POINT EMPTY"}, "coords"), ({"coords": "POLYGON((0 0,1 0,1 1,0 0))"}, "coords"),
        ({"coords": "POINT(nan 1)"}, "coords"), ({"coords": "POINT(1 1)", "crs": "EPSG:9999"}, "crs"), ({"coords": "POINT(1 1)", "f": "xml"}, "f"),
        ({"coords": "POINT(1 1)", "parameter-name": "wind"}, "parameter-name"), ({"coords": "POINT(1 1)", "z": "5"}, "z")])
    def test_wrong_questions_are_named(self, city: City, asked: dict[str, str], named: str) -> None:
        answer = city.client.get(f"{ROOT}/dem/position", params=asked)
        assert (answer.status_code, answer.json().get("parameter")) == (400, named)

    def test_too_much_is_refused(self, city: City) -> None:
        line = f"LINESTRING({MIDDLE[0]} {MIDDLE[1]},{MIDDLE[0] + 0.02} {MIDDLE[1]})"
        answer = city.client.get(f"{ROOT}/dem/trajectory", params={"coords": line, "step": "0.1"})
        assert (answer.status_code, answer.json()["parameter"]) == (400, "step")
        for step in ("0", "-1", "nan", "1e9"):
            assert city.client.get(f"{ROOT}/dem/trajectory", params={"coords": line, "step": step}).json()["parameter"] == "step"
        assert city.client.get(f"{ROOT}/imagery/position", params={"coords": "POINT(1 1)"}).status_code == 404
        assert city.client.get(f"{ROOT}/building/position", params={"coords": "POINT(1 1)"}).status_code == 404


class TestWho:
    PATHS = ("map/tiles/WebMercatorQuad/14/6205/13489", "terrain/terrarium/WebMercatorQuad/14/6205/13489", "contours/WebMercatorQuad/14/6205/13489",
             "terrain/mesh/layer.json", "terrain/mesh/0/0/0.terrain", "position?coords=POINT(116.4 39.9)", "trajectory?coords=LINESTRING(116.4 39.9,116.5 39.9)",
             "coverage", "")

    @pytest.mark.parametrize("path", PATHS)
    def test_a_coverage_one_may_not_read_does_not_exist(self, city: City, path: str) -> None:
        for layer in ("dem", "secret_imagery"):
            for _ in range(2):
                city.client.get(f"{ROOT}/{layer}/{path}")         # kept now, for those who may
                hidden, unknown = (httpx.get(f"{city.url}{ROOT}/{name}/{path}") for name in (layer, "nothing_there"))
                assert hidden.status_code == unknown.status_code == 404
                told = [{k: v for k, v in answer.json().items() if k != "request_id"} for answer in (hidden, unknown)]
                assert str(told[0]).replace(layer, "nothing_there") == str(told[1])

    def test_who_may_sees_it(self, city: City) -> None:
        assert city.colour(layer="secret_imagery", seq=0) == (1, 2, 3, 255)

    def test_base_maps_are_those_of_the_reader(self, city: City, years: dict[str, int]) -> None:
        mine, publics = city.json("/api/basemaps"), httpx.get(f"{city.url}/api/basemaps").json()
        assert {s["layer"] for s in mine["imagery"]} == {"imagery", "secret_imagery"} and [s["layer"] for s in mine["terrain"]] == ["dem"]
        assert [s["layer"] for s in publics["imagery"]] == ["imagery"] and publics["terrain"] == []
        imagery = publics["imagery"][0]
        assert imagery["attribution"] == "the bureau" and {s["valid_from"] for s in imagery["spans"]} >= {"2000-01-01T00:00:00Z", "2010-01-01T00:00:00Z"}
        tile = tile_at(12, *MIDDLE)
        for address in (imagery["tiles"], mine["terrain"][0]["tiles"], mine["terrain"][0]["hillshade"], mine["terrain"][0]["contours"]):
            assert city.client.get(address.replace("{z}", "12").replace("{x}", str(tile.x)).replace("{y}", str(tile.y))).status_code == 200

    def test_tile_sets_are_described(self, city: City) -> None:
        for layer in ("imagery", "dem"):
            (listed, *_) = [link for link in city.json(f"{ROOT}/{layer}")["links"] if link["rel"].endswith("tilesets-map")]
            sets = city.json(listed["href"])["tilesets"]
            assert {s["dataType"] for s in sets} == {"map"} and "WebMercatorQuad" in {s["tileMatrixSetId"] for s in sets}
            for each in sets:
                (template,) = [link["href"] for link in each["links"] if link["rel"] == "item"]
                own = template.replace("{tileMatrix}", "0").replace("{tileRow}", "0").replace("{tileCol}", "0")
                assert city.client.get(own).status_code in (200, 204)
        assert httpx.get(f"{city.url}{ROOT}/dem/map/tiles").status_code == 404

    def test_the_collection_tells_what_it_answers(self, city: City) -> None:
        document = city.json(f"{ROOT}/dem")
        assert set(document["data_queries"]) == {"position", "trajectory"} and set(document["parameter_names"]) == {"elevation", "slope", "aspect"}
        assert {link["rel"] for link in document["links"]} >= {"item", "data"}


def test_the_document_promises_what_is_answered(city: City) -> None:
    document = city.json("/api/openapi", f="openapi")
    regex = r"/(position|trajectory|contours|terrain|map/tiles)|/api/basemaps|^/ogc/collections/(dem|imagery)"
    asked = 0
    for result in schemathesis.openapi.from_dict(document).include(path_regex=regex).get_all_operations():
        operation = result.ok()
        if "/dem" not in operation.path and "/imagery" not in operation.path and "basemaps" not in operation.path and not any(
                word in operation.path for word in ("position", "trajectory", "contours", "terrain")):
            continue
        asked += 1

        @settings(max_examples=8, deadline=None, derandomize=True, phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy())
        def answers_as_promised(case: Any) -> None:
            case.call_and_validate(base_url=city.url, headers={"Authorization": city.client.headers["Authorization"]},
                                   checks=[not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance])

        answers_as_promised()
    assert asked >= 8


def test_a_picture_whose_time_runs_out_is_shown_no_more(city: City, tmp_path: Path) -> None:
    ends = datetime.now(UTC) + timedelta(seconds=2)
    layer = city.catalogue.layer("imagery")
    seq, _ = add_raster(city.store, city.catalogue, layer, city.var, coloured(tmp_path / "short.tif", (9, 9, 9)), (datetime(2026, 1, 1, tzinfo=UTC), ends))
    before = city.colour(None, seq)
    deadline = time.monotonic() + 12
    while city.colour(None, seq) == before and time.monotonic() < deadline:
        time.sleep(0.2)
    assert before == (9, 9, 9, 255) and city.colour(None, seq) != before and datetime.now(UTC) >= ends
