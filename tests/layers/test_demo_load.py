"""Loading the demo city: what the store believes at the end, and what it believed on the way, is what the city says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from psycopg import sql

from config.settings import ROOT
from layers.catalogue import Catalogue
from layers.city import read_city
from layers.demo import Correction, DemoCity, build
from layers.demo.load import write
from layers.store import Store

# One district, whole: everything in it refers only to itself.
DISTRICT = "119908"
PART = ("district", "parcel", "red_line", "project", "milestone", "document", "building", "building_parcel", "entrance", "level", "unit_room", "address",
        "building_surface")


def part_of(demo: DemoCity) -> DemoCity:
    tables = {name: t[t["district_code"] == DISTRICT].reset_index(drop=True) for name, t in demo.tables.items() if name in PART}
    here = set(np.concatenate([t["fid"].to_numpy() for t in tables.values()]).tolist())
    corrections = []
    for c in demo.corrections:
        rows = {n: r[r["fid"].isin(here)] for n, r in c.rows.items() if n in PART}
        corrections.append(Correction(c.zh, c.en, {n: r for n, r in rows.items() if len(r)}))
    lineage = [e for e in demo.lineage if all(f in here for _, f in (*e.predecessors, *e.successors))]
    return DemoCity(demo.frame, tables, [c for c in corrections if c.rows], lineage, demo.features)


@pytest.fixture(scope="module")
def demo() -> DemoCity:
    return part_of(build(read_city(ROOT / "config" / "city.yaml")))


@pytest.fixture(scope="module")
def loaded(store: Store, catalogue: Catalogue, demo: DemoCity) -> Iterator[dict[str, Any]]:
    yield write(store, catalogue, demo)


def believed(store: Store, layer: str, seq: int, offset: int) -> pd.DataFrame:
    """Return what the store believed at a changeset, by plain SQL over both tables."""
    query = sql.SQL("SELECT fid - %s, lower(valid) AT TIME ZONE 'UTC', upper(valid) AT TIME ZONE 'UTC', begin_precision::text, end_precision::text FROM {} "
                    "WHERE seq_from <= %s UNION ALL "
                    "SELECT fid - %s, lower(valid) AT TIME ZONE 'UTC', upper(valid) AT TIME ZONE 'UTC', begin_precision::text, end_precision::text FROM {} "
                    "WHERE seq_from <= %s AND seq_to > %s ORDER BY 1, 2").format(sql.Identifier("city", layer), sql.Identifier("city", f"{layer}_past"))
    with store.read() as connection:
        rows = connection.execute(query, (offset, seq, offset, seq, seq)).fetchall()
    return pd.DataFrame(rows, columns=["fid", "from", "to", "from_precision", "to_precision"])


def told(table: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({"fid": table["fid"].to_numpy(), "from": table["valid_from"].to_numpy(), "to": table["valid_to"].to_numpy(),
                         "from_precision": table["begin_precision"].to_numpy(dtype=object), "to_precision": table["end_precision"].to_numpy(dtype=object)})


def rows_of(frame: pd.DataFrame) -> set[tuple[Any, ...]]:
    return {tuple(None if pd.isna(v) else str(v) for v in row) for row in frame.itertuples(index=False)}


@pytest.mark.parametrize("layer", PART)
def test_the_plans_are_believed_as_the_city_tells_them(store: Store, demo: DemoCity, loaded: dict[str, Any], layer: str) -> None:
    """After the last changeset before the corrections, every version is as in the table."""
    last = loaded["changesets"][len(demo.changesets) - 1]
    assert rows_of(believed(store, layer, last, loaded["offset"])) == rows_of(told(demo.tables[layer]))


@pytest.mark.parametrize("layer", ["building", "parcel", "project"])
@pytest.mark.parametrize("known", [0, 1, 3])
def test_what_was_known_earlier_is_still_known_so(store: Store, demo: DemoCity, loaded: dict[str, Any], layer: str, known: int) -> None:
    """At an earlier changeset, what came later was not there, and what ended later was open."""
    table = demo.tables[layer]
    table = table[table["changeset"] <= known]
    later = table["end_changeset"] > known
    expected = told(table)
    expected["to"] = expected["to"].where(~later.to_numpy())
    expected["to_precision"] = np.where(later, "s", expected["to_precision"].to_numpy(dtype=object))
    assert layer != "building" or later.any()
    assert rows_of(believed(store, layer, loaded["changesets"][known], loaded["offset"])) == rows_of(expected)


def test_corrections_change_the_belief_and_not_the_past(store: Store, demo: DemoCity, loaded: dict[str, Any]) -> None:
    dated = next(c.rows["building"] for c in demo.corrections if c.en.startswith("Correction: years"))
    before, after = (believed(store, "building", loaded["changesets"][n], loaded["offset"]) for n in (len(demo.changesets) - 1, -1))
    assert len(dated)
    for fid, begin in zip(dated["fid"], dated["valid_from"], strict=True):
        assert after[after["fid"] == fid]["from"].tolist() == [begin]
        assert before[before["fid"] == fid]["from"].iloc[0] > begin


def test_references_point_at_the_stores_own_numbers(store: Store, demo: DemoCity, loaded: dict[str, Any]) -> None:
    table = demo.tables["unit_room"]
    with store.read() as connection:
        count = connection.execute("SELECT count(*) FROM city.unit_room u JOIN city.entrance e ON e.fid = u.entrance_fid AND e.building_fid = u.building_fid "
                                   "JOIN city.level l ON l.fid = u.start_level_fid AND l.building_fid = u.building_fid").fetchone()
        name = connection.execute("SELECT b.source_id FROM city.unit_room u JOIN city.building b ON b.fid = u.building_fid WHERE u.unit_code = %s LIMIT 1",
                                  (table["unit_code"].iloc[0],)).fetchone()
    assert count == (len(table),)
    building = demo.tables["building"]
    assert name == (building[building["fid"] == table["building_fid"].iloc[0]]["source_id"].iloc[0],)


def test_lineage_is_kept_with_its_moment(store: Store, demo: DemoCity, loaded: dict[str, Any]) -> None:
    with store.read() as connection:
        kinds = dict(connection.execute("SELECT kind, count(*) FROM gis.lineage_event GROUP BY kind").fetchall())
        edges = connection.execute("SELECT count(*) FROM gis.lineage_edge").fetchone()
    expected: dict[str, int] = {}
    for e in demo.lineage:
        expected[e.kind] = expected.get(e.kind, 0) + 1
    assert kinds == expected
    assert edges == (sum(len(e.predecessors) + len(e.successors) for e in demo.lineage),)


def test_values_arrive_as_they_are(store: Store, demo: DemoCity, loaded: dict[str, Any]) -> None:
    table = demo.tables["building"]
    row = table[(table["status"] == "in_use") & table["name"].notna() & ~table["fid"].isin([f for c in demo.corrections for f in c.rows.get("building", table.head(0))["fid"]])].iloc[7]
    with store.read() as connection:
        found = connection.execute(
            "SELECT name, address, floors_above, height_m, codes -> 0 ->> 'value', completed_year, owner_kind, ST_AsText(geom, 7), GeometryType(geom), ST_SRID(geom) "
            "FROM city.building WHERE fid = %s AND status = 'in_use' AND lower(valid) = %s::timestamp AT TIME ZONE 'UTC'",
            (int(row["fid"]) + loaded["offset"], str(row["valid_from"]))).fetchone()
    assert found is not None
    assert found[:7] == (row["name"], row["address"], row["floors_above"], row["height_m"], row["codes"][0]["value"], row["completed_year"], row["owner_kind"])
    assert found[8:] == ("MULTIPOLYGON", 4490)
