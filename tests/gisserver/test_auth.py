"""Signing in, sessions, keys and personal data over HTTP, on the whole application."""

from __future__ import annotations

import base64
import logging
import time
from collections.abc import AsyncIterator, Iterator
from itertools import count
from typing import Any
from urllib.parse import quote

import pytest

from config.settings import Settings
from gisserver.asgi import application, open_context
from gisserver.context import Context
from gisserver.credentials import RedactKeys
from gisserver.identity import CHECK_S, KEPT_S, Identity
from layers.accounts import account, change_account, create_account, set_password
from layers.audit import Actor, entries, verify
from layers.catalogue import Catalogue
from layers.layer import parse_layer
from layers.plan import register
from layers.staging import Batch
from layers.store import Store
from tests.gisserver.in_process import InProcess

ADMIN = Actor("machine")
PASSWORD, OTHER = "Wutong-Shu-7", "Yinxing-Ye-88"
NUMBERS = count(1)
ROWS = 6
TEXT = {"zh": "字", "en": "Text"}
# A layer like the bureau's own: personal field, district, graded.
PERSON = {"id": "tenant", "title": {"zh": "租户", "en": "Tenant"}, "born": "runtime", "group": "housing", "grade": "L3", "geometry": "Point",
          "district": "district_code", "label": "flat",
          "fields": [{"name": "flat", "type": "string", "title": TEXT}, {"name": "district_code", "type": "string", "title": TEXT},
                     {"name": "tenant_name", "type": "string", "title": TEXT, "personal": True}]}
# What every feature has beside its layer's fields.
OWN = {"version", "valid_from", "valid_to"}
ITEMS = "/ogc/collections/tenant/items"


@pytest.fixture(scope="module")
def context(store: Store) -> Context:
    """The service over a store with tenants in districts 01 and 02, three each."""
    layer = parse_layer(PERSON)
    register(store, layer)
    with Batch(store) as batch:
        first = batch.reserve_fids(ROWS)
        batch.copy(layer, ["geom", "flat", "district_code", "tenant_name"], (
            (i, "n", first + i, "[2000-01-01T00:00Z,)", "d", "s", None, f"SRID=4490;POINT(116.{30 + i} 39.9)", f"flat {i}", f"0{i % 2 + 1}", f"Tenant {i}")
            for i in range(ROWS)))
        batch.apply("tester", "first load")
    made = open_context(Settings(database_url=store.dsn))
    rules = made.identity.roles.model_dump()
    rules["roles"]["housing_officer"]["layers"]["tenant"] = {"read": "all", "edit": "districts", "personal": "districts"}
    rules["roles"]["inspector"]["layers"]["tenant"] = {"read": "districts"}
    made.identity = Identity(store, type(made.identity.roles).model_validate(rules), made.catalogue)
    return made


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


def person(store: Store, context: Context, *roles: str, districts: Any = ("01",)) -> str:
    name = f"person{next(NUMBERS)}"
    create_account(store, context.identity.roles, ADMIN, name, PASSWORD, roles, districts)
    return name


def sign_in(client: InProcess, name: str, password: str = PASSWORD) -> dict[str, Any]:
    answer = client.post("/auth/login", json={"username": name, "password": password})
    assert answer.status_code == 200, answer.text
    client.headers["x-csrf-token"] = answer.json()["csrf"]
    return answer.json()


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


