"""Queries and styles that people keep, and files that are taken away: for whom, and with what in them."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import httpx
import pyogrio
import pytest

from layers.audit import entries
from layers.store import Store
from tests.gisserver.conftest import As, Town

TALL: dict[str, Any] = {"op": ">", "args": [{"property": "height_m"}, 20]}
QUERY = {"layer": "building", "title": "高楼", "conditions": [{"field": "height_m", "op": ">", "value": 20}], "filter": TALL}
THEME = {"kind": "choropleth", "value": {"field": "height_m", "per": "none"}, "method": "quantile", "classes": 5, "palette": "blue"}


class TestKept:
    def test_a_query_is_one_s_own(self, signed_in: As) -> None:
        editor, bureau = signed_in("editor"), signed_in("bureau")
        made = editor.post("/api/queries", json=QUERY)
        assert made.status_code == 201, made.text
        assert editor.post("/api/queries", json=QUERY | {"title": " 高楼 ", "conditions": []}).json()["id"] == made.json()["id"], "replaced"
        (mine,) = editor.get("/api/queries").json()["queries"]
        assert (mine["title"], mine["filter"], mine["conditions"], mine["mine"]) == ("高楼", TALL, [], True)
        assert bureau.get("/api/queries").json() == {"queries": []}
        assert bureau.delete(f"/api/queries/{mine['id']}").status_code == 404
        assert editor.delete(f"/api/queries/{mine['id']}").status_code == 204
        assert editor.get("/api/queries").json() == {"queries": []}

    def test_a_query_that_cannot_be_asked_is_not_kept(self, signed_in: As, http: httpx.Client) -> None:
        wrong = signed_in("editor").post("/api/queries", json=QUERY | {"filter": {"op": "=", "args": [{"property": "nothing"}, 1]}})
        assert (wrong.status_code, wrong.json()["type"]) == (400, "urn:gis:problem:invalid-filter")
        assert http.post("/api/queries", json=QUERY).status_code == 401
        assert http.get("/api/queries").json() == {"queries": []}

    def test_a_shared_style_is_for_those_who_may_read_its_fields(self, signed_in: As, http: httpx.Client) -> None:
        editor = signed_in("editor")
        for title, value, shared in (("高度", {"field": "height_m", "per": "none"}, True), ("管线密度", {"of": {"layer": "pipe_segment", "measure": "count"}, "per": "area"}, True),
                                     ("物业", {"field": "height_m", "per": "pm_company"}, True), ("草稿", {"field": "height_m", "per": "none"}, False)):
            made = editor.post("/api/themes", json={"layer": "building", "title": title, "theme": THEME | {"value": value}, "shared": shared})
            assert made.status_code == 201, made.text
        assert [t["title"] for t in http.get("/api/themes").json()["themes"]] == ["高度"]
        assert sorted(t["title"] for t in editor.get("/api/themes").json()["themes"]) == sorted(["高度", "管线密度", "物业", "草稿"])
        hidden = signed_in("housing_officer").post("/api/themes", json={"layer": "building", "title": "管线", "theme": THEME | {
            "value": {"of": {"layer": "pipe_segment", "measure": "count"}, "per": "area"}}})
        assert (hidden.status_code, hidden.json()["parameter"]) == (400, "theme")


class TestExport:
    @pytest.mark.parametrize("form", ["gpkg", "geojson"])
    def test_has_exactly_what_is_filtered(self, as_role: As, form: str, tmp_path: Path) -> None:
        answer = as_role("editor").get("/api/export/building", params={"f": form, "filter": "height_m > 20", "bbox": "116.3,39.8,116.405,40"})
        assert answer.status_code == 200, answer.text
        path = tmp_path / f"building.{form}"
        path.write_bytes(answer.content)
        _, _, geometry, columns = pyogrio.raw.read(path, columns=["height_m"])
        # 21, 24, 27 and 30 metres: 7 to 10, and no farther east
        assert sorted(columns[0]) == [21, 24, 27, 30] and all(g is not None for g in geometry)
        assert answer.headers["content-disposition"] == f'attachment; filename="building.{form}"'

    def test_a_table_speaks_the_reader_s_language(self, as_role: As, town: Town) -> None:
        answer = as_role("editor").get("/api/export/building", params={"f": "csv", "lang": "zh", "sortby": "-height_m", "filter": "height_m > 30"})
        rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
        assert [(int(row["要素编号"]), row["用途"], row["建筑高度 (m)"]) for row in rows] == [
            (town.fids["12号楼"], "办公", "36.0"), (town.fids["11号楼"], "住宅", "33.0")]

    def test_is_for_who_may_export_and_in_the_audit(self, as_role: As, http: httpx.Client, store: Store) -> None:
        assert http.get("/api/export/building").status_code == 401
        assert as_role("housing_officer").get("/api/export/building").status_code == 403
        assert as_role("editor").get("/api/export/nothing").status_code == 404
        assert as_role("editor").get("/api/export/building", params={"f": "dwg"}).json()["parameter"] == "f"
        as_role("planner").get("/api/export/district", params={"f": "csv"})
        assert [(e["actor"], e["detail"]["format"]) for e in entries(store, {"event": "export"}) if e["layer"] == "district"] == [("planner_1", "csv")]

    def test_a_page_as_table_too_beyond_what_everybody_reads(self, as_role: As, http: httpx.Client) -> None:
        def status(client: httpx.Client, layer: str, form: str) -> int:
            return client.get(f"/ogc/collections/{layer}/items", params={"f": form, "limit": 1}).status_code
        officer = as_role("housing_officer")
        assert [status(officer, "building", f) for f in ("csv", "geojson", "html")] == [403, 200, 200], "the officer sees more of it than the public"
        assert (status(officer, "district", "csv"), status(http, "building", "csv"), status(as_role("editor"), "building", "csv")) == (200, 200, 200)
