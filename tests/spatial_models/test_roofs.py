"""Analyses by surveyed roofs, on a gabled house worked out by hand; by day, known time, filters and layers."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
import shapely

from gisserver.surroundings import CitySurroundings
from layers.access import LayerGrant
from layers.catalogue import Catalogue
from layers.crs import transformer
from layers.errors import InvalidParameter
from layers.history import current_seq
from layers.store import Store
from spatial_models.jobs import Asker, run_now, submit
from spatial_models.lines_of_sight import look
from spatial_models.process import Shell
from spatial_models.profiles import profiles
from spatial_models.roofs import Facets, Roofs, facets_of, roofs_of
from spatial_models.section import Line
from spatial_models.skyline import skyline
from spatial_models.solids import Solids, facets_of_shell
from spatial_models.storeys import Level, basis_of, stack
from spatial_models.surroundings import Ground
from spatial_models.viewshed import surface
from tests.spatial_models.conftest import EAST, NORTH, PROJECTED, STORED, Put, at, building, make_asker

Ask = Callable[..., dict[str, Any]]
PLANE = Ground(None, PROJECTED)
BASE, EAVES, RIDGE = 40.0, 46.0, 50.0
# The house: 20 m along its ridge, which runs east, and 10 m across.
W, E, S, N = 50.0, 70.0, -5.0, 5.0
HOUSE_AT, CORNER = np.array([60.0, 0.0]), np.array([EAST, NORTH, 0.0])


def gable(west: float, east: float, south: float, north: float, base: float, eaves: float, ridge: float, floor: bool = True) -> list[tuple[str, list[tuple[float, float, float]]]]:
    """Return the outside of a gabled house, counter-clockwise as seen from outside."""
    middle = (south + north) / 2
    found = [
        ("RoofSurface", [(west, south, eaves), (east, south, eaves), (east, middle, ridge), (west, middle, ridge)]),
        ("RoofSurface", [(east, north, eaves), (west, north, eaves), (west, middle, ridge), (east, middle, ridge)]),
        ("WallSurface", [(west, south, base), (east, south, base), (east, south, eaves), (west, south, eaves)]),
        ("WallSurface", [(east, north, base), (west, north, base), (west, north, eaves), (east, north, eaves)]),
        ("WallSurface", [(west, north, base), (west, south, base), (west, south, eaves), (west, middle, ridge), (west, north, eaves)]),
        ("WallSurface", [(east, south, base), (east, north, base), (east, north, eaves), (east, middle, ridge), (east, south, eaves)])]
    return found + ([("GroundSurface", [(west, south, base), (west, north, base), (east, north, base), (east, south, base)])] if floor else [])


def rings(house: list[tuple[str, list[tuple[float, float, float]]]]) -> list[list[np.ndarray]]:
    return [[np.array(ring) + CORNER] for _, ring in house]


def stored(house: list[tuple[str, list[tuple[float, float, float]]]]) -> list[dict[str, Any]]:
    """Return surfaces as the store keeps them."""
    move = transformer(PROJECTED, STORED).transform
    return [{"type": kind, "rings": [[[*move(EAST + x, NORTH + y), z] for x, y, z in [*ring, ring[0]]]]} for kind, ring in house]


def lon_lat(x: float, y: float, *elevation: float) -> list[float]:
    return [*transformer(PROJECTED, 4326).transform(EAST + x, NORTH + y), *elevation]


def one(facets: Facets, shape: shapely.Geometry, top: float) -> Solids:
    return Solids(np.array(["building"], object), np.array([1]), np.array([None], object), np.array([shape], object), np.array([BASE]), np.array([top]),
                  np.array([True]), roofs=roofs_of([(0, facets)]))


HOUSE = one(facets_of(rings(gable(W, E, S, N, BASE, EAVES, RIDGE))), at(W, S, E - W, N - S), RIDGE)


def sight(x: float, y: float, z: float, to_x: float, to_y: float, to_z: float, drop: float = 0.0) -> Any:
    return look((EAST + x, NORTH + y, z), (EAST + to_x, NORTH + to_y, to_z), HOUSE, PLANE, drop)


def test_a_wall_that_leans_by_millimetres_is_no_higher_than_its_corners():
    """Its corners lie two millimetres off a plane, which over the edge of a plan of six millimetres is a third of a metre."""
    wall = np.array([(0, 0, 40), (10, 0, 40), (10, 0.006, 43), (0, 0.010, 43)]) + CORNER
    facets = facets_of([[wall]])
    edge, of = shapely.get_coordinates(facets.plan, return_index=True)
    heights = facets.heights(of, *edge.T)
    assert len(facets.plan) == 1 and heights.min() >= 40 and heights.max() <= 43


def test_a_roof_that_crosses_itself_and_has_a_spike_keeps_its_halves():
    # Its edges cross at (8/3, 4/3): triangles of 16/3 and 4/3 m².
    corners = [(0, 0, 10), (4, 2, 10), (4, 0, 10), (0, 4, 10), (-3, 4, 10), (0, 4, 10)]
    assert sum(part.area for part in facets_of([[np.array(corners, float) + CORNER]]).plan) == pytest.approx(20 / 3)


def test_a_roof_of_very_many_facets_is_cut_in_no_time():
    """Twenty thousand strips of a decimetre, every second one a metre higher."""
    west, height = np.arange(20_000) / 10 + EAST, 50.0 + np.arange(20_000) % 2
    plane, at_all = np.column_stack([0 * height, 0 * height, height]), np.zeros(20_000, np.int64)
    roofs = Roofs(Facets(shapely.box(west, NORTH - 1, west + 0.1, NORTH + 1), np.column_stack([west, 0 * west + NORTH]), plane, at_all == 0, plane[:, [2, 2]]), at_all)
    line, begun = Line.of(np.array([(-5, 0), (2005, 0)]) + CORNER[:2]), time.process_time()
    (cut,) = profiles(line, roofs)
    assert time.process_time() - begun < 5
    assert len(cut.points) == 40_000 and cut.points[:3] == [pytest.approx(each, abs=1e-6) for each in ((5, 50), (5.1, 50), (5.1, 51))]


def test_storeys_are_as_many_as_can_be_told_whatever_somebody_wrote():
    made = stack(0.0, 10.0, 2**31 - 1, [])
    assert len(made) == 250 and made[-1].top_m < 10


def test_the_ridge_is_in_the_way_and_the_eaves_are_not():
    # Level at 48 m across the ridge: over the roof only half way up its slopes, 2 m below the ridge.
    (across,) = sight(60, -45, 48, 60, 45, 48).obstructions
    assert (across.begin_m, across.end_m, across.above_m, across.solid) == pytest.approx((42.5, 50, 2, 0), abs=2e-3)
    # Along the ridge but a metre from the eaves, where the roof is at 46.8 m, it clears; along the very ridge it does not.
    assert sight(0, 4, 48, 120, 4, 48).is_visible and sight(0, -4, 48, 120, -4, 48).is_visible
    (along,) = sight(0, 0, 48, 120, 0, 48).obstructions
    assert (along.begin_m, along.end_m, along.above_m) == pytest.approx((50, 70, 2), abs=2e-3)
    # A line that only runs along the wall is free; one a hand within it is not.
    assert sight(0, 5, 45, 120, 5, 45).is_visible and not sight(0, 4.9, 45, 120, 4.9, 45).is_visible
    # What is seen from there on begins on the line over the ridge: 44 + 6 / 45 · 90.
    assert sight(60, -45, 44, 60, 45, 41).seen_from_m == pytest.approx(44 + 6 / 45 * 90)
    # Up from within: as far as the roof lies over that place.
    assert sight(60, -2.5, 41, 60, -2.5, 60).seen_from_m == pytest.approx(48)


@pytest.mark.parametrize("drop", [0.0, 6.8e-8])
def test_agrees_with_a_line_that_is_marched(drop: float):
    random = np.random.default_rng(7)
    for _ in range(60):
        (x, y), (to_x, to_y) = random.uniform(-40, 40, (2, 2)) + HOUSE_AT
        z, to_z = random.uniform(41, 53, 2)
        s = np.linspace(0, 1, 20_001)
        length = float(np.hypot(to_x - x, to_y - y))
        px, py = x + s * (to_x - x), y + s * (to_y - y)
        roof = np.where((px > W) & (px < E) & (np.abs(py) < 5), EAVES + (5 - np.abs(py)) / 5 * (RIDGE - EAVES), -np.inf)
        far = drop * length**2
        line = z + (to_z - far - z) * s + drop * (s * length) ** 2
        above = float((roof - line).max())
        found = sight(x, y, z, to_x, to_y, to_z, drop)
        if abs(above) > 0.02:
            assert found.is_visible == (above < 0), (x, y, z, to_x, to_y, to_z)
            if above > 0:
                assert found.obstructions[0].above_m == pytest.approx(above, abs=0.02)


def test_the_horizon_is_the_ridge():
    found = skyline((EAST + 60, NORTH - 45, 41.6), 200, 1, HOUSE, PLANE)
    assert (found.angle_deg[0], found.distance_m[0], found.elevation_m[0]) == pytest.approx((np.degrees(np.arctan(8.4 / 45)), 45, RIDGE), abs=1e-6)
    # From the gable's end the horizon is a gable: its middle high, its corners low.
    side = skyline((EAST + 20, NORTH, 41.6), 200, 1, HOUSE, PLANE).angle_deg
    assert side[90] == pytest.approx(np.degrees(np.arctan(8.4 / 30))) and side[90] > side[95] > side[99] > 0


def test_a_surface_has_the_slopes_of_roofs():
    over = surface(EAST + 60, NORTH, 20, 1, HOUSE, PLANE)
    row, col = 20 + np.array([0, 2, 4, 6]), np.full(4, 20)
    assert over.top[row, col] == pytest.approx([RIDGE, RIDGE - 1.6, RIDGE - 3.2, 0.0]) and over.solid[row, col].tolist() == [0, 0, 0, -1]


def test_profiles_and_volumes():
    line = Line.of(np.array([[EAST + 60, NORTH - 45], [EAST + 60, NORTH + 45]]))
    ((row, points),) = profiles(line, HOUSE.roofs)
    assert row == 0 and np.array(points) == pytest.approx(np.array([[40, EAVES], [45, RIDGE], [50, EAVES]]))
    # A dormer over the slope: where two facets cross, the higher one counts.
    dormer = [np.array([(58, -4, 49), (62, -4, 49), (62, -1, 49), (58, -1, 49)], float) + CORNER]
    both = roofs_of([(0, facets_of([*rings(gable(W, E, S, N, BASE, EAVES, RIDGE)), dormer]))])
    ((_, points),) = profiles(line, both)
    assert np.array(points) == pytest.approx(np.array([[40, 46], [41, 46.8], [41, 49], [43.75, 49], [45, 50], [50, 46]]), abs=1e-3)
    # 20 · 10 · 6 m and half of 20 · 10 · 4 m; a floor that is missing changes nothing, a warped roof is cut into triangles.
    volume = 20 * 10 * 6 + 20 * 10 * 4 / 2
    for floor in (True, False):
        assert facets_of(rings(gable(W, E, S, N, BASE, EAVES, RIDGE, floor))).volume_m3(BASE) == pytest.approx(volume)
    warped = facets_of([[np.array([(0, 0, 0), (10, 0, 0), (10, 10, 2), (0, 10, 0)], float)]])
    assert len(warped.plan) == 2 and warped.volume_m3(0) == pytest.approx(2 / 3 * 50, rel=1e-6) or warped.volume_m3(0) == pytest.approx(4 / 3 * 50, rel=1e-6)


def test_surfaces_of_another_place_are_not_taken():
    shell = Shell(tuple(tuple(each) for each in rings(gable(W, E, S, N, BASE, EAVES, RIDGE))), 2.2)
    assert facets_of_shell(shell, at(W, S, E - W, N - S)) is not None and facets_of_shell(shell, at(W + 8, S, E - W, N - S)) is None
    # Eaves reach out over their walls; floors and walls alone are no roof.
    assert facets_of_shell(shell, at(W + 1, S + 1, E - W - 2, N - S - 2)) is not None
    assert facets_of_shell(Shell(shell.polygons[2:], 2.2), at(W, S, E - W, N - S)) is None


def test_storeys_are_recorded_partly_or_assumed():
    shop = Level(7, 1, "1", 4.5)
    assert [(s.bottom_m, s.top_m, s.fid, s.is_recorded) for s in stack(40, 50.5, 3, [shop])] == [
        (40, 44.5, 7, True), (44.5, 47.5, None, False), (47.5, 50.5, None, False)]
    assert basis_of(stack(40, 50.5, 3, [shop])) == "partly" and basis_of(stack(40, 50.5, 3, [])) == "assumed" and basis_of([]) is None
    cellar = stack(40, 44.5, 1, [Level(5, -1, "B2", None), Level(6, 0, "B1", 3.6), shop])
    assert [(s.label, s.bottom_m, s.is_recorded) for s in cellar] == [("B2", pytest.approx(33.4), False), ("B1", pytest.approx(36.4), True), ("1", 40, True)]
    # More floors than fit below the roof are not squeezed in.
    assert len(stack(40, 44, 9, [shop])) == 1


@pytest.fixture(scope="module")
def village(store: Store, put: Put) -> dict[str, int]:
    """A gabled house of 2010 whose surfaces were recorded later; a slab planned for 2040 and one with recorded levels."""
    seq = current_seq(store)
    (house,) = put("building", [building(at(W, S, E - W, N - S), height_m=10.0, ground_elevation_m=BASE, name="硬山房", floors_above=2, span="[2010-01-01T00:00Z,)")])
    known = current_seq(store)
    slab, shop = put("building", [
        building(at(200, -50, 10, 100), height_m=30.0, ground_elevation_m=BASE, name="规划楼", status="planned", span="[2040-01-01T00:00Z,)"),
        building(at(60, 100, 20, 10), height_m=12.0, ground_elevation_m=BASE, name="商住楼", floors_above=3)])
    put("level", [{"building_fid": shop, "nominal_no": name, "actual_no": number, "height_m": height, "district_code": "110101"}
                  for name, number, height in (("B1", -1, 3.9), ("1", 1, 5.1), ("2", 2, 3.3), ("3", 3, 3.3))])
    surfaces = stored(gable(W, E, S, N, BASE, EAVES, RIDGE))
    place = {"building_fid": house, "lowest_m": BASE, "highest_m": RIDGE, "district_code": "110101", "span": "[2010-01-01T00:00Z,)"}
    put("building_surface", [
        place | {"lod": "2.2", "surfaces": orjson.dumps(surfaces).decode()},
        # A coarser shape beside it is not taken.
        place | {"lod": "1", "surfaces": orjson.dumps(stored(gable(W, E, S, N, BASE, RIDGE, RIDGE + 0.1))).decode(), "highest_m": RIDGE + 0.1}])
    return {"before": seq, "without": known, "house": house, "slab": slab, "shop": shop}


@pytest.fixture(scope="module")
def ask(store: Store, catalogue: Catalogue, asker: Asker, village: dict[str, int], tmp_path_factory: pytest.TempPathFactory) -> Ask:
    nowhere = CitySurroundings(Path(tmp_path_factory.mktemp("plain")))

    def asked(process: str, who: Asker = asker, **inputs: Any) -> dict[str, Any]:
        return orjson.loads(run_now(store, catalogue, who, process, inputs, nowhere).body)

    return asked


def test_processes_tell_how_many_roofs_and_prisms_they_saw(ask: Ask, store: Store, village: dict[str, int]):
    level = {"observer": lon_lat(60, -45, 48.0), "eye_height_m": 0, "curvature": False}
    told = ask("sightline", **level, targets=[lon_lat(60, 45, 48.0), lon_lat(60, -2.5)])
    across, roof = told["targets"]
    assert (told["solids"]["count"], told["solids"]["surfaces"], told["solids"]["prisms"], told["solids"]["surfaces_left_out"]) == (1, 1, 0, 0)
    assert across["obstruction"]["fid"] == village["house"] and across["obstruction"]["above_line_m"] == pytest.approx(2, abs=0.01)
    assert across["obstruction"]["distance_m"] == pytest.approx(42.5, abs=0.01)
    # On the slope two thirds up stands who stands on it.
    assert (roof["stands_on"], roof["elevation_m"], roof["visible"]) == ("feature", pytest.approx(48, abs=0.01), True)
    # Who may not read surfaces sees prisms, and is told so.
    layers = Catalogue(store).layers
    prism = make_asker(store, "prisms", grants=[LayerGrant(i) for i in layers if i != "building_surface"])
    told = ask("sightline", prism, **level, targets=[lon_lat(60, 45, 48.0)])
    assert told["solids"]["prisms"] == 1 and told["targets"][0]["obstruction"]["distance_m"] == pytest.approx(40, abs=0.01)

    line = [lon_lat(60, -45), lon_lat(60, 45)]
    (cut,) = ask("section", line=line)["cuts"]
    assert cut["shape"] == "surfaces" and np.array(cut["roof"]) == pytest.approx(np.array([[40, 46], [45, 50], [50, 46]]), abs=0.01)
    assert (cut["storey_basis"], [s["top_m"] for s in cut["storeys"]]) == ("assumed", pytest.approx([45, 50], abs=0.01))
    (cut,) = ask("section", prism, line=line)["cuts"]
    assert cut["shape"] == "prism" and np.array(cut["roof"]) == pytest.approx(np.array([[40, 50], [50, 50]]), abs=0.01)
    (cut,) = ask("section", line=[lon_lat(70, 90), lon_lat(70, 120)])["cuts"]
    assert (cut["fid"], cut["shape"], cut["storey_basis"]) == (village["shop"], "prism", "recorded")
    assert [(s["label"], s["bottom_m"]) for s in cut["storeys"]] == [("B1", pytest.approx(36.1)), ("1", 40), ("2", pytest.approx(45.1)), ("3", pytest.approx(48.4))]

    chosen = {"layer": "building", "fids": [village["house"], village["shop"]]}
    told = ask("solid-volume", **chosen)
    assert [(f["shape"], f["volume_m3"]) for f in told["features"]] == [("surfaces", pytest.approx(1600, rel=1e-4)), ("prism", pytest.approx(2400, rel=1e-4))]
    assert (told["surfaces"], told["prisms"], told["volume_m3"]) == (1, 1, pytest.approx(4000, rel=1e-4))
    assert ask("solid-volume", prism, **chosen)["volume_m3"] == pytest.approx(4400, rel=1e-4)

    # Behind the ridge the ground is hidden as far as 15 / (5 / 45) m from an eye at 55 m; behind a prism as far as 150 m.
    seen = {"observer": lon_lat(60, -45, 55.0), "eye_height_m": 0, "radius_m": 160, "cell_m": 1, "curvature": False}
    for who, reach in ((None, 135), (prism, 150)):
        hidden = shapely.from_geojson(orjson.dumps(ask("viewshed", **({"who": who} if who else {}), **seen)["hidden"]))
        assert [shapely.contains_xy(hidden, *lon_lat(60, reach - 45 + by)) for by in (-3, 3)] == [True, False]
    highest = ask("skyline", observer=lon_lat(60, -45, 41.6), eye_height_m=0, radius_m=100, curvature=False)
    assert highest["profile"][0]["angle_deg"] == pytest.approx(np.degrees(np.arctan(8.4 / 45)), abs=0.01) and highest["solids"]["surfaces"] == 1


def test_day_known_time_filters_and_layers_are_those_of_the_view(ask: Ask, village: dict[str, int]):
    through = {"observer": lon_lat(60, -45, 48.0), "eye_height_m": 0, "curvature": False, "targets": [lon_lat(60, 45, 48.0)]}

    def visible(**more: Any) -> tuple[int, int]:
        told = ask("sightline", **through, **more)
        return told["visible"], told["solids"]["surfaces"]

    assert visible() == (0, 1) and visible(datetime="2005") == (1, 0)
    # Before the house was known nothing stood there; before its surfaces were, a prism.
    assert visible(known_at=village["before"]) == (1, 0) and visible(known_at=village["without"]) == (0, 0)
    assert visible(known_at="2001-01-01") == (1, 0) and visible(known_at="2900-01-01") == (0, 1) and visible(known_at=str(village["without"])) == (0, 0)
    assert visible(filters={"building": "floors_above > 5"}) == (1, 0) and visible(filters={"building": {"op": "=", "args": [{"property": "floors_above"}, 2]}}) == (0, 1)
    assert visible(layers=[]) == (1, 0)
    # A planned house stands from its day on.
    beyond = {"observer": lon_lat(150, 20, 50.0), "eye_height_m": 0, "targets": [lon_lat(250, 20, 50.0)], "curvature": False}
    assert ask("sightline", **beyond)["visible"] == 1
    blocked = ask("sightline", **beyond, datetime="2041-06-01")
    assert (blocked["visible"], blocked["targets"][0]["obstruction"]["fid"], blocked["datetime"]) == (0, village["slab"], "2041-06-01")
    assert ask("sightline", **beyond, datetime="2041-06-01", known_at=village["without"])["visible"] == 1
    volume = ask("solid-volume", layer="building", fids=[village["slab"]], datetime="2041")
    assert (volume["count"], volume["volume_m3"]) == (1, pytest.approx(30_000, rel=1e-4))
    assert ask("solid-volume", layer="building", fids=[village["house"]], known_at=village["before"])["not_found"] == [village["house"]]
    assert ask("section", line=[lon_lat(60, -45), lon_lat(60, 45)], filters={"building": "floors_above > 5"})["cuts"] == []
    told = ask("skyline", observer=lon_lat(150, 20, 50.0), radius_m=100, compare="2041", curvature=False)
    assert told["profile"][90].get("fid") is None and told["compared"]["profile"][90]["fid"] == village["slab"]


def test_faults_are_found_before_a_job_is_taken(store: Store, catalogue: Catalogue, asker: Asker, village: dict[str, int]):
    shown = [({"filters": {"road": "name = 'x'"}}, "filters"), ({"filters": {"building": "nonsense = 1"}}, "filters"), ({"filters": {"building": "height_m >"}}, "filters"),
             ({"filters": {"NO": "true"}}, "filters"), ({"filters": "height_m > 3"}, "filters"), ({"layers": ["nowhere"]}, "layers")]
    both = [({"known_at": "someday"}, "known_at"), ({"known_at": -1}, "known_at"), ({"known_at": 2**53}, "known_at"), ({"known_at": True}, "known_at"),
            ({"datetime": "2010-13"}, "datetime")]
    area = orjson.loads(shapely.to_geojson(shapely.Polygon([lon_lat(*p) for p in ((0, 0), (50, 0), (50, 50))])))
    processes: list[tuple[str, dict[str, Any], list[tuple[dict[str, Any], str]]]] = [
        ("sightline", {"observer": lon_lat(0, 0), "targets": [lon_lat(10, 10)]}, both + shown), ("viewshed", {"observer": lon_lat(0, 0)}, both + shown),
        ("skyline", {"observer": lon_lat(0, 0)}, [*both, *shown, ({"compare": "then"}, "compare")]), ("section", {"line": [lon_lat(0, 0), lon_lat(100, 0)]}, both + shown),
        ("earthwork", {"area": area}, both + shown), ("solid-volume", {"layer": "building", "fids": [1]}, both)]
    for process, usual, faults in processes:
        for inputs, name in faults:
            with pytest.raises(InvalidParameter) as caught:
                submit(store, catalogue, asker, process, usual | inputs)
            assert caught.value.parameter.split(".")[0] == name, (process, inputs, caught.value)
            assert caught.value.chinese or name in ("known_at", "datetime", "compare"), (process, inputs)