class TestRights:
    def test_rows_and_fields_of_three_readers(self, client: InProcess, context: Context, store: Store):
        def seen() -> tuple[int, set[str], set[str]]:
            features = client.get(ITEMS, params={"limit": 100}).json()["features"]
            return len(features), {f["properties"]["district_code"] for f in features}, {n for f in features for n in f["properties"]} - OWN

        sign_in(client, person(store, context, "housing_officer"))
        assert seen() == (6, {"01", "02"}, {"flat", "district_code"})
        client.cookies.clear()
        sign_in(client, person(store, context, "inspector"))
        assert seen() == (3, {"01"}, {"flat", "district_code"})
        client.cookies.clear()
        sign_in(client, person(store, context, "security_admin"))
        assert client.get(ITEMS).status_code == 404

    def test_personal_fields_open_with_a_reason_in_the_own_districts_and_are_noted(self, client: InProcess, context: Context, store: Store):
        name = person(store, context, "housing_officer")
        sign_in(client, name)
        reason = "租户来电核实租约"
        fids = {f["properties"]["district_code"]: f["id"] for f in client.get(ITEMS, params={"limit": 100}).json()["features"]}
        mine, foreign = f"{ITEMS}/{fids['01']}", f"{ITEMS}/{fids['02']}"
        assert "tenant_name" not in client.get(mine).json()["properties"]
        opened = client.get(mine, headers={"gis-reason": quote(reason)})
        assert opened.json()["properties"]["tenant_name"].startswith("Tenant ")
        assert "public" not in opened.headers["cache-control"]
        entry = entries(store, {"event": "personal_opened", "actor": name}, 1)[0]
        assert (entry["layer"], entry["fid"], entry["reason"], entry["address"]) == ("tenant", fids["01"], reason, "192.0.2.7")
        assert entry["detail"]["fields"] == ["tenant_name"] and entry["request_id"] == opened.headers["x-request-id"]
        assert client.get(foreign, params={"reason": reason}).status_code == 404
        listed = client.get(ITEMS, params={"reason": reason, "limit": 100}).json()["features"]
        assert {f["properties"]["district_code"] for f in listed} == {"01"} and all(f["properties"]["tenant_name"] for f in listed)
        assert client.get(ITEMS, params={"reason": "x"}).status_code == 400
        assert verify(store).broken_id is None

    def test_a_reason_opens_nothing_for_who_may_not(self, client: InProcess, context: Context, store: Store):
        name = person(store, context, "planner")
        sign_in(client, name)
        features = client.get(ITEMS, params={"reason": "I am curious"}).json()["features"]
        assert features and not any("tenant_name" in f["properties"] for f in features)
        assert entries(store, {"event": "personal_opened", "actor": name}) == []

    @pytest.mark.parametrize("question", ["tenant_name=Tenant 1", "sortby=tenant_name", "filter=tenant_name = 'Tenant 1'", "properties=tenant_name"])
    def test_a_masked_field_does_not_exist_for_questions(self, client: InProcess, context: Context, store: Store, question: str):
        sign_in(client, person(store, context, "housing_officer"))
        name, _, value = question.partition("=")
        answer = client.get(ITEMS, params={name: value})
        assert answer.status_code == 400
        assert answer.json()["detail"].replace("tenant_name", "nothing") == \
            client.get(ITEMS, params={name.replace("tenant_name", "nothing"): value.replace("tenant_name", "nothing")}).json()["detail"]

    def test_what_one_reader_sees_is_for_no_shared_cache(self, client: InProcess, context: Context, store: Store):
        address = "/ogc/collections/district/items"
        assert "public" in client.get(address).headers["cache-control"]
        sign_in(client, person(store, context, "planner"))
        answer = client.get(address)
        assert "private" in answer.headers["cache-control"] and "public" not in answer.headers["cache-control"]
        assert {"authorization", "cookie"} <= {v.strip().lower() for v in answer.headers["vary"].split(",")}

    def test_edits_are_bound_to_the_own_districts(self, client: InProcess, context: Context, store: Store):
        sign_in(client, person(store, context, "housing_officer"))
        found = {f["properties"]["district_code"]: f["id"] for f in client.get(ITEMS, params={"limit": 100}).json()["features"]}
        for district, status in (("01", (200, 204)), ("02", (403, 422))):
            address = f"{ITEMS}/{found[district]}"
            etag = client.get(address).headers["etag"]
            answer = client.patch(address, json={"type": "Feature", "properties": {"flat": "changed"}},
                                  headers={"if-match": etag, "content-type": "application/merge-patch+json"})
            assert answer.status_code in status, answer.text


