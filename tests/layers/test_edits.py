"""Edits as somebody sends them: times, partial values, references within a changeset, conflicts, faults of every row."""

from __future__ import annotations

from typing import Any

import pytest

from layers.access import Audience, LayerGrant
from layers.catalogue import Catalogue
from layers.edits import Changeset, Edit, LineageClaim, apply_changeset, check_changeset
from layers.errors import Conflict, Forbidden, InvalidParameter, Rejected, UnknownFeature, UnknownLayer
from layers.history import changes_since, changeset, current_seq, difference, lineage, touched_features, undo
from layers.layer import parse_layer
from layers.moments import parse_moment
from layers.plan import register
from layers.staging import Applied
from layers.store import Store

TITLE = {"zh": "层", "en": "Layer"}
PLOT = {"id": "plot", "geometry": "MultiPolygon", "title": TITLE, "born": "runtime", "label": "name", "fields": [
    {"name": "name", "type": "string", "title": TITLE, "required": True}, {"name": "area_m2", "type": "number", "title": TITLE},
    {"name": "codes", "type": "codes", "title": TITLE}, {"name": "holder", "type": "string", "title": TITLE, "personal": True},
    {"name": "surveyed", "type": "date", "title": TITLE}]}
SHED = {"id": "shed", "kind": "table", "title": TITLE, "born": "runtime", "fields": [
    {"name": "plot_fid", "type": "reference", "references": "plot", "part_of": True, "on_retire": "cascade", "title": TITLE}]}


@pytest.fixture(scope="module")
def city(store: Store) -> Catalogue:
    register(store, parse_layer(PLOT))
    register(store, parse_layer(SHED))
    return Catalogue(store)


def square(lon: float, lat: float, side: float = 0.001) -> dict[str, Any]:
    ring = [[lon, lat], [lon + side, lat], [lon + side, lat + side], [lon, lat + side], [lon, lat]]
    return {"type": "Polygon", "coordinates": [ring]}


def write(store: Store, city: Catalogue, owner: Audience, *edits: Edit, **more: Any) -> Applied:
    return apply_changeset(store, city, owner, Changeset(edits, "tester", "a test", **more))


def row(store: Store, fid: int, columns: str = "name, area_m2, holder") -> tuple[Any, ...] | None:
    with store.read() as connection:
        return connection.execute(f"SELECT {columns} FROM city.plot WHERE fid = %s AND valid @> now()", (fid,)).fetchone()


def test_create_patch_and_replace(store: Store, city: Catalogue, owner: Audience) -> None:
    made = write(store, city, owner, Edit("plot", "create", properties={
        "name": "甲", "area_m2": 10, "holder": "王", "surveyed": "2020-02-29", "codes": [{"scheme": "local", "value": "A-1"}]},
        geometry=square(116.3, 39.9), valid_from="1985"))
    fid, version = made.fids[0], made.versions[0]
    write(store, city, owner, Edit("plot", "put", fid, properties={"area_m2": 12.5}, partial=True, expected_version=version))
    assert row(store, fid) == ("甲", 12.5, "王")
    assert row(store, fid, "ST_NPoints(geom), codes, surveyed::text") == (5, [{"scheme": "local", "value": "A-1"}], "2020-02-29")
    write(store, city, owner, Edit("plot", "put", fid, properties={"name": "乙"}))
    assert row(store, fid) == ("乙", None, None)


def test_a_correction_without_a_time_takes_the_version_s_own(store: Store, city: Catalogue, owner: Audience) -> None:
    fid, = write(store, city, owner, Edit("plot", "create", properties={"name": "错"}, geometry=square(116.31, 39.9), valid_from="1990-05")).fids
    write(store, city, owner, Edit("plot", "correct", fid, properties={"name": "对"}, partial=True))
    with store.read() as connection:
        assert connection.execute("SELECT lower(valid)::date::text, upper_inf(valid), begin_precision, name FROM city.plot WHERE fid = %s",
                                  (fid,)).fetchall() == [("1990-05-01", True, "m", "对")]
        assert connection.execute("SELECT name FROM city.plot_past WHERE fid = %s", (fid,)).fetchall() == [("错",)]


def test_a_changeset_builds_what_refers_to_each_other(store: Store, city: Catalogue, owner: Audience) -> None:
    before = current_seq(store)
    done = write(store, city, owner,
                 Edit("shed", "create", properties={"plot_fid": "$here"}, valid_from="2001"),
                 Edit("plot", "create", temp_id="here", properties={"name": "丙"}, geometry=square(116.32, 39.9), valid_from="2000"))
    assert done.temp_ids == {"here": done.fids[1]}
    info, = changes_since(store, city, owner, before)
    assert [(t.layer, t.added, t.closed) for t in info.layers] == [("plot", 1, 0), ("shed", 1, 0)]
    assert info.layers[0].envelope == pytest.approx((116.32, 39.9, 116.321, 39.901))
    assert touched_features(store, city.layer("plot"), owner, done.seq) == [{"fid": done.fids[1], "before": [], "after": [done.versions[1]]}]


