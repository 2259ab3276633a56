"""CityJSON: what a file says of its buildings, which way their surfaces look, and what is wrong with a broken one."""

from __future__ import annotations

import gzip
import json
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from pyproj import CRS

from layers.building_surfaces import Surface, parse_surfaces, write_surfaces
from layers.errors import InvalidParameter
from layers.outward import turned_over
from layers.packed import TooLarge, text_of
from layers.sources import Source, open_source
from layers.values import WrongValue
from tests.data.houses import House, city_json, write_city_json

HOUSE = House(450_000, 4_420_000, 45)


def opened(tmp_path: Path, data: dict[str, Any], **how: Any) -> Source:
    return open_source(write_city_json(tmp_path / "town.city.json", data), **how)


def row(source: Source) -> dict[str, Any]:
    with source.batches() as batches:
        (batch,) = batches
        return {name: values[0] for name, values in batch.to_pydict().items()}


def volume(surfaces: list[Surface]) -> float:
    """The divergence theorem over fans of the rings; holes run the other way round and take away."""
    origin = surfaces[0].rings[0][0]
    return sum(float(np.dot(ring[0] - origin, np.cross(a - origin, b - origin))) for s in surfaces for ring in s.rings
               for a, b in zip(ring[1:], ring[2:], strict=False)) / 6


@pytest.mark.parametrize(("kind", "version", "lod"), [("Solid", "2.0", "2"), ("MultiSurface", "1.1", "2.2"), ("CompositeSurface", "1.0", 2),
                                                      ("MultiSolid", "1.0.3", 2.1), ("CompositeSolid", "2.0.1", "3")])
@pytest.mark.parametrize(("semantics", "turned"), [(True, ()), (False, ()), (True, (1, 5)), (False, (0, 3, 4)), (False, range(7))])
def test_every_kind_becomes_a_house(tmp_path, kind, version, lod, semantics, turned):
    """Whoever turned polygons over, and whether or not he said what they are: they look outwards, and roofs are roofs."""
    source = opened(tmp_path, city_json({"a": HOUSE}, kind=kind, version=version, lod=lod, semantics=semantics, turned=list(turned)))
    told = row(source)
    assert (told["source_id"], told["lod"], told["storeys"]) == ("a", f"{lod:g}" if isinstance(lod, float | int) else lod, 2)
    assert (told["ground_elevation_m"], told["height_m"]) == (45, 8)
    footprint = shapely.from_wkb(told["footprint"])
    assert footprint.equals(shapely.box(450_000, 4_420_000, 450_012, 4_420_008)) and source.crs == CRS.from_epsg(4548)
    assert source.city is not None
    surfaces = source.city.surfaces(0, source.city.model.points)
    assert volume(surfaces) == pytest.approx(HOUSE.volume)
    assert sorted(s.type for s in surfaces) == sorted(kind for kind, _ in HOUSE.polygons)


def test_an_open_house_looks_outwards_too():
    """Walls that share no edge with anything, no floor: each is turned by what a ray from it meets."""
    polygons = [(kind, rings) for kind, rings in HOUSE.polygons if kind != "GroundSurface"]
    points = np.array([p for _, rings in polygons for p in rings[0]]) - [450_000, 4_420_000, 0]
    points[:5] += 0.01          # so that nothing is welded
    starts = np.cumsum([0, *(len(rings[0]) for _, rings in polygons)])
    rings = [[list(range(a, b))] for a, b in zip(starts, starts[1:], strict=False)]
    assert not turned_over(rings, points, [None if k == "WallSurface" else k for k, _ in polygons]).any()
    over = [[ring[0][::-1]] if n in (0, 2, 4) else ring for n, ring in enumerate(rings)]
    assert turned_over(over, points, [None if k == "WallSurface" else k for k, _ in polygons]).tolist() == [True, False, True, False, True, False]


