"""Short links and bookmarks: whose they are, who sees them, and what of them."""

from __future__ import annotations

import httpx
import pytest

from layers.saved_views import MOST_BYTES
from tests.gisserver.conftest import As, Town

STATE = {"camera": {"lon": 116.3, "lat": 39.9, "zoom": 14}, "time": {"day": "1990-01-01"}, "layers": {"shown": {"building": True, "unit_room": True}},
         "filters": {"building": [{"field": "use", "op": "=", "value": "office"}]}, "selection": [{"layer": "unit_room", "fid": 3}, {"layer": "building", "fid": 7}],
         "table": "unit_room"}


def keep(client: httpx.Client, **more: object) -> dict:
    answer = client.post("/api/views", json={"state": STATE, **more})
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"].endswith(f"/api/views/{answer.json()['id']}")
    return answer.json()


def test_a_link_opens_what_was_kept(signed_in: As) -> None:
    editor = signed_in("editor")
    made = keep(editor)
    assert made["title"] is None and made["mine"] and made["href"].endswith(f"/#v={made['id']}")
    found = editor.get(f"/api/views/{made['id']}").json()
    assert found["state"] == STATE and found["complete"] is True
    assert keep(editor)["id"] == made["id"], "the same view is the same link"
    assert editor.get("/api/views").json()["views"] == [], "a link is no bookmark"


def test_private_is_private_and_a_role_is_a_role(signed_in: As, http: httpx.Client) -> None:
    editor, officer = signed_in("editor"), signed_in("housing_officer")
    private, role, public = keep(editor, title="私有"), keep(editor, title="同事", sharing="role", role="editor"), keep(editor, title="公开", sharing="public")
    assert [officer.get(f"/api/views/{v['id']}").status_code for v in (private, role, public)] == [404, 404, 200]
    assert http.get(f"/api/views/{private['id']}").status_code == 404
    assert [v["title"] for v in editor.get("/api/views").json()["views"]] == ["公开", "同事", "私有"]
    assert [v["title"] for v in officer.get("/api/views").json()["views"]] == ["公开"]
    assert officer.delete(f"/api/views/{public['id']}").status_code == 403
    for view in (private, role, public):
        assert editor.delete(f"/api/views/{view['id']}").status_code == 204
    assert http.get(f"/api/views/{public['id']}").status_code == 404


def test_what_the_reader_may_not_see_is_left_out(signed_in: As, http: httpx.Client) -> None:
    made = keep(signed_in("editor"), sharing="public")
    seen = http.get(f"/api/views/{made['id']}").json()
    assert seen["complete"] is False and "unit_room" not in str(seen["state"])
    assert seen["state"]["layers"]["shown"] == {"building": True}
    assert seen["state"]["selection"] == [{"layer": "building", "fid": 7}]
    assert seen["state"]["filters"] == STATE["filters"]
    secret = {**STATE, "filters": {"building": {"op": "and", "args": [{"op": "=", "args": [{"property": "archive_no"}, "A-1"]}]}}}
    made = signed_in("editor").post("/api/views", json={"state": secret, "sharing": "public"}).json()
    assert http.get(f"/api/views/{made['id']}").json()["state"]["filters"] == {}, "a filter by a field that the public may not read"


def test_renamed_shared_and_renewed(signed_in: As) -> None:
    editor = signed_in("editor")
    made = keep(editor, title="旧名")
    changed = editor.patch(f"/api/views/{made['id']}", json={"title": " 新  名 ", "sharing": "public"}).json()
    assert (changed["title"], changed["sharing"], changed["state"]) == ("新 名", "public", STATE)
    changed = editor.patch(f"/api/views/{made['id']}", json={"state": {"table": None}}).json()
    assert (changed["title"], changed["state"]) == ("新 名", {"table": None})
    editor.delete(f"/api/views/{made['id']}")


@pytest.mark.parametrize(("body", "parameter"), [
    ({}, "state"), ({"state": []}, "state"), ({"state": {}, "sharing": "all"}, "sharing"), ({"state": {}, "sharing": "role"}, "role"),
    ({"state": {}, "role": "editor"}, "role"), ({"state": {}, "sharing": "role", "role": "bureau"}, "role"), ({"state": {}, "title": " "}, "title"),
    ({"state": {}, "title": "长" * 121}, "title"), ({"state": {"x": "y" * MOST_BYTES}}, "state"), ({"state": {"x": "\0"}}, "state"),
    ({"state": {}, "more": 1}, "more"), ({"state": {}, "title": "a\0b"}, "title")])
def test_what_is_wrong_is_named(signed_in: As, body: dict, parameter: str) -> None:
    answer = signed_in("editor").post("/api/views", json=body)
    assert (answer.status_code, answer.json()["parameter"]) == (400, parameter)


def test_only_a_person_keeps_views(http: httpx.Client, as_role: As, town: Town) -> None:
    assert http.post("/api/views", json={"state": {}}).status_code == 401
    assert http.get("/api/views").status_code == 401
    assert as_role("editor").post("/api/views", json={"state": {}}).status_code == 403
    assert http.get("/api/views/nothing%00here").status_code == 404
    assert http.get("/api/views/abcdefghjk", params={"x": 1}).status_code == 400
