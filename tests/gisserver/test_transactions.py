"""Writing over HTTP: one feature, atomic changesets, undo, conflicts, and what is refused."""

from __future__ import annotations

import httpx
import pytest

from tests.gisserver.conftest import As, Town, building, square

ITEMS = "/ogc/collections/building/items"
GEOJSON = {"Content-Type": "application/geo+json"}


@pytest.fixture
def editor(as_role: As) -> httpx.Client:
    return as_role("editor")


def create(editor: httpx.Client, name: str, x: float, y: float, **parameters: str) -> httpx.Response:
    return editor.post(ITEMS, json=building(name, x, y), headers=GEOJSON, params=parameters)


def test_create_read_replace_update_delete(editor: httpx.Client, http: httpx.Client) -> None:
    made = create(editor, "新楼", 116.31, 39.95, reason="竣工")
    assert made.status_code == 201, made.text
    address = made.headers["location"]
    assert address.endswith(f"{ITEMS}/{made.json()['id']}")
    read = http.get(address)
    assert read.headers["etag"].split(".")[0] == made.headers["etag"].split(".")[0]
    assert http.get(f"/api/changesets/{made.headers['gis-seq']}").status_code == 200

    whole = read.json()
    whole["properties"]["name"] = "新楼甲"
    replaced = editor.put(address, json=whole, headers=GEOJSON | {"If-Match": read.headers["etag"]})
    assert replaced.status_code == 200, replaced.text
    assert int(replaced.headers["gis-seq"]) == int(made.headers["gis-seq"]) + 1
    after = http.get(address)
    assert after.json()["properties"]["name"] == "新楼甲"
    assert after.json()["geometry"] == whole["geometry"]

    patched = editor.patch(address, json={"properties": {"height_m": 33.5, "name": None}},
                           headers={"If-Match": replaced.headers["etag"], "Content-Type": "application/merge-patch+json"})
    assert patched.status_code == 200, patched.text
    properties = http.get(address).json()["properties"]
    assert (properties["height_m"], properties["name"], properties["use"]) == (33.5, None, "residential")

    deleted = editor.delete(address, headers={"If-Match": patched.headers["etag"]})
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert http.get(address).status_code == 410
    believed = [v["properties"]["name"] for v in http.get(f"{address}/versions").json()["versions"] if v["seq_to"] is None]
    assert believed[0] is None


def test_coordinates_in_the_systems_of_the_city(editor: httpx.Client, http: httpx.Client) -> None:
    feature = building("坐标楼", 0, 0)
    feature["geometry"] = {"type": "Polygon", "coordinates": [[[39.96, 116.31], [39.96, 116.311], [39.961, 116.311], [39.96, 116.31]]]}
    made = editor.post(ITEMS, json=feature, headers=GEOJSON | {"Content-Crs": "<http://www.opengis.net/def/crs/EPSG/0/4490>"})
    assert made.status_code == 201, made.text
    ring = http.get(made.headers["location"]).json()["geometry"]["coordinates"][0][0]
    assert [116.31, 39.96] in ring
    wrong = editor.post(ITEMS, json=feature, headers=GEOJSON | {"Content-Crs": "<urn:nix>"})
    assert wrong.json()["parameter"] == "Content-Crs"


def test_put_from_a_day_and_correction(editor: httpx.Client, http: httpx.Client) -> None:
    made = create(editor, "历史楼", 116.32, 39.95, **{"valid-from": "1990"})
    address = made.headers["location"]
    later = editor.patch(address, json={"properties": {"name": "历史楼二期"}}, params={"valid-from": "2001-05"},
                         headers={"If-Match": made.headers["etag"]})
    assert later.status_code == 200, later.text
    assert http.get(address, params={"datetime": "1995"}).json()["properties"]["name"] == "历史楼"
    assert http.get(address, params={"datetime": "2002"}).json()["properties"]["name"] == "历史楼二期"
    old = http.get(address, params={"datetime": "1995"})
    corrected = editor.patch(address, json={"properties": {"height_m": 12}}, params={"correct": "true", "reason": "量错了"},
                             headers={"If-Match": old.headers["etag"]})
    assert corrected.status_code == 200, corrected.text
    versions = [v for v in http.get(f"{address}/versions").json()["versions"] if v["seq_to"] is None]
    assert {(v["valid_from"], v["valid_to"], v["properties"]["height_m"]) for v in versions} == {
        ("1990", "2001-05", 12), ("2001-05", None, 10)}


def test_a_version_is_needed_and_a_stale_one_shows_all_sides(editor: httpx.Client) -> None:
    made = create(editor, "争议楼", 116.33, 39.95)
    address = made.headers["location"]
    patch = {"properties": {"name": "甲"}}
    assert editor.patch(address, json=patch).status_code == 428
    assert editor.patch(address, json=patch, headers={"If-Match": "*"}).status_code == 428
    assert editor.patch(address, json=patch, headers={"If-Match": '"abc"'}).json()["parameter"] == "If-Match"
    assert editor.patch(address, json=patch, headers={"If-Match": made.headers["etag"]}).status_code == 200
    stale = editor.patch(address, json={"properties": {"name": "乙"}}, headers={"If-Match": made.headers["etag"]})
    assert stale.status_code == 412
    problem = stale.json()
    assert problem["theirs"]["properties"]["name"] == "甲"
    assert problem["base"]["properties"]["name"] == "争议楼"
    assert problem["yours"]["properties"] == {"name": "乙"}
    assert problem["current"] != problem["expected"]