class TestKeys:
    @pytest.fixture
    def key(self, client: InProcess, context: Context, store: Store) -> str:
        sign_in(client, person(store, context, "inspector"))
        answer = client.post("/auth/keys", json={"title": "QGIS", "layers": ["tenant", "road"], "days": 7})
        assert answer.status_code == 201
        self.listed = client.get("/auth/keys").json()["keys"]
        assert "key" not in self.listed[0] and answer.json()["key"] not in str(self.listed)
        self.number = answer.json()["id"]
        self.revoke = (dict(client.cookies), client.headers["x-csrf-token"])
        client.cookies.clear()
        client.headers.pop("x-csrf-token")
        return answer.json()["key"]

    def test_in_three_places(self, client: InProcess, key: str):
        basic = base64.b64encode(f"whoever:{key}".encode()).decode()
        for options in ({"headers": {"authorization": f"Bearer {key}"}}, {"headers": {"authorization": f"Basic {basic}"}}, {"params": {"key": key}}):
            assert client.get(ITEMS, **options).json()["numberReturned"] == 3
        assert client.get(ITEMS).status_code == 404

    def test_opens_only_its_layers_and_changes_nothing(self, client: InProcess, context: Context, key: str):
        headers = {"authorization": f"Bearer {key}"}
        ids = {c["id"] for c in client.get("/ogc/collections", headers=headers, params={"f": "json"}).json()["collections"]}
        assert ids & context.catalogue.layers.keys() == {"tenant", "road"}
        assert client.get("/ogc/collections/building/items", headers=headers).status_code == 404
        fid = client.get(ITEMS, headers=headers).json()["features"][0]["id"]
        assert client.delete(f"{ITEMS}/{fid}", headers={**headers, "if-match": "*"}).status_code in (403, 400, 428)
        assert client.get(f"{ITEMS}/{fid}", headers=headers).status_code == 200
        assert client.post("/auth/keys", headers=headers, json={"title": "more"}).status_code == 403
        assert client.get("/auth/sessions", headers=headers).status_code == 403

    def test_is_in_no_link_and_no_log(self, client: InProcess, key: str, caplog: pytest.LogCaptureFixture):
        for address in ("/ogc", "/ogc/collections", "/ogc/collections/tenant", ITEMS, "/ogc/collections/tenant/tilejson", "/ogc/styles/tenant"):
            answer = client.get(address, params={"key": key, "f": "json"})
            assert answer.status_code == 200 and key not in answer.text and key not in str(answer.headers), address
        logger = logging.getLogger("redacted")
        logger.addFilter(RedactKeys())
        with caplog.at_level(logging.INFO, "redacted"):
            logger.info('GET "%s"', f"/ogc?f=json&key={key}&lang=zh")
            logger.info("Authorization: Bearer %s", key)
        assert key not in caplog.text and "lang=zh" in caplog.text and key.rpartition("_")[0][:11] in caplog.text

    def test_a_wrong_one_is_refused_also_where_the_public_may_look(self, client: InProcess):
        for options in ({"headers": {"authorization": "Bearer nonsense"}}, {"headers": {"authorization": "Digest x"}},
                        {"headers": {"authorization": "Basic !"}}, {"params": {"key": "gisk_abcdef_nonsense"}}):
            answer = client.get("/ogc/collections/district/items", **options)
            assert answer.status_code == 401 and answer.headers["access-control-allow-origin"] == "*"
        assert client.get("/ogc/collections/district/items?key=a&key=b").status_code == 400

    def test_a_session_does_not_help_a_wrong_key(self, client: InProcess, context: Context, store: Store):
        sign_in(client, person(store, context, "inspector"))
        assert client.get(ITEMS, params={"key": "wrong"}).status_code == 401

    def test_revoked(self, client: InProcess, key: str):
        cookies, csrf = self.revoke
        client.cookies.update(cookies)
        assert client.delete(f"/auth/keys/{self.number}", headers={"x-csrf-token": csrf}).status_code == 204
        client.cookies.clear()
        assert client.get(ITEMS, params={"key": key}).status_code == 401

    def test_not_for_layers_one_does_not_see(self, client: InProcess, context: Context, store: Store):
        sign_in(client, person(store, context, "inspector"))
        assert client.post("/auth/keys", json={"title": "k", "layers": ["nowhere"]}).status_code == 404
        client.cookies.clear()
        sign_in(client, person(store, context, "security_admin"))
        assert client.post("/auth/keys", json={"title": "k"}).status_code == 403


