"""Cached tiles over a socket: the hot lane answers as the whole service does, and knows no more than it."""

from __future__ import annotations

import re
import time

import httpx
import pytest

from layers.catalogue import Catalogue
from layers.store import Store
from tests.conftest import LiveServer, Serve
from tests.gisserver.conftest import PASSWORD, As, building, key_for

# Around 116.345, 39.90: a few buildings of the west.
TILE = "/ogc/collections/building/tiles/WebMercatorQuad/13/3104/6743"
ITEMS = "/ogc/collections/building/items"
# Asks for nothing that tiles have, and so goes through the whole service.
COLD = {"Range": "bytes=0-"}


def hot_hits(operator: httpx.Client) -> int:
    found = re.search(r"^gis_tile_hot_hits (\d+)", operator.get("/metrics").text, re.M)
    assert found
    return int(found[1])


def hot(operator: httpx.Client, client: httpx.Client, headers: dict[str, str]) -> httpx.Response:
    """Return an answer of the hot lane. Once a second a credential goes through the whole service to be checked."""
    for _ in range(30):
        client.get(TILE, headers=headers)
        before = hot_hits(operator)
        answer = client.get(TILE, headers=headers)
        if hot_hits(operator) == before + 1:
            return answer
    raise AssertionError("the hot lane answers nothing")


def told(answer: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name not in ("date", "x-request-id")}


@pytest.fixture(scope="module")
def operator(signed_in: As) -> httpx.Client:
    return signed_in("system_admin")


@pytest.mark.parametrize("headers", [{}, {"Accept-Encoding": "gzip"}, {"Accept-Encoding": "zstd"}, {"Accept-Encoding": "identity"},
                                     {"Origin": "https://elsewhere.example"}])
@pytest.mark.parametrize("role", ["public", "planner", "inspector"])
def test_a_hot_answer_is_the_cold_one(operator: httpx.Client, as_role: As, http: httpx.Client, role: str, headers: dict[str, str]) -> None:
    client = http if role == "public" else as_role(role)
    first = client.get(TILE, headers=headers)
    assert first.status_code == 200 and first.content
    quick = hot(operator, client, headers)
    before = hot_hits(operator)
    cold = client.get(TILE, headers=headers | COLD)
    assert hot_hits(operator) == before
    assert (quick.status_code, quick.content, told(quick)) == (cold.status_code, cold.content, told(cold))
    assert list(quick.headers).count("date") == 1 and quick.headers["x-request-id"] != cold.headers["x-request-id"]


def test_validators_ids_and_other_methods(operator: httpx.Client, http: httpx.Client) -> None:
    client = http
    client.get(TILE)
    etag = client.get(TILE).headers["etag"]
    same = {"If-None-Match": etag}
    cold = client.get(TILE, headers=same | COLD)
    quick = hot(operator, client, same | {"X-Request-Id": "my-own-id-1"})
    assert quick.status_code == cold.status_code == 304 and told(quick) == told(cold) and not quick.content
    assert quick.headers["x-request-id"] == "my-own-id-1"
    assert client.get(TILE, headers={"If-None-Match": '"another"'}).status_code == 200
    assert client.get(TILE, headers={"If-None-Match": "*"}).status_code == 304
    head = client.head(TILE)
    assert head.status_code == 200 and not head.content and head.headers["etag"] == etag
    assert client.post(TILE).status_code == 405
    assert client.options(TILE, headers={"Origin": "https://a.example", "Access-Control-Request-Method": "GET"}).status_code == 204


def test_requests_are_counted_whichever_way_they_go(operator: httpx.Client, http: httpx.Client) -> None:
    def counted() -> int:
        found = re.search(r'^gis_request_seconds_count\{route="/ogc/collections/\{collection\}/tiles/[^"]+"\} (\d+)', operator.get("/metrics").text, re.M)
        assert found
        return int(found[1])

    client = http
    client.get(TILE)
    before = counted()
    for headers in ({}, COLD, {}):
        client.get(TILE, headers=headers)
    assert counted() == before + 3


