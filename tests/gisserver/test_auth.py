"""Signing in, sessions and what every answer carries, on the whole application."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from config.settings import Settings
from gisserver.asgi import application, open_context
from gisserver.context import Context
from gisserver.identity import CHECK_S, KEPT_S
from layers.accounts import account, change_account, set_password
from layers.catalogue import Catalogue
from layers.layer import parse_layer
from layers.plan import register
from layers.store import Store
from tests.gisserver.in_process import InProcess
from tests.gisserver.tenants import ADMIN, ITEMS, NUMBERS, OTHER, PASSWORD, PERSON, person, sign_in, tenants


@pytest.fixture(scope="module")
def context(store: Store) -> Context:
    return tenants(store)


@pytest.fixture(scope="module")
def running(context: Context) -> Iterator[InProcess]:
    with InProcess(application(context)) as client:
        yield client


@pytest.fixture
def client(running: InProcess) -> InProcess:
    """A browser without cookies."""
    running.cookies.clear()
    running.headers.pop("x-csrf-token", None)
    return running


async def chunks() -> AsyncIterator[bytes]:
    for _ in range(7):
        yield b"x" * 10_000


class TestSigningIn:
    def test_nobody(self, client: InProcess):
        answer = client.get("/auth/me")
        assert answer.json() == {"account": None, "kind": "public", "capabilities": [], "csrf": None, "expires_at": None}
        assert answer.headers["cache-control"] == "no-store"

    def test_in_and_out(self, client: InProcess, context: Context, store: Store):
        name = person(store, context, "inspector")
        answer = client.post("/auth/login", json={"username": name, "password": PASSWORD})
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("gis_session=") and "; HttpOnly; SameSite=Lax" in cookie and "Path=/" in cookie
        document = answer.json()
        assert (document["account"]["username"], document["account"]["roles"][0]["role"]) == (name, "inspector")
        assert "password" not in answer.text and "make_keys" in document["capabilities"]
        assert client.get("/auth/me").json()["csrf"] == document["csrf"]
        out = client.post("/auth/logout", headers={"x-csrf-token": document["csrf"]})
        assert out.status_code == 204 and "Max-Age=0" in out.headers["set-cookie"]
        client.cookies.set("gis_session", cookie.partition("=")[2].partition(";")[0])
        assert client.get("/auth/me").json()["account"] is None

    def test_over_https_the_cookie_goes_nowhere_else(self, store: Store, context: Context):
        name = person(store, context, "inspector")
        safe = open_context(Settings(database_url=store.dsn, public_url="https://gis.example.org/city"))
        with InProcess(application(safe), "https://gis.example.org") as client:
            answer = client.post("/auth/login", json={"username": name, "password": PASSWORD})
            assert answer.headers["set-cookie"].startswith("__Host-gis_session=") and answer.headers["set-cookie"].endswith("; Secure")
            assert answer.headers["strict-transport-security"]
            assert client.get("/auth/me").json()["account"]["username"] == name

    @pytest.mark.parametrize("who", ["known", "unknown"])
    def test_wrong_pairs_answer_the_same_in_two_languages(self, client: InProcess, context: Context, store: Store, who: str):
        name = person(store, context, "inspector") if who == "known" else f"stranger{next(NUMBERS)}"
        answers = [client.post("/auth/login", json={"username": name, "password": "wrong"}, headers={"accept-language": language})
                   for language in ("en", "zh", "en", "en", "en", "en")]
        assert [a.status_code for a in answers] == [401] * 5 + [429]
        assert answers[0].json()["detail"] == "The user name or the password is wrong."
        assert answers[1].json()["detail"] == "用户名或密码错误。"
        assert answers[0].headers["content-type"].startswith("application/problem+json")
        assert 10 <= int(answers[5].headers["retry-after"]) <= 15 and name not in answers[5].text
        assert "set-cookie" not in answers[0].headers

    @pytest.mark.parametrize(("body", "parameter"), [({"username": "x"}, "password"), ({"username": 1, "password": "x"}, "username"),
                                                     ({"username": "x", "password": "y", "z": 1}, "z"), ([], "body")])
    def test_bodies_are_checked(self, client: InProcess, body: Any, parameter: str):
        answer = client.post("/auth/login", json=body)
        assert (answer.status_code, answer.json()["parameter"]) == (400, parameter)

    def test_not_by_a_form_of_another_page(self, client: InProcess, context: Context, store: Store):
        name = person(store, context, "inspector")
        pair = {"username": name, "password": PASSWORD}
        assert client.post("/auth/login", data=pair).status_code == 415
        for headers in ({"sec-fetch-site": "cross-site"}, {"origin": "https://elsewhere.example"}):
            assert client.post("/auth/login", json=pair, headers=headers).status_code == 403
        assert client.post("/auth/login", json=pair, headers={"origin": "http://testserver"}).status_code == 200

    def test_a_large_body_is_refused_before_it_is_read(self, client: InProcess):
        assert client.post("/auth/login", content=b"x" * 70_000, headers={"content-type": "application/json"}).status_code == 413
        assert client.post("/auth/login", content=chunks(),
                           headers={"content-type": "application/json"}).status_code == 413

    def test_what_needs_a_person_says_so(self, client: InProcess):
        for method, path in (("GET", "/auth/sessions"), ("GET", "/auth/keys"), ("POST", "/auth/password"), ("GET", "/api/accounts"),
                             ("GET", "/api/audit")):
            answer = client.request(method, path)
            assert answer.status_code == 401 and "www-authenticate" in answer.headers


class TestSessions:
    def test_a_change_needs_the_token_beside_the_cookie(self, client: InProcess, context: Context, store: Store):
        sign_in(client, person(store, context, "housing_officer"))
        good = client.headers.pop("x-csrf-token")
        for headers in ({}, {"x-csrf-token": "x"}, {"x-csrf-token": good[:-1]}):
            answer = client.patch("/auth/me", json={"locale": "zh"}, headers=headers)
            assert answer.status_code == 403 and "X-CSRF-Token" in answer.json()["detail"]
        assert client.patch("/auth/me", json={"locale": "zh"}, headers={"x-csrf-token": good}).json()["account"]["locale"] == "zh"

    def test_a_new_token_at_each_sign_in(self, client: InProcess, context: Context, store: Store):
        name = person(store, context, "inspector")
        sign_in(client, name)
        first = client.cookies["gis_session"]
        sign_in(client, name)
        second = client.cookies["gis_session"]
        assert first != second
        client.cookies.clear()
        client.cookies.set("gis_session", first)
        assert client.get("/auth/me").json()["account"] is None

    def test_list_and_end(self, client: InProcess, context: Context, store: Store):
        name = person(store, context, "inspector")
        sign_in(client, name)
        elsewhere = client.cookies["gis_session"]
        client.cookies.clear()
        sign_in(client, name)
        listed = client.get("/auth/sessions").json()["sessions"]
        assert [s["is_current"] for s in listed] == [True, False] and "token" not in str(listed)
        other = next(s["id"] for s in listed if not s["is_current"])
        assert client.delete(f"/auth/sessions/{other}").status_code == 204
        assert client.delete(f"/auth/sessions/{other}").status_code == 404
        client.cookies.clear()
        client.cookies.set("gis_session", elsewhere)
        assert client.get("/auth/me").json()["account"] is None

    def test_a_password_set_by_another_opens_nothing_until_it_is_changed(self, client: InProcess, context: Context, store: Store):
        name = person(store, context, "housing_officer")
        set_password(store, ADMIN, account(store, name).account_id, OTHER)
        assert sign_in(client, name, OTHER)["account"]["must_change"]
        assert client.get(ITEMS).status_code == client.get("/ogc/collections/unit_room/items").status_code == 404
        answer = client.post("/auth/password", json={"old_password": OTHER, "new_password": PASSWORD})
        assert answer.status_code == 204, answer.text
        assert client.get("/ogc/collections/unit_room/items").status_code == 200

    @pytest.mark.parametrize("end", ["disable", "roles", "password"])
    def test_ended_rights_end_in_every_process_within_two_seconds(self, client: InProcess, context: Context, store: Store, end: str):
        name = person(store, context, "inspector")
        sign_in(client, name)
        assert client.get("/ogc/collections/unit_room/items").status_code == 200
        number = account(store, name).account_id
        # Done by another process: nothing in this one hears of it but the database.
        if end == "disable":
            change_account(store, context.identity.roles, ADMIN, number, is_disabled=True)
        elif end == "roles":
            change_account(store, context.identity.roles, ADMIN, number, names=["auditor"])
        else:
            set_password(store, ADMIN, number, OTHER)
        began = time.monotonic()
        while client.get("/ogc/collections/unit_room/items").status_code == 200:
            assert time.monotonic() - began < 2
            time.sleep(0.05)

    def test_idle_sessions_end(self, client: InProcess, context: Context, store: Store):
        name = person(store, context, "inspector")
        sign_in(client, name)
        with store.write() as connection:
            connection.execute("UPDATE gis.session SET seen_at = now() - interval '2 hours' WHERE account_id = %s", (account(store, name).account_id,))
        context.identity.forget()
        assert client.get("/auth/me").json()["account"] is None

    def test_who_was_here_is_known_without_the_database(self, context: Context, client: InProcess, store: Store,
                                                        monkeypatch: pytest.MonkeyPatch):
        sign_in(client, person(store, context, "inspector"))
        client.get("/auth/me")
        presented = list(context.identity._readers)[-1]
        kept = type("Shown", (), {"hashed": presented, "kind": "session"})
        context.identity._checked_at = time.monotonic()
        reader = context.identity.known(kept)
        monkeypatch.setattr(store, "_take", None)
        began = time.perf_counter()
        for _ in range(1000):
            assert context.identity.known(kept) is reader
        assert time.perf_counter() - began < 0.05
        context.identity._checked_at -= CHECK_S
        assert context.identity.known(kept) is None
        assert CHECK_S <= 1 and KEPT_S <= 5


class TestHeaders:
    def test_pages_load_from_nowhere_else(self, client: InProcess):
        for address in ("/", "/ogc?f=html"):
            policy = client.get(address, headers={"accept": "text/html"}).headers["content-security-policy"]
            assert "frame-ancestors" in policy and "http:" not in policy and "https:" not in policy and "*" not in policy
            assert "'unsafe-eval'" not in policy and "script-src 'self'" in policy
            assert "'unsafe-inline'" not in policy.partition("script-src")[2].partition(";")[0]

    def test_other_hosts_may_read_but_never_with_a_cookie(self, client: InProcess):
        answer = client.get("/ogc/collections", headers={"origin": "https://elsewhere.example"})
        assert answer.headers["access-control-allow-origin"] == "*" and "access-control-allow-credentials" not in answer.headers
        asked = client.options(ITEMS, headers={"origin": "https://elsewhere.example", "access-control-request-method": "PUT"})
        assert asked.status_code == 204 and "PUT" in asked.headers["access-control-allow-methods"]
        assert "Authorization" in asked.headers["access-control-allow-headers"] and "x-csrf" not in asked.headers["access-control-allow-headers"].lower()
        for own in ("/auth/me", "/api/accounts", "/api/audit"):
            assert "access-control-allow-origin" not in client.get(own, headers={"origin": "https://elsewhere.example"}).headers

    def test_every_answer(self, client: InProcess):
        for address in ("/ogc", "/auth/me", "/nowhere", "/ogc/collections/nowhere"):
            headers = client.get(address).headers
            assert headers["x-content-type-options"] == "nosniff" and headers["x-request-id"] and headers["permissions-policy"]
            assert headers.get_list("x-request-id") == [headers["x-request-id"]]

    def test_a_made_up_number_does_not_stand_for_news(self, client: InProcess, context: Context):
        client.get("/ogc", headers={"gis-seq": "999999999"})
        assert context.seq < 999999999

    def test_a_layer_that_another_process_just_made_is_found(self, client: InProcess, context: Context, store: Store):
        sign_in(client, person(store, context, "editor"))
        register(store, parse_layer({**PERSON, "id": "fresh", "group": "imported"}))
        context._checked_at = float("-inf")
        assert client.get("/ogc/collections/fresh").status_code == 200
        assert client.get("/ogc/collections/nowhere").status_code == 404

    def test_a_process_behind_catches_up(self, client: InProcess, context: Context, store: Store):
        sign_in(client, person(store, context, "editor"))
        context.refresh()
        register(store, parse_layer({**PERSON, "id": "later", "group": "imported"}))
        with store.write() as connection:
            (seq,) = connection.execute("SELECT gis.open_changeset('another process', 'x')").fetchone()
        assert client.get("/ogc/collections/later", headers={"gis-seq": str(seq)}).status_code == 200
        assert context.catalogue.version == Catalogue(store).version
