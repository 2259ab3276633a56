"""The demo city is as large, as old and as well-formed as promised; each answer by a route of its own."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pyproj
import pytest
import rasterio
import shapely

from config.settings import ROOT
from layers.city import read_city
from layers.demo import DemoCity, build
from layers.demo.codes import credit_code
from layers.demo.terrain import ground_m, write_dem
from layers.errors import DefinitionError
from layers.layer import read_layers

CITY = read_city(ROOT / "config" / "city.yaml")
LAYERS = read_layers(ROOT / "config" / "layers")
STORED = [x.id for x in LAYERS.values() if x.is_stored and x.id != "annotation"]        # marks are drawn by people
NOW = np.datetime64("2026-11-01")
DAYS = [np.datetime64(d) for d in ("1985-07-01", "1999-07-01", "2012-07-01", "2026-11-01", "2030-12-01")]
TO_METRES = pyproj.Transformer.from_crs(CITY.storage_srid, CITY.projected_srid, always_xy=True)


@pytest.fixture(scope="module")
def demo() -> DemoCity:
    return build(CITY, 42)


def on(table: pd.DataFrame, day: np.datetime64) -> pd.DataFrame:
    begin, end = table["valid_from"].to_numpy(dtype="datetime64[s]"), table["valid_to"].to_numpy(dtype="datetime64[s]")
    return table[(begin <= day) & (np.isnat(end) | (day < end))]


def metres(table: pd.DataFrame) -> np.ndarray:
    return shapely.transform(table.geometry.to_numpy(), lambda p: np.stack(TO_METRES.transform(p[:, 0], p[:, 1]), axis=-1))


# Size


def test_what_stands_today(demo: DemoCity) -> None:
    buildings = on(demo.tables["building"], NOW)
    assert (buildings["status"] == "in_use").sum() >= 30_000
    units = on(demo.tables["unit_room"], NOW)
    assert len(units) >= 60_000
    assert units["building_fid"].nunique() >= 2_000
    assert len(on(demo.tables["parcel"], NOW)) >= 8_000
    assert len(on(demo.tables["project"], NOW)) >= 600
    assert len(on(demo.tables["address"], NOW)) >= 40_000
    assert demo.tables["street"]["fid"].nunique() == 60
    assert len(demo.tables["district"]) == 8
    assert 280 <= len(demo.tables["community"]) <= 340


def test_what_happened_since_1985(demo: DemoCity) -> None:
    table = demo.tables["building"]
    used = table[table["status"] == "in_use"].groupby("fid")["valid_from"].min()
    assert ((used >= "1985-01-01") & (used <= NOW)).sum() >= 12_000
    last = table.drop_duplicates("fid", keep="last")["valid_to"]
    assert ((last >= "1985-01-01") & (last <= NOW)).sum() >= 3_000
    assert (last > NOW).sum() > 50, "demolitions that are announced"
    assert (used > NOW).sum() > 500, "buildings that are planned"
    assert table["valid_from"].max() < pd.Timestamp("2033-01-01")
    kinds = Counter(e.kind for e in demo.lineage)
    assert kinds["split"] >= 400 and kinds["merge"] >= 200 and kinds["rebuild"] >= 500
    assert kinds["build"] and kinds["demolish"] and kinds["renumber"]
    assert sum(len(rows) for c in demo.corrections for rows in c.rows.values()) >= 100


def test_six_networks_with_valves_and_customers(demo: DemoCity) -> None:
    segments, nodes = on(demo.tables["pipe_segment"], NOW), on(demo.tables["pipe_node"], NOW)
    assert len(segments) >= 20_000
    assert set(segments["kind"]) == {"JS", "PS", "RQ", "RL", "DL", "TX"}
    assert (nodes["feature"] == "valve").sum() > 1_000 and (nodes["feature"] == "hydrant").sum() > 1_000
    assert set(demo.tables["customer"]["kind"]) == {"JS", "PS", "RQ", "RL", "DL", "TX"}


def test_some_project_stands_at_every_step(demo: DemoCity) -> None:
    """The last step done, for each project: all sixteen occur, and so does every state of a milestone."""
    present = on(demo.tables["milestone"], NOW)
    done = present[present["state"] == "done"].groupby("project_fid")["step_no"].max()
    assert set(done) == set(range(1, 17))
    assert set(present["state"]) == {"pending", "processing", "done", "suspended", "revoked"}
    assert set(on(demo.tables["project"], NOW)["stage"]) == set(LAYERS["project"].field("stage").codes or ())
    late = present[(present["planned_date"] < NOW) & present["actual_date"].isna()]
    assert len(late) > 20


# Form


@pytest.mark.parametrize("name", STORED)
def test_versions_follow_each_other(demo: DemoCity, name: str) -> None:
    table = demo.tables[name]
    begin, end = table["valid_from"].to_numpy(dtype="datetime64[s]"), table["valid_to"].to_numpy(dtype="datetime64[s]")
    assert not np.isnat(begin).any()
    assert (np.isnat(end) | (begin < end)).all()
    same = table["fid"].to_numpy()[1:] == table["fid"].to_numpy()[:-1]
    assert (end[:-1][same] == begin[1:][same]).all(), "a version begins where the one before it ends"
    for at, precision in ((begin, table["begin_precision"]), (end, table["end_precision"])):
        for letter, kind in {"y": "datetime64[Y]", "m": "datetime64[M]", "d": "datetime64[D]"}.items():
            chosen = at[(precision == letter).to_numpy()]
            assert (chosen.astype(kind).astype("datetime64[s]") == chosen).all()
    assert (table["changeset"] <= table["end_changeset"]).all()


def test_numbers_are_unique_over_the_city(demo: DemoCity) -> None:
    fids = np.concatenate([np.unique(t["fid"]) for t in demo.tables.values()])
    assert len(np.unique(fids)) == len(fids)
    assert fids.min() >= 1 and fids.max() <= demo.features


@pytest.mark.parametrize("name", STORED)
def test_values_fit_the_definition(demo: DemoCity, name: str) -> None:
    layer, table = LAYERS[name], demo.tables[name]
    for f in layer.fields:
        if f.name not in table:
            assert not f.required
            continue
        values = table[f.name].dropna()
        assert not f.required or len(values) == len(table), f.name
        if f.codes:
            assert set(values) <= set(f.codes), f.name
        if f.minimum is not None:
            assert values.astype(float).min() >= f.minimum, f.name
        if f.maximum is not None:
            assert values.astype(float).max() <= f.maximum, f.name
        if f.pattern and len(values):
            assert values.astype(str).str.fullmatch(f.pattern).all(), f.name
        if f.max_length and len(values):
            assert values.astype(str).str.len().max() <= f.max_length, f.name
    if layer.key and layer.key in table:
        keys = table[["fid", layer.key]].drop_duplicates()
        assert keys[layer.key].is_unique, "a key names one feature"


@pytest.mark.parametrize(("name", "field"), [(x.id, f.name) for x in LAYERS.values() for f in x.fields if f.references])
def test_references_exist_as_long_as_they_are_needed(demo: DemoCity, name: str, field: str) -> None:
    definition = LAYERS[name].field(field)
    versions = demo.tables[definition.references or ""]
    parent = versions.drop_duplicates("fid", keep="last").set_index("fid")[["valid_to"]].rename(columns={"valid_to": "last"})
    parent["begin"] = versions.drop_duplicates("fid").set_index("fid")["valid_from"]
    child = demo.tables[name].dropna(subset=[field])
    assert len(child)
    joined = child.merge(parent, left_on=child[field].astype("int64"), right_index=True, how="left")
    assert joined["begin"].notna().all()
    if definition.on_retire != "keep":
        assert (joined["begin"] <= joined["valid_from"]).all()
        assert (joined["last"].isna() | (joined["valid_to"] <= joined["last"])).all()


@pytest.mark.parametrize("name", [x for x in STORED if LAYERS[x].kind == "spatial"])
def test_geometries_are_valid_and_inside(demo: DemoCity, name: str) -> None:
    shapes = demo.tables[name].geometry.to_numpy()
    assert shapely.is_valid(shapes).all() and not shapely.is_empty(shapes).any()
    minx, miny, maxx, maxy = shapely.total_bounds(shapes)
    assert CITY.extent[0] <= minx and CITY.extent[1] <= miny and maxx <= CITY.extent[2] and maxy <= CITY.extent[3]
    wanted = LAYERS[name].geometry or ""
    assert {g.removeprefix("Multi") for g in {s.geom_type for s in shapes}} == {wanted.removeprefix("Multi")}


def overlaps(a: np.ndarray, b: np.ndarray | None = None) -> float:
    """Return the largest overlap (m2) of two of `a`, or of one of `a` and one of `b`."""
    first, second = shapely.STRtree(a if b is None else b).query(a, predicate="intersects")
    if b is None:
        first, second = first[first < second], second[first < second]
    if not len(first):
        return 0.0
    return float(shapely.area(shapely.intersection(a[first], (a if b is None else b)[second])).max())


@pytest.mark.parametrize("day", DAYS, ids=str)
def test_nothing_stands_on_anything_else(demo: DemoCity, day: np.datetime64) -> None:
    buildings = metres(on(demo.tables["building"], day))
    assert overlaps(buildings) < 0.1
    roads = on(demo.tables["road"], day)
    surface = shapely.buffer(metres(roads), roads["width_m"].to_numpy(dtype=float) / 2 - 0.05, cap_style="flat")
    assert overlaps(buildings, surface) < 0.1
    water = metres(on(demo.tables["water_area"], day))
    assert overlaps(buildings, water) < 0.1
    assert overlaps(metres(on(demo.tables["parcel"], day))) < 1.0
    assert overlaps(metres(on(demo.tables["land_use"], day))) < 5.0


def test_buildings_stand_in_their_parcels(demo: DemoCity) -> None:
    relation = on(demo.tables["building_parcel"], NOW)
    buildings, parcels = on(demo.tables["building"], NOW).set_index("fid"), on(demo.tables["parcel"], NOW).set_index("fid")
    house = metres(buildings.loc[relation["building_fid"]])
    land = metres(parcels.loc[relation["parcel_fid"]])
    outside = shapely.area(shapely.difference(house, shapely.buffer(land, 0.5)))
    assert outside.max() < 1.0


def test_districts_streets_and_communities_nest_and_cover_the_city(demo: DemoCity) -> None:
    area = {name: shapely.area(metres(on(demo.tables[name], NOW))).sum() for name in ("district", "street", "community")}
    assert area["street"] == pytest.approx(area["district"], rel=1e-6) and area["community"] == pytest.approx(area["district"], rel=1e-6)
    district = on(demo.tables["district"], NOW).set_index("district_code").geometry
    building = on(demo.tables["building"], NOW).sample(4000, random_state=1)
    inside = shapely.contains(district.loc[building["district_code"]].to_numpy(), shapely.point_on_surface(building.geometry.to_numpy()))
    assert inside.mean() > 0.995, "a large piece of the plan may reach over a border"


# Networks


def pipe_ends(demo: DemoCity) -> pd.DataFrame:
    nodes = demo.tables["pipe_node"].drop_duplicates("fid").set_index("fid")
    segments = on(demo.tables["pipe_segment"], NOW)
    out = segments.copy()
    for end in ("start", "end"):
        chosen = nodes.loc[segments[f"{end}_node_fid"]]
        out[f"{end}_ground"] = chosen["ground_elevation_m"].to_numpy()
        out[f"{end}_kind"] = chosen["sub_kind"].to_numpy()
        out[f"{end}_point"] = chosen.geometry.to_numpy()
    return out


def test_pipes_end_in_their_nodes_and_elevations_add_up(demo: DemoCity) -> None:
    """Ground elevation is depth plus pipe elevation at both ends (CJJ 61); a pipe has its nodes' place and kind."""
    pipes = pipe_ends(demo)
    for n, end in enumerate(("start", "end")):
        assert np.abs(pipes[f"{end}_ground"] - pipes[f"{end}_depth_m"] - pipes[f"{end}_elevation_m"]).max() < 1e-6
        assert (pipes[f"{end}_kind"] == pipes["sub_kind"]).all()
        tip = shapely.get_point(pipes.geometry.to_numpy(), n)
        assert shapely.distance(tip, np.array(pipes[f"{end}_point"], dtype=object)).max() == 0
    assert (pipes["start_node_fid"] != pipes["end_node_fid"]).all()
    assert not pipes[["start_node_fid", "end_node_fid"]].duplicated().any()
    length = shapely.length(metres(pipes))
    assert np.abs(length - pipes["length_m"]).max() < 0.02
    assert length.min() > 0.05 and length.max() < 80
    assert (pipes[["start_depth_m", "end_depth_m"]] > 0.5).all().all()