def test_each_reader_gets_their_own(as_role: As, http: httpx.Client) -> None:
    whole, west = as_role("planner"), as_role("inspector")
    for _ in range(3):
        bodies = [client.get(TILE).content for client in (whole, west, http)]
    assert whole.get(TILE).headers["cache-control"].startswith("private")
    assert http.get(TILE).headers["cache-control"].startswith("public")
    assert bodies[0] == whole.get(TILE, headers=COLD).content and bodies[1] == west.get(TILE, headers=COLD).content


def test_wrong_credentials_are_refused_also_for_what_is_hot(http: httpx.Client) -> None:
    public = http
    for _ in range(2):
        assert public.get(TILE).status_code == 200
    for value in ("Bearer gisk_wrong_wrong", "Nonsense", "Basic !!"):
        for _ in range(2):
            assert public.get(TILE, headers={"Authorization": value}).status_code == 401
    assert public.get(f"{TILE}?key=gisk_wrong_wrong").status_code == 401
    assert public.get(f"{TILE}?k%65y=gisk_wrong_wrong").status_code == 401


def test_an_edit_is_seen_by_its_editor_at_once_on_both_processes(store: Store, serve: Serve, as_role: As,
                                                                      http: httpx.Client) -> None:
    editor, reader = as_role("editor"), http
    with serve(store) as second:
        other = httpx.Client(base_url=second.url)
        for _ in range(2):
            old = {client.get(TILE, headers={"Accept-Encoding": "identity"}).content for client in (reader, other)}
        assert len(old) == 1
        made = editor.post(ITEMS, json=building("热楼", 116.3452, 39.902), headers={"Content-Type": "application/geo+json"})
        assert made.status_code == 201, made.text
        seq = {"Gis-Seq": made.headers["gis-seq"], "Accept-Encoding": "identity"}
        bodies = {client.get(TILE, headers=seq).content for client in (reader, other)}
        assert len(bodies) == 1 and bodies != old
        # From now on also hot, and not the old one.
        assert {client.get(TILE, headers=seq).content for client in (reader, other)} == bodies
        other.close()


def test_a_session_that_was_ended_elsewhere_is_nobody_within_a_second(store: Store, serve: Serve, live_server: LiveServer,
                                                                      catalogue: Catalogue) -> None:
    key_for(store, catalogue, "bureau")
    signed = httpx.Client(base_url=live_server.url)
    answer = signed.post("/auth/login", json={"username": "bureau_1", "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    for _ in range(3):
        assert signed.get(TILE).headers["cache-control"].startswith("private")
    with serve(store) as second:
        there = httpx.Client(base_url=second.url, cookies=signed.cookies)
        token = there.get("/auth/me").json()["csrf"]
        assert there.post("/auth/logout", headers={"X-CSRF-Token": token}).status_code < 300
        ended = time.monotonic()
        while signed.get(TILE).headers["cache-control"].startswith("private"):
            assert time.monotonic() - ended < 1.5
            time.sleep(0.02)
        there.close()
    signed.close()


def test_days_between_two_changes_share_a_tile_until_an_edit_parts_them(operator: httpx.Client, as_role: As, http: httpx.Client) -> None:
    """2002 and 2008 look the same here; then a building is known to have stood from 2005 on."""
    def on(day: str, **headers: str) -> httpx.Response:
        return http.get(TILE, params={"datetime": day}, headers=headers)

    def kept() -> int:
        found = re.search(r"^gis_tiles (\d+)", operator.get("/metrics").text, re.M)
        assert found
        return int(found[1])

    first = on("2002-03-04")
    assert first.status_code == 200
    before = kept()
    for day in ("2008-01-01", "2001", "2007-06", "2004-05-06T07:08:09Z"):
        assert on(day).content == first.content
    assert kept() == before, "one tile for all of these days"
    assert on("1999").status_code == 204 and kept() == before + 1
    made = as_role("editor").post(f"{ITEMS}?valid-from=2005", json=building("旧楼", 116.3458, 39.9035), headers={"Content-Type": "application/geo+json"})
    assert made.status_code == 201, made.text
    seq = {"Gis-Seq": made.headers["gis-seq"]}
    assert "旧楼".encode() not in on("2002-03-04", **seq).content and "旧楼".encode() not in on("2004-12-31", **seq).content
    assert "旧楼".encode() in on("2008-01-01", **seq).content and "旧楼".encode() in on("2005", **seq).content