def test_a_hole_may_run_either_way(tmp_path):
    """A gatehouse: its front and back walls have the gate as a hole, whose jambs join them."""
    x, y, z = 450_000.0, 4_420_000.0, 40.0

    def wall(at: float, turn: int) -> list[list[tuple[float, float, float]]]:
        outer = [(x, at, z), (x + 10, at, z), (x + 10, at, z + 6), (x, at, z + 6)][::turn]
        return [outer, [(x + 4, at, z + 1), (x + 6, at, z + 1), (x + 6, at, z + 4), (x + 4, at, z + 4)]]

    def slab(a: tuple[float, float], b: tuple[float, float]) -> list[list[tuple[float, float, float]]]:
        return [[(x + a[0], y, z + a[1]), (x + b[0], y, z + b[1]), (x + b[0], y + 3, z + b[1]), (x + a[0], y + 3, z + a[1])]]

    rings = [wall(y, 1), wall(y + 3, -1), slab((0, 0), (10, 0)), slab((10, 0), (10, 6)), slab((10, 6), (0, 6)), slab((0, 6), (0, 0)),
             slab((4, 1), (6, 1)), slab((6, 1), (6, 4)), slab((6, 4), (4, 4)), slab((4, 4), (4, 1))]
    vertices: dict[Any, int] = {}
    boundaries = [[[vertices.setdefault(p, len(vertices)) for p in ring] for ring in polygon] for polygon in rings]
    data = city_json({"a": HOUSE}) | {"vertices": [[(p[0]) * 1000, p[1] * 1000, p[2] * 1000] for p in vertices],
                                      "transform": {"scale": [0.001] * 3, "translate": [0, 0, 0]}}
    data["CityObjects"] = {"gate": {"type": "Building", "geometry": [{"type": "MultiSurface", "lod": "3", "boundaries": boundaries}]}}
    source = opened(tmp_path, data)
    assert source.city is not None
    assert volume(source.city.surfaces(0, source.city.model.points)) == pytest.approx(10 * 3 * 6 - 2 * 3 * 3)


def test_a_wide_roof_is_a_part_of_the_footprint(tmp_path):
    """Eaves are not; level of detail 0 counts where there are no ground faces."""
    for reach, wanted in ((1.5, 12 * 8), (9.0, (12 + 2 * 9.0) * 8)):
        data = city_json({"a": HOUSE})
        geometry = data["CityObjects"]["a"]["geometry"][0]
        corners = [(-reach, 0), (12 + reach, 0), (12 + reach, 8), (-reach, 8)]
        first = len(data["vertices"])
        data["vertices"] += [[round(x * 1000), round(y * 1000), 54_000] for x, y in corners]
        geometry["boundaries"][0].append([[first, first + 1, first + 2, first + 3]])
        geometry["semantics"]["values"][0].append(2)
        assert shapely.from_wkb(row(opened(tmp_path, data))["footprint"]).area == pytest.approx(wanted)
    data = city_json({"a": HOUSE})
    geometry = data["CityObjects"]["a"]["geometry"]
    ground = geometry[0]["boundaries"][0].pop(0)
    geometry[0]["semantics"]["values"][0].pop(0)
    geometry.append({"type": "MultiSurface", "lod": "0", "boundaries": [[[*ground[0][:3]]]]})       # half of it, to be told apart
    assert shapely.from_wkb(row(opened(tmp_path, data))["footprint"]).area == pytest.approx(12 * 8 / 2)


def test_parts_and_levels_of_detail(tmp_path):
    """A building whose parts have the shape, one of them at a lower level only; installations belong to it, rooms do not."""
    west, east = HOUSE, House(450_012, 4_420_000, 45, 6, 8, 3, 3.5)
    data = city_json({"west": west, "east": east})
    objects = data["CityObjects"]
    for name in ("west", "east"):
        objects[name] |= {"type": "BuildingPart", "parents": ["whole"]}
    coarse = json.loads(json.dumps(objects["west"]["geometry"][0])) | {"lod": "1.2"}
    objects["west"]["geometry"].append(coarse)
    objects["whole"] = {"type": "Building", "children": ["west", "east", "room"], "attributes": {"name": "whole"}}
    objects["room"] = {"type": "BuildingRoom", "parents": ["whole"], "geometry": [dict(coarse, lod="3")]}
    source = opened(tmp_path, data)
    assert source.count == 1 and source.city is not None
    told = row(source)
    assert (told["source_id"], told["lod"], told["height_m"]) == ("whole", "2", 8)
    assert shapely.from_wkb(told["footprint"]).area == pytest.approx(12 * 8 + 6 * 8)
    assert volume(source.city.surfaces(0, source.city.model.points)) == pytest.approx(west.volume + east.volume)
    objects["east"]["geometry"][0]["lod"] = "1.2"
    again = opened(tmp_path, data)
    assert again.city is not None and volume(again.city.surfaces(0, again.city.model.points)) == pytest.approx(west.volume + east.volume)
    # A part of its own children does not go round for ever.
    objects["west"]["children"] = ["whole", "west"]
    assert opened(tmp_path, data).count == 1