def test_nodes_have_the_degree_their_feature_says(demo: DemoCity) -> None:
    segments = demo.tables["pipe_segment"].drop_duplicates("fid")
    degree = Counter(segments["start_node_fid"]) + Counter(segments["end_node_fid"])
    nodes = demo.tables["pipe_node"].drop_duplicates("fid")
    found = nodes.assign(degree=[degree[f] for f in nodes["fid"]]).groupby("feature")["degree"].agg(["min", "max"])
    for feature, wanted in (("tee", 3), ("cross", 4), ("end", 1), ("straight", 2), ("valve", 2)):
        assert tuple(found.loc[feature]) == (wanted, wanted), feature
    assert found["min"].min() >= 1, "no node is unused"


def test_sewers_fall_and_do_not_shrink_downstream(demo: DemoCity) -> None:
    sewers = demo.tables["pipe_segment"]
    sewers = sewers[sewers["kind"] == "PS"].drop_duplicates("fid")
    assert (sewers["start_elevation_m"] > sewers["end_elevation_m"]).all()
    down = sewers.groupby("start_node_fid")["size_mm"].max()
    assert sewers.groupby("start_node_fid").size().max() == 1, "a sewer does not fork"
    after = sewers["end_node_fid"].map(down)
    assert (after.isna() | (after >= sewers["size_mm"])).all()
    ends = set(sewers["end_node_fid"]) - set(sewers["start_node_fid"])
    nodes = demo.tables["pipe_node"].set_index("fid")
    assert set(nodes.loc[list(ends)]["feature"]) == {"outfall"}


