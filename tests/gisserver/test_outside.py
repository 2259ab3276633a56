"""Layers of services of others: who may allow a host, what is read from there, what is drawn, and what never gets through."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import httpx
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from config.settings import Settings
from gisserver.commands.outside import command
from gisserver.identity import ROLES
from gisserver.outside.doors import Doors
from gisserver.outside.faults import OutsideBusy
from gisserver.outside.kept import Kept
from layers import outside
from layers.accounts import create_account
from layers.audit import Actor
from layers.catalogue import Catalogue
from layers.errors import InvalidParameter
from layers.roles import read_roles
from layers.store import Store
from tests.gisserver.conftest import PASSWORD, As
from tests.gisserver.outside_fake import Fake, mercator_box, picture_of

# Tile of level 13 round 116.345 E, 39.92 N.
TILE = (13, 6743, 3103)


@pytest.fixture(scope="module")
def admin(signed_in: As) -> httpx.Client:
    return signed_in("system_admin")


@pytest.fixture(scope="module")
def user(signed_in: As, admin: httpx.Client, fake: Fake) -> httpx.Client:
    """Somebody signed in, where the fake's host is allowed."""
    made = admin.post("/api/outside/hosts", json={"origin": fake.base, "title": "邻市", "private": True})
    assert made.status_code == 201, made.text
    return signed_in("editor")


def read(client: httpx.Client, url: str, kind: str = "auto") -> httpx.Response:
    return client.post("/api/outside/reading", json={"url": url, "kind": kind})


def add(client: httpx.Client, url: str, layer: str, **more: str) -> dict[str, Any]:
    made = client.post("/api/outside/layers", json={"url": url, "layer": layer, **more})
    assert made.status_code == 201, made.text
    return made.json()


def pixels(answer: httpx.Response) -> np.ndarray:
    assert answer.status_code == 200, answer.text
    return np.asarray(Image.open(BytesIO(answer.content)).convert("RGBA"), float)


def tile_of(client: httpx.Client, layer: dict[str, Any], z: int = TILE[0], x: int = TILE[1], y: int = TILE[2]) -> httpx.Response:
    return client.get(f"/api/outside/layers/{layer['id']}/tiles/{z}/{x}/{y}")


def away(made: np.ndarray) -> float:
    """How far a tile is from the same place drawn at once, in steps of colour."""
    side = made.shape[0]
    right = np.asarray(Image.open(BytesIO(picture_of(mercator_box(*TILE), side, side, True))).convert("RGB"), float)
    assert (made[..., 3] == 255).all()
    return float(np.abs(made[..., :3] - right).mean())


class TestHosts:
    def test_only_who_keeps_layers_allows_hosts(self, admin: httpx.Client, signed_in: As, http: httpx.Client, as_role: As) -> None:
        wish = {"origin": "https://Maps.Example.org:443/"}
        assert http.post("/api/outside/hosts", json=wish).status_code == 401
        for client in (signed_in("editor"), signed_in("security_admin"), as_role("system_admin")):
            assert client.post("/api/outside/hosts", json=wish).status_code == 403
        made = admin.post("/api/outside/hosts", json=wish | {"title": "  地图   示例 "}).json()
        assert (made["origin"], made["title"], made["private"], made["everyone"]) == ("https://maps.example.org", "地图 示例", False, False)
        again = admin.post("/api/outside/hosts", json={"origin": "maps.example.org", "everyone": True}).json()
        assert (again["id"], again["everyone"]) == (made["id"], True)
        assert http.get("/api/outside/hosts").status_code == 401
        seen = signed_in("editor").get("/api/outside/hosts").json()
        assert seen["may_change"] is False and {"id", "origin", "title"} == set(seen["hosts"][0])
        assert admin.delete(f"/api/outside/hosts/{made['id']}").status_code == 204
        assert admin.delete(f"/api/outside/hosts/{made['id']}").status_code == 404

    def test_every_change_is_in_the_audit(self, store: Store) -> None:
        with store.read() as connection:
            rows = connection.execute("SELECT event, actor, detail ->> 'origin', detail -> 'everyone' FROM gis.audit WHERE detail ->> 'origin' = "
                                      "'https://maps.example.org' ORDER BY id").fetchall()
        assert rows == [("host_allowed", "system_admin_1", "https://maps.example.org", False), ("host_allowed", "system_admin_1", "https://maps.example.org", True),
                        ("host_forbidden", "system_admin_1", "https://maps.example.org", None)]

    def test_the_command_does_the_same(self, store: Store) -> None:
        settings = Settings(database_url=store.dsn)

        def run(*words: str) -> str:
            return CliRunner().invoke(command, words, obj=settings, catch_exceptions=False).output

        assert run("allow", "http://10.1.2.3:8080", "--private", "--title", "inner") == "Allowed http://10.1.2.3:8080.\n"
        assert "http://10.1.2.3:8080" in run("list") and "private" in run("list")
        assert run("forbid", "http://10.1.2.3:8080/") == "Forbade http://10.1.2.3:8080.\n" and "10.1.2.3" not in run("list")

    @pytest.mark.parametrize("origin", ["", "ftp://maps.example.org", "http://user:secret@maps.example.org", "http://127.1", "http://2130706433", "http://0x7f000001",
                                        "http://0177.0.0.1", "http://maps.example.org:0", "http://maps.example.org:99999", "http://maps example.org", "javascript:alert(1)",
                                        "http://[fe80::1%25eth0]", "https://maps.example.org/path", "https://maps.example.org?x=1", "http://maps.example.org\\@127.0.0.1"])
    def test_what_could_be_read_in_two_ways_is_no_host(self, admin: httpx.Client, origin: str) -> None:
        answer = admin.post("/api/outside/hosts", json={"origin": origin})
        assert (answer.status_code, answer.json()["parameter"]) == (400, "origin")


