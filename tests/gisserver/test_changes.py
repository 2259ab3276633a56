"""What changes when, and the list of it, over a town whose history is known by heart."""

from __future__ import annotations

import csv
import io

import httpx
import pytest

from tests.gisserver.conftest import As, Town

# Twelve buildings since 2000; 1号楼 renamed in 2010, 2号楼 ended in 2015, one planned for 2050.
WHOLE = {"layers": "building", "from": "1985", "to": "2060"}


def counts(client: httpx.Client, **more: str) -> dict:
    answer = client.get("/api/changes/counts", params=WHOLE | more)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_counts_by_year_are_those_of_the_history(http: httpx.Client, town: Town) -> None:
    found = counts(http)
    assert found["periods"] == [
        {"from": "2000-01-01", "built": 12, "ended": 0, "changed": 0}, {"from": "2010-01-01", "built": 0, "ended": 0, "changed": 1},
        {"from": "2015-01-01", "built": 0, "ended": 1, "changed": 0}, {"from": "2050-01-01", "built": 1, "ended": 0, "changed": 0}]
    assert found["total"] == {"built": 13, "ended": 1, "changed": 1}


def test_counts_by_month_in_a_box_and_of_what_was_known(http: httpx.Client, town: Town) -> None:
    # 1号楼 is at 116.31, 2号楼 at 116.32
    assert counts(http, step="month", bbox="116.305,39.89,116.315,39.95")["periods"] == [
        {"from": "2000-01-01", "built": 1, "ended": 0, "changed": 0}, {"from": "2010-06-01", "built": 0, "ended": 0, "changed": 1}]
    assert counts(http, **{"known-at": str(town.seqs["buildings"])})["total"] == {"built": 12, "ended": 0, "changed": 0}


def test_periods_are_half_open(http: httpx.Client) -> None:
    assert counts(http, **{"from": "2000-01-01", "to": "2010-06-01"})["total"] == {"built": 12, "ended": 0, "changed": 0}
    assert counts(http, **{"from": "2000-01-02", "to": "2010-06-02"})["total"] == {"built": 0, "ended": 0, "changed": 1}
    assert counts(http, **{"from": "2010-06-01", "to": "2015-01-01"})["total"] == {"built": 0, "ended": 0, "changed": 1}
    assert counts(http, **{"from": "2010-06-02", "to": "2015-01-02"})["total"] == {"built": 0, "ended": 1, "changed": 0}


def test_several_layers_are_added_up(http: httpx.Client) -> None:
    assert counts(http, layers="building,district", **{"from": "1970"})["total"] == {"built": 15, "ended": 1, "changed": 1}


@pytest.mark.parametrize(("asked", "parameter"), [
    ({"layers": "building,nowhere"}, "layers"), ({"from": "yesterday"}, "from"), ({"to": "1984"}, "to"), ({"step": "week"}, "step"),
    ({"step": "day"}, "step"), ({"bbox": "1,2,3"}, "bbox"), ({"bbox": "3,2,1,4"}, "bbox"), ({"bbox": "1,2,300,4"}, "bbox"), ({"more": "1"}, "more"),
    ({"known-at": "x"}, "known-at")])
def test_what_is_wrong_is_named(http: httpx.Client, asked: dict[str, str], parameter: str) -> None:
    answer = http.get("/api/changes/counts", params=WHOLE | asked)
    assert (answer.status_code, answer.json()["parameter"]) == (400, parameter)


def test_the_list_has_geometry_place_and_all_counts(http: httpx.Client, town: Town) -> None:
    asked = {"layer": "building", "from": "2009", "to": "2060", "geometry": "true"}
    found = http.get("/api/diff", params=asked).json()
    assert found["counts"] == {"built": 1, "ended": 1, "changed": 1} and found["complete"] is True
    by_kind = {d["change"]: d for d in found["differences"]}
    assert by_kind["changed"]["fid"] == town.fids["1号楼"] and by_kind["changed"]["moved"] is False
    assert (by_kind["changed"]["before"]["name"], by_kind["changed"]["after"]["name"]) == ("1号楼", "老楼")
    assert by_kind["ended"]["geometry"]["type"].endswith("Polygon") and by_kind["ended"]["place"] == pytest.approx([116.3205, 39.9005])
    first = http.get("/api/diff", params=asked | {"limit": 1}).json()
    assert (len(first["differences"]), first["complete"], first["counts"]) == (1, False, found["counts"])
    near = http.get("/api/diff", params=asked | {"bbox": "116.315,39.89,116.325,39.95"}).json()
    assert [d["change"] for d in near["differences"]] == ["ended"]


def test_nobody_learns_of_what_he_may_not_see(http: httpx.Client, as_role: As) -> None:
    # the public has no pipes; for it there is no such layer
    assert http.get("/api/changes/counts", params=WHOLE | {"layers": "pipe_segment"}).status_code == 400
    assert as_role("bureau").get("/api/changes/counts", params=WHOLE | {"layers": "pipe_segment"}).status_code == 200
    told = http.get("/api/diff", params={"layer": "building", "from": "1999", "to": "2001"}).json()
    assert "archive_no" not in told["differences"][0]["after"]


def test_the_list_is_taken_away_as_it_is_filtered(as_role: As, town: Town) -> None:
    asked = {"layer": "building", "from": "2009-01-01", "to": "2016-01-01"}
    with as_role("editor") as editor:
        whole = editor.get("/api/diff", params=asked).json()
        assert (whole["counts"]["ended"], whole["counts"]["changed"]) == (1, 1)
        ended = editor.get("/api/diff", params=asked | {"change": "ended"}).json()
        assert ended["counts"] == whole["counts"] and [d["fid"] for d in ended["differences"]] == [town.fids["2号楼"]] and ended["complete"]
        none = editor.get("/api/diff", params=asked | {"change": "built"}).json()
        assert none["differences"] == [] and none["counts"] == whole["counts"] and none["complete"]
        table = editor.get("/api/diff", params=asked | {"change": "changed", "f": "csv", "lang": "zh"})
        assert table.status_code == 200 and table.headers["ogc-numberreturned"] == "1"
        lines = list(csv.DictReader(io.StringIO(table.content.decode("utf-8-sig"))))
        assert [(line["变化"], line["名称"], line["名称（变更前）"]) for line in lines] == [("变更", "老楼", "1号楼")]
        features = editor.get("/api/diff", params=asked | {"f": "geojson"}).json()["features"]
        assert {f["properties"]["change"]: f["geometry"]["type"] for f in features} == {"changed": "MultiPolygon", "ended": "MultiPolygon"}
    with as_role("inspector") as inspector:
        assert inspector.get("/api/diff", params=asked | {"f": "csv"}).status_code == 403