def test_water_reaches_every_customer(demo: DemoCity) -> None:
    pipes = on(demo.tables["pipe_segment"], NOW)
    pipes = pipes[pipes["kind"] == "JS"]
    near: dict[int, list[int]] = {}
    for a, b in zip(pipes["start_node_fid"], pipes["end_node_fid"], strict=True):
        near.setdefault(a, []).append(b)
        near.setdefault(b, []).append(a)
    nodes = demo.tables["pipe_node"].set_index("fid")
    todo = [f for f in nodes.index[(nodes["kind"] == "JS") & (nodes["feature"] == "source")] if f in near]
    seen = set(todo)
    while todo:
        for other in near[todo.pop()]:
            if other not in seen:
                seen.add(other)
                todo.append(other)
    customers = on(demo.tables["customer"], NOW)
    assert set(customers[customers["kind"] == "JS"]["node_fid"]) <= seen



def test_units_add_up_to_their_building(demo: DemoCity) -> None:
    units = demo.tables["unit_room"]
    assert np.allclose(units["area_inner_m2"] + units["area_shared_m2"], units["area_total_m2"], atol=0.006)
    measured = units[units["survey_kind"] == "measured"].groupby("building_fid")["area_total_m2"].sum()
    buildings = demo.tables["building"].drop_duplicates("fid", keep="last").set_index("fid").loc[measured.index]
    above = buildings["footprint_area_m2"] * buildings["floors_above"].astype(int) * 0.985
    assert np.abs(measured / above - 1).max() < 0.001
    assert units["unit_code"].is_unique
    assert not units.duplicated(["entrance_fid", "room_no"]).any()
    share = (units["area_shared_m2"] / units["area_inner_m2"] - units["share_coefficient"]).abs()
    assert share.max() < 0.002