class TestRefused:
    """What an address may lead to, and does not."""

    def test_a_host_that_is_not_on_the_list_is_not_asked(self, user: httpx.Client, fake: Fake) -> None:
        before = len(fake.asked)
        port = fake.base.rpartition(":")[2]
        for url in (f"http://localhost:{port}/wms", f"http://[::1]:{port}/wms", f"http://[::ffff:127.0.0.1]:{port}/wms", f"https://127.0.0.1:{port}/wms",
                    "http://127.0.0.1:5599/", "http://169.254.169.254/latest/meta-data/", f"http://127.0.0.1.nip.example:{port}/{{z}}/{{x}}/{{y}}"):
            answer = read(user, url)
            assert answer.status_code == 403 and answer.json()["origin"] in answer.json()["detail"], url
        assert "联系系统管理员" in user.post("/api/outside/reading", json={"url": "https://a.example/"}, headers={"Accept-Language": "zh"}).json()["detail"]
        for url in (f"http://2130706433:{port}/wms", f"http://127.1:{port}/wms", f"http://0x7f.1:{port}/", f"http://u:p@127.0.0.1:{port}/wms", "javascript:alert(1)",
                    "file:///etc/passwd", f"http://127.0.0.1:{port}@evil.example/", "gopher://127.0.0.1/", "http://127.0.0.1:{z}/{x}/{y}"):
            assert read(user, url).status_code == 400, url
        assert len(fake.asked) == before

    def test_a_name_that_leads_into_the_own_network_is_not_asked(self, user: httpx.Client, admin: httpx.Client, fake: Fake) -> None:
        origin = f"http://localhost:{fake.base.rpartition(':')[2]}"
        before = len(fake.asked)
        made = admin.post("/api/outside/hosts", json={"origin": origin}).json()
        answer = read(user, f"{origin}/wms")
        assert (answer.status_code, answer.json()["reason"]) == (502, "address") and len(fake.asked) == before
        admin.delete(f"/api/outside/hosts/{made['id']}")

    @pytest.mark.parametrize(("path", "reason"), [("/metadata", "redirect"), ("/inwards", "redirect"), ("/round", "redirect"), ("/bomb", "no-service"), ("/outer", "no-service"),
                                                  ("/page", "no-service"), ("/deep", "no-service"), ("/nothing", "no-service")])
    def test_hostile_descriptions(self, user: httpx.Client, fake: Fake, path: str, reason: str) -> None:
        answer = read(user, f"{fake.base}{path}")
        assert (answer.status_code, answer.json()["reason"]) == (502, reason)
        assert "root:" not in answer.text and "haha" not in answer.text and "alert" not in answer.text

    def test_a_redirect_at_the_same_host_is_followed(self, user: httpx.Client, fake: Fake) -> None:
        assert read(user, f"{fake.base}/home", "auto").json()["kind"] == "wms"

    @pytest.mark.parametrize("name", ["bad", "svg", "cut", "big"])
    def test_what_is_no_picture_never_gets_through(self, user: httpx.Client, fake: Fake, name: str) -> None:
        layer = add(user, f"{fake.base}/{name}/{{z}}/{{x}}/{{y}}", "tiles")
        answer = tile_of(user, layer, 1, 1, 1)
        assert answer.status_code == 502 and answer.headers["content-type"] == "application/problem+json"
        assert b"script" not in answer.content

    def test_only_people_read_and_add(self, user: httpx.Client, http: httpx.Client, as_role: As, fake: Fake) -> None:
        for client, status in ((http, 401), (as_role("editor"), 403)):
            assert read(client, f"{fake.base}/wms").status_code == status
            assert client.post("/api/outside/layers", json={"url": f"{fake.base}/wms", "layer": "shade"}).status_code == status

    def test_what_is_not_offered_is_not_made(self, user: httpx.Client, fake: Fake) -> None:
        for wish, parameter in (({"layer": "absent"}, "layer"), ({"layer": "nowhere"}, "layer"), ({"layer": "shade", "style": "x&LAYERS=y"}, "style"),
                                ({"layer": "shade", "time": "1900"}, "time"), ({"layer": "shade", "kind": "ftp"}, "kind"), ({}, "layer")):
            answer = user.post("/api/outside/layers", json={"url": f"{fake.base}/wms"} | wish)
            assert (answer.status_code, answer.json()["parameter"]) == (400, parameter), wish