@pytest.mark.parametrize(("body", "named"), [
    ({"type": "Feature", "id": 7, "geometry": None, "properties": {}}, "id"),
    ({"type": "Point", "coordinates": [1, 2]}, "type"),
    ({"type": "Feature", "geometry": None}, "properties"),
    ({"type": "Feature", "properties": {}}, "geometry"),
    ([], "body"),
])
def test_wrong_bodies_are_named(editor: httpx.Client, town: Town, body: object, named: str) -> None:
    answer = editor.put(f"{ITEMS}/{town.fids['3号楼']}", json=body, headers=GEOJSON | {"If-Match": '"1.g"'})
    assert answer.status_code == 400, answer.text
    assert answer.json()["parameter"] == named


def test_no_json_and_other_media_types(editor: httpx.Client) -> None:
    assert editor.post(ITEMS, content=b"{", headers=GEOJSON).json()["parameter"] == "body"
    assert editor.post(ITEMS, content=b"<gml/>", headers={"Content-Type": "application/gml+xml"}).status_code == 415
    assert editor.post(ITEMS, content=b"{}").status_code == 415


def test_all_faults_at_once_and_nothing_written(editor: httpx.Client, http: httpx.Client) -> None:
    before = http.get("/api/changesets", params={"since": 10**6}).json()["seq"]
    wrong = building("坏楼", 116.34, 39.95)
    wrong["properties"] |= {"use": "castle", "height_m": "high", "storeys": 3}
    answer = editor.post(ITEMS, json=wrong, headers=GEOJSON)
    assert answer.status_code == 422
    assert {fault["field"] for fault in answer.json()["faults"]} >= {"height_m", "storeys"}
    outside = editor.post(ITEMS, json=building("远楼", 10.0, 50.0), headers=GEOJSON)
    assert outside.status_code == 422
    assert [10.0005, 50.0005] in [fault["place"] for fault in outside.json()["faults"]]
    tried = editor.post(ITEMS, json=building("远楼", 10.0, 50.0), headers=GEOJSON, params={"check": "true"})
    assert (tried.status_code, len(tried.json()["faults"]) > 0) == (200, True)
    fine = editor.post(ITEMS, json=building("好楼", 116.34, 39.951), headers=GEOJSON, params={"check": "true"})
    assert fine.json() == {"faults": []}
    assert http.get("/api/changesets", params={"since": 10**6}).json()["seq"] == before


def test_who_may_not_write(http: httpx.Client, as_role: As, town: Town) -> None:
    assert http.post(ITEMS, json=building("x", 116.3, 39.9), headers=GEOJSON).status_code in (401, 403)
    assert as_role("bureau").post(ITEMS, json=building("x", 116.3, 39.9), headers=GEOJSON).status_code == 403
    assert as_role("bureau").delete(f"{ITEMS}/{town.fids['3号楼']}", headers={"If-Match": '"1.g"'}).status_code == 403
    officer = as_role("housing_officer")
    assert officer.post(ITEMS, json=building("西楼", 116.35, 39.96), headers=GEOJSON).status_code == 201
    elsewhere = officer.post(ITEMS, json=building("东楼", 116.5, 39.96), headers=GEOJSON)
    assert elsewhere.status_code in (403, 422), elsewhere.text


def changeset(*edits: dict[str, object], **more: object) -> dict[str, object]:
    return {"edits": list(edits), "reason": "一起"} | more


def test_changeset_is_one_or_nothing(editor: httpx.Client, http: httpx.Client) -> None:
    good = {"layer": "building", "op": "create", "temp_id": "a", "properties": building("甲座", 0, 0)["properties"],
            "geometry": square(116.36, 39.95), "valid_from": "2020-05"}
    bad = good | {"temp_id": "b", "geometry": square(10, 50)}
    refused = editor.post("/api/changesets", json=changeset(good, bad))
    assert refused.status_code == 422
    assert {fault["row"] for fault in refused.json()["faults"]} == {1}
    other = good | {"temp_id": "b", "geometry": square(116.37, 39.95)}
    written = editor.post("/api/changesets", json=changeset(good, other, lineage=[
        {"kind": "build", "successors": [{"layer": "building", "fid": "$a"}, {"layer": "building", "fid": "$b"}], "at": "2020-05"}]))
    assert written.status_code == 201, written.text
    applied = written.json()
    assert applied["temp_ids"] == {"a": applied["fids"][0], "b": applied["fids"][1]}
    told = http.get(f"/api/changesets/{applied['seq']}").json()
    (touched,) = told["layers"]
    assert (touched["layer"], touched["added"], touched["closed"]) == ("building", 2, 0)
    assert touched["envelope"] == pytest.approx([116.36, 39.95, 116.371, 39.951])
    assert [f["fid"] for f in touched["features"]] == applied["fids"]
    assert told["actor"] is None                     # the public is not told who edits
    assert editor.get(f"/api/changesets/{applied['seq']}").json()["actor"] == "editor_1"
    lineage = http.get(f"{ITEMS}/{applied['fids'][0]}/lineage").json()
    assert [(e["kind"], e["at"], len(e["successors"])) for e in lineage["events"]] == [("build", "2020-05", 2)]