def iso_7064_mod_11_2_holds(code: str) -> bool:
    """The standard's own test: the weighted sum of all characters, the check with weight 1, leaves 1 modulo 11."""
    values = ["0123456789X".index(c) for c in code]
    return sum(v * pow(2, len(values) - 1 - k, 11) for k, v in enumerate(values)) % 11 == 1


def test_house_codes_hold_their_check_character(demo: DemoCity) -> None:
    assert iso_7064_mod_11_2_holds("11010519491231002X"), "a published example of the same system"
    for name, count in (("building", 3000), ("unit_room", 1500)):
        codes = demo.tables[name]["codes"].iloc[:: max(1, len(demo.tables[name]) // count)]
        found = [c["value"] for many in codes for c in many if c["scheme"] == "house"]
        assert len(found) >= count
        assert all(len(v) == 23 and iso_7064_mod_11_2_holds(v) for v in found)
    everything = demo.tables["building"].drop_duplicates("fid")["codes"]
    values = [c["value"] for many in everything for c in many]
    assert len(set(values)) == len(values)


def test_credit_codes_hold_their_check_character() -> None:
    assert credit_code("91350100M000100Y4") == "91350100M000100Y43", "the example of GB 32100"


def test_land_is_neither_lost_nor_won_when_it_is_split(demo: DemoCity) -> None:
    parcels = demo.tables["parcel"]
    area = dict(zip(parcels["fid"], shapely.area(metres(parcels)), strict=True))
    begin = parcels.groupby("fid")["valid_from"].min().to_dict()
    end = parcels.drop_duplicates("fid", keep="last").set_index("fid")["valid_to"].to_dict()
    checked = 0
    for event in demo.lineage:
        if event.kind not in ("split", "merge", "renumber"):
            continue
        before, after = [f for _, f in event.predecessors], [f for _, f in event.successors]
        assert {end[f] for f in before} == {begin[f] for f in after} == {pd.Timestamp(event.at)}
        if event.kind == "split":
            assert len(before) == 1 and len(after) > 1
            assert sum(area[f] for f in after) == pytest.approx(area[before[0]], rel=0.02)
            checked += 1
        elif event.kind == "merge":
            assert len(before) > 1 and len(after) == 1
    assert checked >= 400


def test_projects_stay_inside_their_red_lines(demo: DemoCity) -> None:
    lines = demo.tables["red_line"].drop_duplicates("fid").set_index("fid")
    projects = demo.tables["project"]
    site, line = metres(projects), metres(lines.loc[projects["red_line_fid"]])
    assert shapely.area(shapely.difference(site, line)).max() < 1


def test_every_document_number_is_given_once(demo: DemoCity) -> None:
    assert demo.tables["document"]["document_no"].is_unique
    issued = demo.tables["document"]
    assert (issued["issued_on"] <= np.datetime64("2026-11-01")).all(), "no document comes from the future"



def test_elevation_model_and_network_agree(demo: DemoCity, tmp_path: Path) -> None:
    path = write_dem(demo.frame, tmp_path / "coverages" / "dem.tif")
    nodes = demo.tables["pipe_node"].iloc[::40]
    points = shapely.get_coordinates(nodes.geometry.to_numpy())
    with rasterio.open(path) as dem:
        assert dem.crs.to_epsg() == 4490
        assert dem.bounds == pytest.approx(CITY.extent)
        sampled = np.array([v[0] for v in dem.sample(points)])
        heights = dem.read(1)
    assert np.median(np.abs(sampled - nodes["ground_elevation_m"])) < 0.05
    assert heights[:, :200].max() > 400, "hills in the west"
    assert 15 < np.median(heights[:, -200:]) < 45, "a plain in the east"
    assert ground_m(0.0, 1900.0) - ground_m(0.0, 900.0) > 35, "the hill north of the palace"


def test_a_city_that_is_too_small_is_refused() -> None:
    small = CITY.model_copy(update={"extent": (116.3, 39.9, 116.4, 40.0)})
    with pytest.raises(DefinitionError, match="needs an extent of at least"):
        build(small)