class TestWms:
    def test_is_read(self, user: httpx.Client, fake: Fake) -> None:
        found = read(user, f"{fake.base}/wms?service=WMS&request=GetMap&layers=old").json()
        assert (found["kind"], found["title"], found["attribution"]) == ("wms", "邻市地图 <script>", "邻市测绘院")
        shade, degrees, nowhere = found["layers"]
        assert (shade["title"], shade["path"], shade["extent"], shade["times"], shade["default_time"]) == (
            "Shade", ["Everything"], [116, 39.5, 117, 40.5], ["2010-01-01", "2020-01-01"], "2020-01-01")
        assert shade["crs"] == ["EPSG:3857", "EPSG:4326"] and shade["asks"] and not shade["warped"] and degrees["warped"]
        assert nowhere["drawable"] is False and "coordinate reference" in nowhere["why"]

    def test_is_drawn_where_it_lies(self, user: httpx.Client, fake: Fake) -> None:
        layer = add(user, f"{fake.base}/wms", "shade", style="warm", time="2010-01-01")
        assert (layer["form"], layer["tile_size"], layer["attribution"], layer["asks"]) == ("pictures", 512, "邻市地图 <script>", True)
        answer = tile_of(user, layer)
        assert away(pixels(answer)) < 0.01
        path, asked, headers = fake.asked[-1]
        # The address that it gives itself may not be asked; the one that was typed is.
        assert path == "/wms" and asked["CRS"] == "EPSG:3857" and asked["STYLES"] == "warm" and asked["TIME"] == "2010-01-01" and asked["FORMAT"] == "image/png"
        assert not {"cookie", "authorization", "referer"} & {name.lower() for name in headers}
        assert "set-cookie" not in answer.headers and answer.headers["x-content-type-options"] == "nosniff" and "sandbox" in answer.headers["content-security-policy"]
        before = len(fake.asked)
        assert tile_of(user, layer).content == answer.content and len(fake.asked) == before
        assert user.get(answer.url, headers={"If-None-Match": answer.headers["etag"]}).status_code == 304
        # Beyond what it covers nothing is asked.
        assert pixels(tile_of(user, layer, 13, 0, 0)).max() == 0 and len(fake.asked) == before

    @pytest.mark.parametrize(("path", "name", "version"), [("/wms", "degrees", "1.3.0"), ("/wms11", "shade", "1.1.1")])
    def test_in_degrees_it_is_brought_to_the_map(self, user: httpx.Client, fake: Fake, path: str, name: str, version: str) -> None:
        layer = add(user, f"{fake.base}{path}", name)
        assert away(pixels(tile_of(user, layer))) < 1.5
        assert fake.asked[-1][1]["VERSION"] == version and fake.asked[-1][1].get("CRS" if version == "1.3.0" else "SRS") == "EPSG:4326"

    def test_tells_of_a_point_and_shows_its_legend(self, user: httpx.Client, fake: Fake) -> None:
        layer = add(user, f"{fake.base}/wms", "shade", style="warm")
        told = user.get(f"/api/outside/layers/{layer['id']}/at", params={"lon": 116.4, "lat": 39.9, "zoom": 15}).json()
        assert told["features"] == [{"lon": 116.4, "lat": 39.9, "time": ""}]
        assert pixels(user.get(f"/api/outside/layers/{layer['id']}/legend")).shape[:2] == (30, 20) and fake.asked[-1][0] == "/legend.png"
        silent = add(user, f"{fake.base}/wms", "degrees")
        assert not silent["asks"] and not silent["legend"]
        assert user.get(f"/api/outside/layers/{silent['id']}/at", params={"lon": 116.4, "lat": 39.9, "zoom": 15}).status_code == 404
        assert user.get(f"/api/outside/layers/{silent['id']}/legend").status_code == 404

    def test_says_when_it_is_down(self, user: httpx.Client, fake: Fake) -> None:
        layer = add(user, f"{fake.base}/wms", "shade")
        fake.is_down = True
        try:
            answer = tile_of(user, layer, 14, 13486, 6207)
            assert answer.status_code == 502 and fake.base in answer.json()["detail"] and "503" in answer.json()["detail"]
        finally:
            fake.is_down = False
        assert tile_of(user, layer, 14, 13486, 6207).status_code == 200