def test_a_conflict_shows_what_stands_now(store: Store, city: Catalogue, owner: Audience) -> None:
    made = write(store, city, owner, Edit("plot", "create", properties={"name": "丁"}, geometry=square(116.33, 39.9), valid_from="2000"))
    fid, version = made.fids[0], made.versions[0]
    other = write(store, city, owner, Edit("plot", "put", fid, properties={"name": "别人"}, partial=True, expected_version=version))
    with pytest.raises(Conflict) as conflict:
        write(store, city, owner, Edit("plot", "put", fid, properties={"name": "我"}, partial=True, expected_version=version))
    assert (conflict.value.expected, conflict.value.current) == (version, other.versions[0])
    assert conflict.value.theirs is not None and conflict.value.theirs["properties"]["name"] == "别人"


def test_every_fault_of_every_edit_and_nothing_written(store: Store, city: Catalogue, owner: Audience) -> None:
    before = current_seq(store)
    edits = (Edit("plot", "create", properties={"name": 5, "colour": "red"}, geometry=square(116.3, 39.9)),
             Edit("plot", "create", properties={"name": "x", "area_m2": float("nan"), "surveyed": "yesterday", "codes": ["A"]},
                  geometry={"type": "Point", "coordinates": [116.3, 39.9]}),
             Edit("plot", "create", properties={"name": "x"}, geometry=square(116.3, 39.9), valid_from="2001", valid_to="2000"))
    with pytest.raises(Rejected) as rejected:
        write(store, city, owner, *edits)
    assert {(f.row, f.field) for f in rejected.value.faults} == {
        (0, "name"), (0, "colour"), (1, "area_m2"), (1, "surveyed"), (1, "codes"), (1, "geometry"), (2, "valid_to")}
    assert check_changeset(store, city, owner, Changeset(edits, "tester")) == rejected.value.faults
    outside = Edit("plot", "create", properties={"name": None}, geometry=square(0, 0))
    assert {f.code for f in check_changeset(store, city, owner, Changeset((outside,), "tester"))} == {"required", "outside"}
    assert current_seq(store) == before


@pytest.mark.parametrize(("edit", "error"), [
    (Edit("nowhere", "create"), UnknownLayer), (Edit("plot", "put", 10**15, properties={}), UnknownFeature),
    (Edit("plot", "retire"), InvalidParameter), (Edit("dem", "create"), InvalidParameter)])
def test_what_cannot_be_edited(store: Store, city: Catalogue, owner: Audience, edit: Edit, error: type[Exception]) -> None:
    with pytest.raises(error):
        write(store, city, owner, edit)


def test_fields_the_editor_may_not_read_stay(store: Store, city: Catalogue, owner: Audience) -> None:
    fid, = write(store, city, owner, Edit("plot", "create", properties={"name": "戊", "holder": "李"}, geometry=square(116.34, 39.9))).fids
    blind = Audience(None, "blind", {"plot": LayerGrant("plot", True, None, ("name", "area_m2"))})
    write(store, city, blind, Edit("plot", "put", fid, properties={"name": "己"}))
    assert row(store, fid) == ("己", None, "李")
    with pytest.raises(Rejected, match="no field 'holder'"):
        write(store, city, blind, Edit("plot", "put", fid, properties={"holder": "我"}))
    with pytest.raises(Forbidden):
        write(store, city, Audience(None, "reader", {"plot": LayerGrant("plot")}), Edit("plot", "retire", fid))
    with pytest.raises(UnknownLayer):
        write(store, city, Audience(None, "nobody", {}), Edit("plot", "retire", fid))


def test_a_split_has_lineage_both_ways_and_undo_takes_it_back(store: Store, city: Catalogue, owner: Audience) -> None:
    whole, = write(store, city, owner, Edit("plot", "create", properties={"name": "全"}, geometry=square(116.35, 39.9, 0.002), valid_from="1990")).fids
    split = write(store, city, owner, Edit("plot", "retire", whole, valid_from="2005-03"),
                  Edit("plot", "create", temp_id="a", properties={"name": "左"}, geometry=square(116.35, 39.9), valid_from="2005-03"),
                  Edit("plot", "create", temp_id="b", properties={"name": "右"}, geometry=square(116.351, 39.9), valid_from="2005-03"),
                  lineage=(LineageClaim("split", (("plot", whole),), (("plot", "$a"), ("plot", "$b")), "2005-03"),))
    left, right = split.fids[1:]
    plot = city.layer("plot")
    for fid in (whole, left, right):
        event, = lineage(store, city, owner, plot, fid)["events"]
        assert (event["kind"], event["at"]) == ("split", "2005-03")
        assert event["predecessors"] == [{"layer": "plot", "fid": whole}]
        assert event["successors"] == [{"layer": "plot", "fid": left}, {"layer": "plot", "fid": right}]
    changes = difference(store, plot, owner, parse_moment("2000").at, parse_moment("2010").at)
    assert {(c["fid"], c["change"]) for c in changes if c["fid"] in (whole, left, right)} == {(whole, "ended"), (left, "built"), (right, "built")}
    undone = undo(store, city, owner, split.seq, "tester", "wrong plot")
    assert changeset(store, city, owner, split.seq).undone_by == undone.seq
    assert lineage(store, city, owner, plot, whole)["events"] == []
    with pytest.raises(UnknownFeature):
        lineage(store, city, owner, plot, 10**15)
