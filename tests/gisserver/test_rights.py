"""What readers see and do over HTTP: rows, masked and personal fields, keys, the three admins."""

from __future__ import annotations

import base64
import logging
from collections.abc import Iterator
from urllib.parse import quote

import httpx
import pytest

from gisserver.asgi import application
from gisserver.context import Context
from gisserver.credentials import RedactKeys
from layers.accounts import account
from layers.audit import entries, verify
from layers.store import Store
from tests.gisserver.in_process import InProcess
from tests.gisserver.tenants import ITEMS, NUMBERS, OWN, person, sign_in, tenants


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


    def test_personal_fields_are_edited_with_a_reason_by_who_may_open_them(self, client: InProcess, context: Context, store: Store):
        merge = {"content-type": "application/merge-patch+json"}
        name = person(store, context, "housing_officer")
        sign_in(client, name)
        mine = next(f["id"] for f in client.get(ITEMS, params={"limit": 100}).json()["features"] if f["properties"]["district_code"] == "01")
        address, change = f"{ITEMS}/{mine}", {"type": "Feature", "properties": {"tenant_name": "New tenant"}}

        def patch(**params: str) -> httpx.Response:
            return client.patch(address, json=change, params=params, headers={**merge, "if-match": client.get(address).headers["etag"]})

        assert patch().json()["parameter"] == "reason"
        done = patch(reason="the lease was signed over")
        assert done.status_code == 200, done.text
        assert client.get(address, params={"reason": "to see the change"}).json()["properties"]["tenant_name"] == "New tenant"
        entry = entries(store, {"event": "edit", "actor": name}, 1)[0]
        assert entry["reason"] == "the lease was signed over" and "New tenant" not in str(entry)
        client.cookies.clear()
        sign_in(client, person(store, context, "editor"))
        assert patch(reason="I would like to").status_code == 422
        # What an editor does not see, an edit of the rest leaves as it is.
        kept = client.patch(address, json={"type": "Feature", "properties": {"flat": "flat 9"}},
                            headers={**merge, "if-match": client.get(address).headers["etag"]})
        assert kept.status_code == 200
        client.cookies.clear()
        sign_in(client, name)
        assert client.get(address, params={"reason": "to see the change"}).json()["properties"]["tenant_name"] == "New tenant"


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