class TestOthers:
    @pytest.mark.parametrize(("name", "most"), [("web", 0.01), ("degrees", 2.0)])
    def test_wmts(self, user: httpx.Client, fake: Fake, name: str, most: float) -> None:
        assert read(user, f"{fake.base}/wmts").json()["kind"] == "wmts"
        layer = add(user, f"{fake.base}/wmts", name)
        assert layer["warped"] is (name == "degrees") and away(pixels(tile_of(user, layer))) < most
        assert fake.asked[-1][1]["TILEMATRIXSET"] == ("w" if name == "web" else "c") and fake.asked[-1][1]["TILEMATRIX"].startswith("L1")

    def test_tiles_by_template(self, user: httpx.Client, fake: Fake) -> None:
        layer = add(user, f"{fake.base}/xyz/{{z}}/{{x}}/{{y}}.png", "tiles")
        assert away(pixels(tile_of(user, layer))) < 0.01 and layer["tile_size"] == 256
        assert pixels(tile_of(user, layer, 15, 26973, 12415)).max() == 0        # a tile that is not there is empty
        assert tile_of(user, layer, 13, 99999, 1).status_code == 404

    def test_ogc_api(self, user: httpx.Client, fake: Fake) -> None:
        found = read(user, f"{fake.base}/ogc").json()
        assert [(each["name"], each["drawable"]) for each in found["layers"]] == [("features:wells", True), ("map:wells", True), ("tilesets:wells", True), ("features:far", False)]
        assert "elsewhere.example" in found["layers"][3]["why"] and found["attribution"] == "邻市"
        assert away(pixels(tile_of(user, add(user, f"{fake.base}/ogc", "map:wells")))) < 0.01
        assert away(pixels(tile_of(user, add(user, f"{fake.base}/ogc/collections", "tilesets:wells")))) < 0.01
        wells = add(user, f"{fake.base}/ogc", "features:wells")
        answer = user.get(f"/api/outside/layers/{wells['id']}/features", params={"bbox": "116.305,39.8,116.325,40"}).json()
        assert answer["complete"] and [each["properties"]["name"] for each in answer["features"]] == ["井1", "井2"]
        assert set(answer["features"][0]["properties"]) == {"name", "note"}      # what is nested is left behind
        assert tile_of(user, wells).status_code == 404
        assert user.get(f"/api/outside/layers/{wells['id']}/features").status_code == 400

    def test_geojson(self, user: httpx.Client, fake: Fake) -> None:
        wells = add(user, f"{fake.base}/wells.geojson", "features")
        assert wells["form"] == "features"
        answer = user.get(f"/api/outside/layers/{wells['id']}/features", params={"bbox": "116.305,39.8,116.325,40"}).json()
        assert [each["properties"]["name"] for each in answer["features"]] == ["井1", "井2"]


