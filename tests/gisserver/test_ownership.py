"""Marks of one person, of a role, of all: what others may not see, they find at no address, in no tile and in no history."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import psycopg
import pytest
from psycopg import sql

from config.settings import Settings
from gisserver.asgi import application, open_context
from gisserver.context import Context
from layers.store import Store
from tests.gisserver.in_process import InProcess
from tests.gisserver.tenants import person, sign_in

ITEMS = "/ogc/collections/annotation/items"
# The tile of level 14 that the marks lie in.
TILE = "/ogc/collections/annotation/tiles/WebMercatorQuad/14/6207/13486"
PICTURE = "/ogc/collections/annotation/map/tiles/WebMercatorQuad/14/6207/13486"
SECRET, SHARED, OPEN = "密图只给自己", "规划岗位可见", "众人可见"


def mark(title: str, x: float, **others: Any) -> dict[str, Any]:
    return {"layer": "annotation", "op": "create", "valid_from": "2020-01-01", "geometry": {"type": "Point", "coordinates": [x, 39.915]},
            "properties": {"title": title, "kind": "symbol", "symbol": "fire", "topic": "t", "color": "#d6336c", "width_px": 30.0, **others}}


class People:
    """Who asks, by name; each call is made as that person."""

    def __init__(self, client: InProcess, context: Context, store: Store) -> None:
        self.client, self.names = client, {
            "li": person(store, context, "planner"), "zhao": person(store, context, "planner"),
            "wang": person(store, context, "editor"), "ju": person(store, context, "bureau")}

    def as_(self, who: str | None) -> InProcess:
        self.client.cookies.clear()
        self.client.headers.pop("x-csrf-token", None)
        if who is not None:
            sign_in(self.client, self.names[who])
        return self.client


@pytest.fixture(scope="module")
def context(store: Store) -> Context:
    return open_context(Settings(database_url=store.dsn))


@pytest.fixture(scope="module")
def people(context: Context, store: Store) -> Iterator[People]:
    with InProcess(application(context)) as client:
        yield People(client, context, store)


@pytest.fixture(scope="module")
def marks(people: People) -> dict[str, int]:
    """Three marks of li, by title; and the changeset that made the secret one, as 'seq'."""
    client = people.as_("li")
    made: dict[str, int] = {}
    for n, (title, seen_by) in enumerate(((SECRET, None), (SHARED, "role:planner"), (OPEN, "all"))):
        answer = client.post("/api/changesets", json={"reason": f"reason of {title}", "edits": [
            mark(title, 116.335 + n / 2000, drawn_by="zhao", owner="person:999999", **({"seen_by": seen_by} if seen_by else {}))]})
        assert answer.status_code in (200, 201), answer.text
        made[title] = answer.json()["fids"][0]
        made.setdefault("seq", answer.json()["seq"])
    return made


def put(people: People, store: Store, who: str, fid: int, properties: dict[str, Any], op: str = "put") -> httpx.Response:
    """Edit a mark as somebody who knows, however he came to it, which version stands."""
    with store.read() as connection:
        row = connection.execute("SELECT version_id FROM city.annotation WHERE fid = %s AND valid @> now()", (fid,)).fetchone()
    edit = {"layer": "annotation", "op": op, "fid": fid, "expected_version": row[0] if row else 1}
    return people.as_(who).post("/api/changesets", json={"reason": "try", "edits": [
        edit if op == "retire" else edit | {"partial": True, "properties": properties}]})


SEEN = {"li": {SECRET, SHARED, OPEN}, "zhao": {SHARED, OPEN}, "wang": {OPEN}, "ju": {OPEN}}


class TestWhoSees:
    def test_the_server_records_the_owner_whatever_the_client_says(self, people: People, marks: dict[str, int], store: Store) -> None:
        with store.read() as connection:
            number, called = connection.execute("SELECT account_id, display_name FROM gis.account WHERE username = %s",
                                                (people.names["li"],)).fetchone() or (0, "")
            rows = connection.execute("SELECT title, owner, drawn_by, seen_by FROM city.annotation ORDER BY fid").fetchall()
        me = f"person:{number}"
        assert rows == [(SECRET, me, called, me), (SHARED, me, called, "role:planner"), (OPEN, me, called, "all")]

    @pytest.mark.parametrize("who", SEEN)
    def test_everywhere_one_finds_what_one_may_see_and_nothing_else(self, people: People, marks: dict[str, int], who: str) -> None:
        # The owner's answers stand in every cache before others ask.
        for first in (TILE, PICTURE, ITEMS):
            people.as_("li").get(first)
        client, seen = people.as_(who), SEEN[who]
        found = client.get(ITEMS, params={"limit": 100}).json()["features"]
        assert {f["properties"]["title"] for f in found} == seen
        answers = {
            "tile": client.get(TILE), "tile of a day": client.get(TILE, params={"datetime": "2021-01-01"}),
            "filter": client.get(ITEMS, params={"filter": f"title = '{SECRET}'"}), "all times": client.get(ITEMS, params={"datetime": "../.."}),
            "known": client.get(ITEMS, params={"known-at": str(marks["seq"] + 2)}), "search": client.get("/api/search", params={"q": "密图只给自己"}),
            "topic": client.get("/api/search", params={"q": "密图"}), "diff": client.get("/api/diff", params={
                "layer": "annotation", "from": "2019-01-01", "to": "2022-01-01"}),
            "feed": client.get("/api/changesets", params={"since": "0", "limit": "1000"}),
            "feature": client.get(f"{ITEMS}/{marks[SECRET]}"), "versions": client.get(f"{ITEMS}/{marks[SECRET]}/versions"),
            "information": client.get("/wms", params={
                "service": "WMS", "version": "1.3.0", "request": "GetFeatureInfo", "crs": "EPSG:4490", "bbox": "39.91,116.33,39.92,116.34", "width": "200",
                "height": "200", "layers": "annotation", "styles": "", "query_layers": "annotation", "info_format": "application/json", "i": "100", "j": "100"})}
        if who != "ju":
            answers["export"] = client.get("/api/export/annotation", params={"f": "csv"})
        told = {name for name, answer in answers.items() if SECRET.encode() in answer.content or json.dumps(SECRET)[1:-1].encode() in answer.content}
        assert told == (set(answers) if who == "li" else set()), {n: a.status_code for n, a in answers.items()}
        statistics = client.post("/api/statistics", json={"layers": [{"layer": "annotation", "by": "kind"}]}).json()
        assert statistics["layers"][0]["count"] == len(seen)
        assert answers["feature"].status_code == answers["versions"].status_code == (200 if who == "li" else 404)
        assert client.get(f"/api/changesets/{marks['seq']}").json().get("layers", []) == [] or who == "li"

    def test_pictures_show_no_more_than_the_tile(self, people: People, marks: dict[str, int]) -> None:
        pictures = {who: people.as_(who).get(PICTURE).content for who in ("li", "zhao", "wang", "ju")}
        assert len({pictures["li"], pictures["zhao"], pictures["wang"]}) == 3
        assert pictures["wang"] == pictures["ju"]

    def test_the_public_knows_of_no_layer(self, people: People, marks: dict[str, int]) -> None:
        client = people.as_(None)
        assert [client.get(a).status_code for a in (ITEMS, TILE, f"{ITEMS}/{marks[OPEN]}")] == [404, 404, 404]

    def test_the_database_itself_refuses_in_every_table(self, people: People, marks: dict[str, int], context: Context, store: Store) -> None:
        people.as_("zhao").get(ITEMS)
        with store.read() as connection:
            roles = [r for (r,) in connection.execute("SELECT DISTINCT audience FROM gis.audience_layer WHERE layer = 'annotation'")]
            holders = {r for (r,) in connection.execute(
                "SELECT audience FROM gis.reader_circle c JOIN city.annotation m ON m.title = %s WHERE c.layer = 'annotation' AND m.seen_by = ANY (c.circles)",
                (SECRET,))}
        assert len(holders) >= 1 and len(roles) > len(holders)
        for role in set(roles) - holders:
            with store.read(role) as connection:
                for table, column in (("annotation", "title"), ("annotation_past", "title")):
                    assert connection.execute(sql.SQL("SELECT count(*) FROM city.{} WHERE {} = %s").format(
                        sql.Identifier(table), sql.Identifier(column)), (SECRET,)).fetchone() == (0,)
                assert connection.execute("SELECT count(*) FROM gis.search_entry WHERE label = %s", (SECRET,)).fetchone() == (0,)
                with pytest.raises(psycopg.Error):
                    connection.execute("UPDATE city.annotation SET seen_by = 'all'")


class TestWhoChanges:
    def test_what_one_does_not_see_one_cannot_touch(self, people: People, marks: dict[str, int], store: Store) -> None:
        for number in (marks[SECRET], 2**40):
            assert [put(people, store, "zhao", number, {"title": "mine"}, op).status_code for op in ("put", "correct", "retire")] == [404] * 3
            assert people.as_("zhao").delete(f"{ITEMS}/{number}", headers={"if-match": '"1.x"'}).status_code == 404
        assert people.as_("wang").post(f"/api/changesets/{marks['seq']}/undo", json={"reason": "try"}).status_code == 404

    @pytest.mark.parametrize(("who", "seen_by"), [("zhao", "me"), ("li", "role:editor"), ("li", "person:999999"), ("li", "everybody")])
    def test_only_the_owner_says_who_sees_it_and_only_circles_of_his_own(self, people: People, marks: dict[str, int], store: Store, who: str,
                                                                                      seen_by: str) -> None:
        answer = put(people, store, who, marks[SHARED], {"seen_by": seen_by})
        assert answer.status_code == 422 and [f["field"] for f in answer.json()["faults"]] == ["seen_by"], answer.text

    def test_nobody_gives_a_mark_to_somebody_else(self, people: People, marks: dict[str, int], store: Store) -> None:
        answer = put(people, store, "li", marks[OPEN], {"owner": "person:999999"})
        assert answer.status_code == 422 and answer.json()["faults"][0]["field"] == "owner"

    def test_others_change_a_shared_mark_and_it_stays_the_owners(self, people: People, marks: dict[str, int], store: Store) -> None:
        answer = put(people, store, "zhao", marks[SHARED], {"color": "#000000"})
        assert answer.status_code in (200, 201), answer.text
        with store.read() as connection:
            rows = connection.execute("SELECT DISTINCT owner, seen_by FROM city.annotation WHERE fid = ANY (%s)", ([marks[SHARED], marks[OPEN]],)).fetchall()
        assert len({owner for owner, _ in rows}) == 1 and {s for _, s in rows} == {"role:planner", "all"}

    def test_a_mark_opened_to_all_is_told_at_once_and_closed_again_is_gone(self, people: People, marks: dict[str, int], store: Store) -> None:
        def seen_by(value: str) -> None:
            answer = put(people, store, "li", marks[OPEN], {"seen_by": value})
            assert answer.status_code in (200, 201), answer.text

        assert OPEN.encode() in people.as_("wang").get(TILE).content
        seen_by("me")
        client = people.as_("wang")
        assert OPEN.encode() not in client.get(TILE).content
        assert client.get(ITEMS).json()["features"] == [] and client.get(f"{ITEMS}/{marks[OPEN]}").status_code in (404, 410)
        seen_by("all")
        assert OPEN.encode() in people.as_("wang").get(TILE).content


def test_readers_who_cannot_draw_share_an_audience(people: People, context: Context, store: Store) -> None:
    first, second = person(store, context, "bureau"), person(store, context, "bureau")
    people.names |= {"ju1": first, "ju2": second, "li2": person(store, context, "planner")}

    def audience(who: str) -> str:
        return people.as_(who).get("/api/config").json()["audience"]

    assert audience("ju1") == audience("ju2")
    assert audience("li") != audience("li2") != audience("zhao")
    # All but the one layer is the same to them: tiles of other layers stay shared.
    grants = [{i: g.key for i, g in context.identity.roles.grants(context.catalogue.layers, ["planner"], None, account=n).items()} for n in (1, 2)]
    assert {i for i in grants[0] if grants[0][i] != grants[1][i]} == {"annotation"}