class TestAdmins:
    def test_the_security_admin_keeps_accounts(self, client: InProcess, context: Context, store: Store):
        sign_in(client, person(store, context, "security_admin"))
        made = client.post("/api/accounts", json={"username": f"new{next(NUMBERS)}", "roles": ["inspector"], "districts": ["01"]})
        assert made.status_code == 201 and made.json()["must_change"]
        number, password = made.json()["account_id"], made.json()["password"]
        address = f"/api/accounts/{number}"
        assert client.get(address).json()["roles"] == ["inspector"] and "password" not in client.get(address).text
        assert client.patch(address, json={"roles": ["planner"], "districts": None}).json()["districts"] is None
        assert client.post(f"{address}/password").json()["password"] != password
        assert client.patch(address, json={"is_disabled": True}).json()["is_disabled"]
        assert number in {a["account_id"] for a in client.get("/api/accounts").json()["accounts"]}
        assert {r["role"] for r in client.get("/api/roles").json()["roles"]} == set(context.identity.roles.roles) - {"public"}
        assert client.post("/api/accounts", json={"username": "x2", "roles": ["nobody"]}).json()["parameter"] == "roles"

    def test_but_neither_their_own_nor_those_of_the_other_admins(self, client: InProcess, context: Context, store: Store):
        name = person(store, context, "security_admin")
        own = account(store, name).account_id
        sign_in(client, name)
        assert client.patch(f"/api/accounts/{own}", json={"roles": ["bureau"]}).status_code == 403
        assert client.post(f"/api/accounts/{own}/password").status_code == 403
        for role in ("auditor", "system_admin"):
            other = account(store, person(store, context, role)).account_id
            planner = account(store, person(store, context, "planner")).account_id
            assert client.patch(f"/api/accounts/{other}", json={"is_disabled": True}).status_code == 403
            assert client.post(f"/api/accounts/{other}/password").status_code == 403
            assert client.patch(f"/api/accounts/{planner}", json={"roles": [role]}).status_code == 403
            assert client.post("/api/accounts", json={"username": f"n{next(NUMBERS)}", "roles": [role]}).status_code == 403

    @pytest.mark.parametrize("role", ["system_admin", "auditor", "editor", "bureau"])
    def test_nobody_else_keeps_accounts(self, client: InProcess, context: Context, store: Store, role: str):
        sign_in(client, person(store, context, role))
        for method, path in (("GET", "/api/accounts"), ("POST", "/api/accounts"), ("GET", "/api/accounts/1"), ("PATCH", "/api/accounts/1"),
                             ("POST", "/api/accounts/1/password"), ("DELETE", "/api/accounts/1/sessions/1"), ("GET", "/api/roles")):
            assert client.request(method, path, json={} if method != "GET" else None).status_code == 403, path

    def test_the_auditor_reads_the_audit_and_that_is_in_it(self, client: InProcess, context: Context, store: Store):
        name = person(store, context, "auditor")
        sign_in(client, name)
        first = client.get("/api/audit", params={"limit": 3}).json()
        assert len(first["entries"]) == 3 and first["before"] == first["entries"][-1]["id"]
        second = client.get("/api/audit", params={"limit": 3, "before": first["before"]}).json()
        assert second["entries"][0]["id"] == first["before"] - 1
        logins = client.get("/api/audit", params={"event": "login", "actor": name, "succeeded": "true"}).json()["entries"]
        assert [e["event"] for e in logins] == ["login"]
        assert len(entries(store, {"event": "audit_read", "actor": name})) == 2
        verdict = client.get("/api/audit/verify").json()
        assert verdict["broken_id"] is None and verdict["rows"] == verdict["head_id"]
        assert client.get("/api/audit", params={"event": "sneeze"}).json()["parameter"] == "event"
        assert client.get("/api/audit", params={"from": "yesterday"}).json()["parameter"] == "from"
        assert "personal_opened" in client.get("/api/audit/events").json()["events"]

    @pytest.mark.parametrize("role", ["system_admin", "security_admin", "bureau"])
    def test_nobody_else_reads_the_audit(self, client: InProcess, context: Context, store: Store, role: str):
        sign_in(client, person(store, context, role))
        assert [client.get(f"/api/audit{p}").status_code for p in ("", "/verify", "/events")] == [403] * 3


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