class TestKept:
    def test_a_layer_is_one_for_all_and_kept_by_each(self, user: httpx.Client, signed_in: As, http: httpx.Client, as_role: As, admin: httpx.Client, fake: Fake) -> None:
        layer = add(user, f"{fake.base}/wms", "shade", time="2020-01-01")
        colleague = signed_in("bureau")
        assert colleague.get("/api/outside/layers").json() == {"layers": []}
        address = f"/api/outside/layers/{layer['id']}"
        # Who has a link sees it; the public only where its host was opened for everyone.
        assert colleague.get(address).json() == layer and tile_of(colleague, layer).status_code == 200 and tile_of(as_role("bureau"), layer).status_code == 200
        assert http.get(address).status_code == 404 and tile_of(http, layer).status_code == 404
        assert http.get(address).json()["detail"] == http.get("/api/outside/layers/out_00000000000000000000").json()["detail"]
        assert add(colleague, f"{fake.base}/wms?map=other", "shade", time="2020-01-01")["id"] != layer["id"]
        assert add(colleague, f"{fake.base}/wms?request=GetMap", "shade", time="2020-01-01")["id"] == layer["id"]
        assert colleague.delete(address).status_code == 204 and colleague.delete(address).status_code == 404
        assert layer["id"] in {each["id"] for each in user.get("/api/outside/layers").json()["layers"]}
        host = next(each for each in admin.get("/api/outside/hosts").json()["hosts"] if each["origin"] == fake.base)
        wish = {"origin": fake.base, "title": host["title"], "private": True}
        admin.post("/api/outside/hosts", json=wish | {"everyone": True})
        assert http.get(address).status_code == 200 and tile_of(http, layer).status_code == 200
        # Forbidden again, it is gone at once, also what is kept; the layer is remembered.
        admin.delete(f"/api/outside/hosts/{host['id']}")
        assert tile_of(user, layer).status_code == 403 and fake.base in tile_of(user, layer).json()["detail"] and tile_of(http, layer).status_code == 404
        assert user.get(address).json() == layer | {"allowed": False}
        admin.post("/api/outside/hosts", json=wish)
        assert tile_of(user, layer).status_code == 200

    def test_the_server_does_not_ask_itself_in_a_circle(self, user: httpx.Client, fake: Fake) -> None:
        layer = add(user, f"{fake.base}/wms", "shade")
        answer = user.get(f"/api/outside/layers/{layer['id']}/tiles/13/6743/3103", headers={"Via": "1.1 city-gis"})
        assert answer.status_code == 403


def test_what_is_kept_is_bounded_in_bytes_and_time() -> None:
    now = [0.0]
    kept = Kept(1000, lambda: now[0])
    for n in range(30):
        kept.put(n, n, 100, 10)
    assert kept.bytes == 1000 and kept.get(19) is None and kept.get(20) == 20
    kept.put(30, 30, 100, 10)
    assert kept.get(20) == 20 and kept.get(21) is None       # the longest unused went
    kept.put("large", 1, 251, 10)
    assert kept.get("large") is None
    now[0] = 11
    assert kept.get(30) is None


def test_one_reader_has_only_so_much() -> None:
    doors = Doors(burst=5, per_second=0.0)
    entered = [doors.enter("a") for _ in range(5)]
    with pytest.raises(OutsideBusy):
        doors.enter("a")
    doors.leave("b", doors.enter("b"))
    for door in entered:
        doors.leave("a", door)
    assert doors._doors == {}




def test_with_a_first_password_nothing_is_asked(store: Store, live_server: Any, user: httpx.Client, fake: Fake) -> None:
    roles = read_roles(ROLES, Catalogue(store).layers)
    create_account(store, roles, Actor("test"), "newcomer", PASSWORD, ["editor"], None, must_change=True)
    layer = add(user, f"{fake.base}/wms", "shade")
    with httpx.Client(base_url=live_server.url, timeout=30) as client:
        signed = client.post("/auth/login", json={"username": "newcomer", "password": PASSWORD})
        client.headers["X-CSRF-Token"] = signed.json()["csrf"]
        before = len(fake.asked)
        assert read(client, f"{fake.base}/wms").status_code == 403 and client.get("/api/outside/hosts").status_code == 401
        assert tile_of(client, layer, 13, 6744, 3103).status_code == 404 and len(fake.asked) == before


def test_what_one_account_makes_has_an_end(store: Store, user: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outside, "MOST_MADE", 3)
    account_id = create_account(store, read_roles(ROLES, Catalogue(store).layers), Actor("test"), "maker", PASSWORD, ["editor"], None).account_id
    for n in range(3):
        made = outside.keep_outside_layer(store, account_id, "https://a.example", {"n": n})
        outside.forget_outside_layer(store, account_id, made.id)
    assert outside.keep_outside_layer(store, account_id, "https://a.example", {"n": 1}).definition == {"n": 1}      # it is there already
    with pytest.raises(InvalidParameter, match="at most 3"):
        outside.keep_outside_layer(store, account_id, "https://a.example", {"n": 3})