@pytest.mark.parametrize(("body", "named"), [
    ({}, "edits"), ({"edits": []}, "edits"), ({"edits": [{}]}, "edits[0].layer"), ({"edits": [5]}, "edits[0]"),
    ({"edits": [{"layer": "building", "op": "burn"}]}, "edits[0].op"),
    ({"edits": [{"layer": "building", "op": "put"}]}, "edits[0].fid"),
    ({"edits": [{"layer": "building", "op": "create", "colour": 1}]}, "edits[0].colour"),
    ({"edits": [{"layer": "building", "op": "create", "fid": True}]}, "edits[0].fid"),
    ({"edits": [{"layer": "building", "op": "create"}], "reason": 5}, "reason"),
    ({"edits": [{"layer": "building", "op": "create"}], "lineage": [{"kind": "split", "successors": [{"layer": "building", "fid": 1.5}]}]},
     "lineage[0].successors[0].fid"),
])
def test_wrong_changesets_name_the_place(editor: httpx.Client, body: object, named: str) -> None:
    answer = editor.post("/api/changesets", json=body)
    assert answer.status_code == 400, answer.text
    assert answer.json()["parameter"] == named


def test_changeset_needs_versions(editor: httpx.Client, town: Town) -> None:
    edit = {"layer": "building", "op": "put", "fid": town.fids["4号楼"], "partial": True, "properties": {"name": "四"}}
    assert editor.post("/api/changesets", json=changeset(edit)).status_code == 428
    stale = editor.post("/api/changesets", json=changeset(edit | {"expected_version": 1}))
    assert stale.status_code == 412
    assert stale.json()["theirs"]["id"] == town.fids["4号楼"]


def test_undo_and_its_refusal(editor: httpx.Client, signed_in: As, http: httpx.Client) -> None:
    made = create(editor, "撤销楼", 116.38, 39.95)
    address, seq = made.headers["location"], int(made.headers["gis-seq"])
    patched = editor.patch(address, json={"properties": {"name": "改"}}, headers={"If-Match": made.headers["etag"]})
    assert editor.post(f"/api/changesets/{seq}/undo", json={}).status_code == 403         # a key may not
    person = signed_in("editor")
    refused = person.post(f"/api/changesets/{seq}/undo", json={"reason": "错了"})
    assert refused.status_code == 409, refused.text
    assert [d["seq"] for d in refused.json()["dependents"]] == [int(patched.headers["gis-seq"])]
    undone = person.post(f"/api/changesets/{patched.headers['gis-seq']}/undo", json={"reason": "错了"})
    assert undone.status_code == 201, undone.text
    assert http.get(address).json()["properties"]["name"] == "撤销楼"
    assert person.get(f"/api/changesets/{undone.json()['seq']}").json()["undoes"] == int(patched.headers["gis-seq"])
    assert person.post("/api/changesets/999999/undo", json={}).status_code == 404


def test_the_feed_goes_on_by_number(http: httpx.Client, town: Town) -> None:
    first = http.get("/api/changesets", params={"limit": 2}).json()
    assert [c["seq"] for c in first["changesets"]] == [1, 2]
    rest = http.get("/api/changesets", params={"since": 2}).json()
    assert rest["changesets"][0]["seq"] == 3
    assert rest["changesets"][-1]["seq"] == rest["seq"]
    assert http.get("/api/changesets", params={"since": "x"}).json()["parameter"] == "since"


def test_difference_of_two_moments(http: httpx.Client, town: Town) -> None:
    answer = http.get("/api/diff", params={"layer": "building", "from": "2009", "to": "2016"})
    assert answer.status_code == 200, answer.text
    found = {d["fid"]: d for d in answer.json()["differences"] if d["fid"] in town.fids.values()}
    assert {fid: d["change"] for fid, d in found.items()} == {town.fids["1号楼"]: "changed", town.fids["2号楼"]: "ended"}
    assert (found[town.fids["1号楼"]]["before"]["name"], found[town.fids["1号楼"]]["after"]["name"]) == ("1号楼", "老楼")
    assert http.get("/api/diff", params={"from": "2009", "to": "2016"}).json()["parameter"] == "layer"
    assert http.get("/api/diff", params={"layer": "customer", "from": "2009", "to": "2016"}).status_code == 404