def test_systems(tmp_path):
    """A compound system gives its horizontal half; feet become metres; what says nothing, or ellipsoidal heights, is refused."""
    delft = city_json({"a": House(84_700, 447_500, 1)}, "urn:ogc:def:crs:EPSG::7415", "1.0")
    assert opened(tmp_path, delft).crs == CRS.from_epsg(28992)
    feet = opened(tmp_path, city_json({"a": House(980_000, 190_000, 10)}, "http://www.opengis.net/def/crs/EPSG/0/2263"))
    assert row(feet)["height_m"] == pytest.approx(8 * 0.3048006, abs=1e-3)
    assert opened(tmp_path, delft, crs="EPSG:4548").crs == CRS.from_epsg(4548)
    for system, said in ((None, "pass --crs, for instance --crs EPSG:7415"), ("EPSG:999999", "no known coordinate"), ("https://www.opengis.net/def/crs/EPSG/0/4979", "ellipsoid"),
                         ("https://www.opengis.net/def/crs/EPSG/0/4978", "ellipsoid"), ("https://www.opengis.net/def/crs/EPSG/0/5773", "does not place")):
        with pytest.raises(InvalidParameter, match=said) as raised:
            opened(tmp_path, city_json({"a": HOUSE}, system))
        assert raised.value.parameter == "crs" and raised.value.chinese


def _broken(change: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    data = city_json({"a": HOUSE, "b": House(450_100, 4_420_000)})
    change(data)
    return data


@pytest.mark.parametrize(("change", "said"), [
    (lambda d: d.update(version="0.9"), "upgrade"),
    (lambda d: d.update(version=2), "known are 1.0, 1.1 and 2.0"),
    (lambda d: d.update(type="CityGML"), "'type' must be"),
    (lambda d: d.pop("vertices"), "no 'vertices'"),
    (lambda d: d.update(vertices=[]), "no 'vertices'"),
    (lambda d: d["vertices"].__setitem__(3, [1, 2]), "broken vertex, number 3"),
    (lambda d: d["vertices"].__setitem__(3, [1, 2, "x"]), "broken vertex, number 3"),
    (lambda d: d.pop("transform"), "no 'transform', which CityJSON 2.0 needs"),
    (lambda d: d["transform"].update(scale=[1, 0, 1]), "broken 'transform'"),
    (lambda d: d["transform"].pop("translate"), "broken 'transform'"),
    (lambda d: d.pop("CityObjects"), "no 'CityObjects'"),
    (lambda d: d.update(CityObjects={"r": {"type": "Road"}}), "no Building; there is 1 Road"),
    (lambda d: d["CityObjects"]["b"]["geometry"][0]["boundaries"][0][2][0].__setitem__(0, 999), "object 'b': it names vertex 999"),
    (lambda d: d["CityObjects"]["b"]["geometry"][0]["boundaries"][0][2][0].__setitem__(0, -1), "object 'b': it names vertex -1"),
    (lambda d: d["CityObjects"]["b"]["geometry"][0]["boundaries"][0][2][0].__setitem__(0, 1.5), "object 'b': it names vertex 1.5"),
    (lambda d: d["CityObjects"]["b"]["geometry"][0].update(type="MultiSurface", semantics=None), "object 'b': the boundaries are not nested as those of a MultiSurface"),
    (lambda d: d["CityObjects"]["b"]["geometry"][0].update(boundaries=[[0, 1, 2]], semantics=None), "object 'b': the boundaries are not nested"),
    (lambda d: d["CityObjects"]["b"]["geometry"][0]["semantics"].update(values=[[0]]), "object 'b': the 'values' of its semantics do not fit"),
    (lambda d: d["CityObjects"]["b"]["geometry"][0]["semantics"]["values"][0].__setitem__(0, 7), "object 'b': its semantics name surface 7"),
    (lambda d: d["CityObjects"]["b"]["geometry"][0].update(lod="fine"), "object 'b': 'lod' is 'fine'"),
    (lambda d: d["CityObjects"]["b"]["geometry"][0].pop("lod"), "object 'b': 'lod' is None"),
    (lambda d: d["CityObjects"]["b"].update(children=["c"]), "object 'b': its child 'c' is not in the file"),
    (lambda d: d["CityObjects"]["b"].update(type="BuildingPart"), "object 'b': it is a part of no building"),
    (lambda d: d["CityObjects"].update(b=[]), "object 'b': it is no object"),
    (lambda d: d["CityObjects"]["b"].update(geometry={"type": "Solid"}), "object 'b': its 'geometry' is no list"),
])
def test_what_is_broken_is_named(tmp_path, change, said):
    with pytest.raises(InvalidParameter) as raised:
        opened(tmp_path, _broken(change))
    assert said in str(raised.value) and raised.value.parameter == "file" and raised.value.chinese
    assert "Traceback" not in str(raised.value)


def test_no_json_and_far_too_deep(tmp_path):
    path = tmp_path / "a.city.json"
    for text in ("{", '{"type":"Feature"}\n{"type":"CityJSONFeature"}', '{"type":"CityJSON","CityObjects":' + "[" * 5000 + "]" * 5000 + "}"):
        path.write_text(text)
        with pytest.raises(InvalidParameter, match="is no JSON"):
            open_source(path)


def told(source: Source) -> list[tuple[str, bytes, list[Any]]]:
    """Each building of a source: its name, footprint and surfaces."""
    assert source.city is not None
    points = source.city.model.points
    return [(b.id, source.city._footprint(n), write_surfaces(source.city.surfaces(n, points))) for n, b in enumerate(source.city.model.buildings)]


def sequence(data: dict[str, Any]) -> str:
    """A model as CityJSONSeq: each object with vertices of its own, numbered from 0."""
    lines: list[dict[str, Any]] = [data | {"CityObjects": {}, "vertices": []}]
    for name, each in data["CityObjects"].items():
        used = sorted(set(np.ravel(np.array([corner for shell in each["geometry"][0]["boundaries"] for rings in shell for ring in rings for corner in ring]))))

        def moved(part: Any, used: list[int] = used) -> Any:
            return [moved(p) for p in part] if isinstance(part, list) else used.index(part)

        geometry = each["geometry"][0] | {"boundaries": moved(each["geometry"][0]["boundaries"])}
        lines.append({"type": "CityJSONFeature", "id": name, "CityObjects": {name: each | {"geometry": [geometry]}}, "vertices": [data["vertices"][n] for n in used]})
    return "\n".join(map(json.dumps, lines)) + "\n"


def test_a_text_sequence_and_packed_files_say_the_same(tmp_path):
    data = city_json({"a": HOUSE, "b": House(450_100, 4_420_050, 46, w=20)})
    plain = told(open_source(write_city_json(tmp_path / "town.city.json", data)))
    text, lines = json.dumps(data).encode(), sequence(data).encode()
    # Told by its content where its name says nothing.
    (tmp_path / "town.jsonl").write_bytes(lines.replace(b"\n{", b"\r\n\x1e{"))
    (tmp_path / "town.city.json.gz").write_bytes(gzip.compress(text))
    (tmp_path / "plain.json.gz").write_bytes(gzip.compress(b" " * 100_000 + text))
    (tmp_path / "town.city.jsonl.gz").write_bytes(gzip.compress(lines))
    with zipfile.ZipFile(tmp_path / "town.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in (("data/town.city.json", text), ("data/readme.json", b"{}"), ("appearances/a.jpg", b"\xff\xd8"), ("__MACOSX/data/._town.city.json", b"x")):
            archive.writestr(name, content)
    assert len(plain) == 2
    for name in ("town.jsonl", "town.city.json.gz", "plain.json.gz", "town.city.jsonl.gz", "town.zip"):
        assert told(open_source(tmp_path / name)) == plain, name


def test_a_broken_sequence_names_its_line(tmp_path):
    data = city_json({"a": HOUSE, "b": House(450_100, 4_420_050, 46, w=20)})
    lines = sequence(data).splitlines()
    vertex = json.loads(lines[2]) | {"vertices": [[0, 0]]}
    broken = json.loads(lines[1])
    broken["CityObjects"]["a"]["geometry"][0]["boundaries"][0][0][0][0] = 999
    for changed, said in (({2: "{"}, "line 3"), ({2: '{"type":"Feature"}'}, "no CityJSONFeature in line 3"), ({2: json.dumps(vertex)}, "vertex in line 3"),
                          ({1: json.dumps(broken)}, "broken in line 2"), ({1: '{"type":"CityJSONFeature"}'}, "'CityObjects' in line 2")):
        (tmp_path / "town.city.jsonl").write_text("\n".join(changed.get(n, line) for n, line in enumerate(lines)))
        with pytest.raises(InvalidParameter, match=said):
            open_source(tmp_path / "town.city.jsonl")


def test_what_unpacks_without_end_is_refused(tmp_path):
    """A small file may say that it is a very large one, or lie about its size."""
    bomb = tmp_path / "bomb.city.json.gz"
    bomb.write_bytes(gzip.compress(b" " * (8 << 20)))
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.city.json", b" " * (8 << 20))
    said = (tmp_path / "bomb.zip").read_bytes()
    (tmp_path / "liar.zip").write_bytes(said.replace((8 << 20).to_bytes(4, "little"), (100).to_bytes(4, "little")))
    for path, member in ((bomb, None), (tmp_path / "bomb.zip", "bomb.city.json")):
        with pytest.raises(TooLarge, match="more than 1 MB"):
            text_of(path, member, 1 << 20)
    for name, content in (("cut.city.json.gz", bomb.read_bytes()[:-20]), ("bad.city.json.gz", b"no gzip"), ("cut.zip", said[:-30]), ("liar.zip", None)):
        if content is not None:
            (tmp_path / name).write_bytes(content)
        with pytest.raises(InvalidParameter) as raised:
            open_source(tmp_path / name)
        assert raised.value.parameter == "file" and raised.value.chinese
    for name, kind in (("bzip2.zip", zipfile.ZIP_BZIP2), ("lzma.zip", zipfile.ZIP_LZMA)):
        with zipfile.ZipFile(tmp_path / name, "w", kind) as archive:
            archive.writestr("town.json", b" " * (200 << 20))
        tracemalloc.start()
        with pytest.raises(InvalidParameter, match="deflate"):
            open_source(tmp_path / name)
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
        tracemalloc.stop()
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        for name in ("a.city.json", "b.city.json"):
            archive.writestr(name, "{}")
    with pytest.raises(InvalidParameter, match="holds 2 files"):
        open_source(tmp_path / "two.zip")


def with_templates(**changes: Any) -> dict[str, Any]:
    """A shed as a template, once turned by a right angle and twice as high, once as it is; and a house with surfaces of its own."""
    shed = House(0, 0, 0, w=4, d=3, eaves=2, ridge=3)
    data = city_json({"own": HOUSE})
    corners = sorted({p for _, rings in shed.polygons for ring in rings for p in ring})
    types = ["GroundSurface", "WallSurface", "RoofSurface"]
    template = {"type": "Solid", "lod": "2", "boundaries": [[[[corners.index(p) for p in ring] for ring in rings] for _, rings in shed.polygons]],
                "semantics": {"surfaces": [{"type": t} for t in types], "values": [[types.index(kind) for kind, _ in shed.polygons]]}}
    data["geometry-templates"] = {"templates": [template], "vertices-templates": [list(p) for p in corners]}
    data["vertices"] += [[30_000, 0, 45_000], [50_000, 0, 45_500]]
    for n, (name, matrix) in enumerate({"turned": [0, -1, 0, 0, 1, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 1], "plain": np.eye(4, dtype=int).ravel().tolist()}.items()):
        instance = {"type": "GeometryInstance", "template": 0, "boundaries": [len(data["vertices"]) - 2 + n], "transformationMatrix": matrix}
        data["CityObjects"][name] = {"type": "Building", "geometry": [instance | changes if name == "turned" else instance]}
    return data


def test_instances_of_templates_stand_where_their_matrices_put_them(tmp_path):
    source = opened(tmp_path, with_templates())
    assert source.city is not None
    points = source.city.model.points
    names = [b.id for b in source.city.model.buildings]
    by_name = {name: source.city.surfaces(n, points) for n, name in enumerate(names)}
    assert volume(by_name["own"]) == pytest.approx(HOUSE.volume) and [b.lod for b in source.city.model.buildings] == ["2"] * 3
    shed = 4 * 3 * 2.5
    assert (volume(by_name["plain"]), volume(by_name["turned"])) == pytest.approx((shed, 2 * shed))
    reach = {name: np.concatenate([ring for s in by_name[name] for ring in s.rings]) for name in names}
    # (x, y, z) becomes (-y, x, 2 z), from the vertex that the instance names.
    assert reach["turned"].min(axis=0) == pytest.approx([450_027, 4_420_000, 45]) and reach["turned"].max(axis=0) == pytest.approx([450_030, 4_420_004, 51])
    assert reach["plain"].min(axis=0) == pytest.approx([450_050, 4_420_000, 45.5]) and reach["plain"].max(axis=0) == pytest.approx([450_054, 4_420_003, 48.5])


@pytest.mark.parametrize(("change", "said"), [
    ({"template": 1}, "template 1, but there are 1"), ({"template": True}, "template True"), ({"boundaries": []}, "list of one vertex"), ({"boundaries": [10**6]}, "list of one vertex"),
    ({"boundaries": [[0]]}, "list of one vertex"), ({"transformationMatrix": [1] * 16}, "sixteen numbers"), ({"transformationMatrix": None}, "sixteen numbers"),
    ({"transformationMatrix": [1e300] * 12 + [0, 0, 0, 1]}, "beyond all places")])
def test_broken_instances_are_named(tmp_path, change, said):
    with pytest.raises(InvalidParameter, match=said) as raised:
        opened(tmp_path, with_templates(**change))
    assert "object 'turned'" in str(raised.value)


def test_instances_do_not_fill_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr("layers.cityjson_places.MOST_CORNERS", 50)
    with pytest.raises(InvalidParameter, match="more than 50 corners"):
        opened(tmp_path, with_templates())


def test_surfaces_are_read_as_they_were_written():
    surfaces = [Surface(kind, tuple(np.array(ring) for ring in rings)) for kind, rings in HOUSE.polygons]
    back = parse_surfaces(json.loads(json.dumps(write_surfaces(surfaces))))
    assert [s.type for s in back] == [s.type for s in surfaces]
    assert all(np.array_equal(a, b) for s, t in zip(surfaces, back, strict=True) for a, b in zip(s.rings, t.rings, strict=True))
    ring = [[0, 0, 0], [1, 0, 0], [1, 1, 0]]
    for value in (None, {}, [], [3], [{"type": "Roof", "rings": [ring]}], [{"type": "RoofSurface"}], [{"type": "RoofSurface", "rings": []}],
                  [{"type": "RoofSurface", "rings": [ring[:2]]}], [{"type": "RoofSurface", "rings": [[[0, 0], [1, 0], [1, 1]]]}],
                  [{"type": "RoofSurface", "rings": [[[0, 0, "x"], [1, 0, 0], [1, 1, 0]]]}], [{"type": "RoofSurface", "rings": [[[0, 0, 1e999], *ring]]}]):
        with pytest.raises(WrongValue):
            parse_surfaces(value)
