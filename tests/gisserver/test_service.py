"""Documents of the service, its pages, its failures and its operation."""

from __future__ import annotations

import json
import math
import re
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from gisserver.ogc.coverage_routing import OfCoverages
from gisserver.request import Request
from gisserver.routes.operation import ready
from gisserver.routing import service_routes
from layers.audit import entries
from layers.catalogue import Catalogue
from layers.store import Store
from tests.gisserver.conftest import As, Town, building

PAGES = ["/ogc", "/ogc/conformance", "/ogc/api", "/ogc/collections", "/ogc/collections/building", "/ogc/collections/catalogue",
         "/ogc/collections/building/items", "/ogc/collections/building/schema", "/ogc/collections/building/queryables",
         "/ogc/collections/building/sortables", "/ogc/collections/building/tiles", "/ogc/collections/building/tiles/WebMercatorQuad",
         "/ogc/collections/catalogue/items", "/ogc/collections/catalogue/items/building", "/ogc/tiles", "/ogc/tiles/WebMercatorQuad", "/ogc/tileMatrixSets",
         "/ogc/tileMatrixSets/WebMercatorQuad", "/ogc/styles", "/ogc/styles/city", "/ogc/processes", "/ogc/processes/echo", "/ogc/jobs"]
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_pages_load_from_here_only(http: httpx.Client, town: Town, path: str, language: str) -> None:
    answer = http.get(path, headers=BROWSER | {"Accept-Language": f"{language}-XX, fr;q=0.9"})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/html")
    assert "connect-src 'self'" in answer.headers["content-security-policy"]
    loaded = re.findall(r"""\b(?:src|href|action)="([^"]*)"|url\(["']?([^"')]+)""", answer.text)
    base = str(http.base_url).rstrip("/")
    assert [address for pair in loaded for address in pair if address and not address.startswith((base, "?", "#", "/"))] == []
    assert not re.search(r"built-in|&lt;(function|bound)|Undefined", answer.text)
    assert f'lang="{"zh-CN" if language == "zh" else "en"}"' in answer.text
    assert answer.text == http.get(path, params={"f": "html", "lang": language}).text.replace(f"lang={language}&amp;", "")


@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_json_for_programs(http: httpx.Client, town: Town, path: str) -> None:
    answer = http.get(path)
    assert answer.status_code == 200
    assert "json" in answer.headers["content-type"]
    answer.json()
    again = http.get(path, headers={"If-None-Match": answer.headers["etag"]})
    if "timeStamp" not in answer.text:
        assert again.status_code == 304


def links_of(document: Any) -> list[dict[str, Any]]:
    if isinstance(document, dict):
        found = [document] if isinstance(document.get("href"), str) and "rel" in document else []
        return found + [link for part in document.values() for link in links_of(part)]
    return [link for part in document for link in links_of(part)] if isinstance(document, list) else []


def test_every_link_leads_somewhere(http: httpx.Client, town: Town) -> None:
    base, seen, waiting = str(http.base_url).rstrip("/"), set(), []
    kinds: dict[str, str] = {}
    waiting.append(f"{base}/ogc")
    while waiting:
        address = waiting.pop()
        if address in seen or "{" in address or len(seen) > 400:
            continue
        seen.add(address)
        answer = http.get(address)
        assert answer.status_code in (200, 204), f"{address}: {answer.status_code} {answer.text[:200]}"
        if address in kinds and answer.status_code == 200:
            assert answer.headers["content-type"].partition(";")[0] == kinds[address].partition(";")[0], address
        if "json" in answer.headers.get("content-type", ""):
            for link in links_of(answer.json()):
                assert link["href"].startswith(base), link
                # One layer of each kind stands for the others; versions and features are walked elsewhere.
                if not re.search(r"/collections/(?!building\b|catalogue\b)", link["href"]) and "/execution" not in link["href"]:
                    kinds.setdefault(link["href"], link.get("type", ""))
                    waiting.append(link["href"])
    assert len(seen) > 60


def test_collections_are_those_of_the_reader(http: httpx.Client, as_role: As) -> None:
    def ids(client: httpx.Client) -> set[str]:
        return {c["id"] for c in client.get("/ogc/collections").json()["collections"]}

    assert "building" in ids(http)
    assert "customer" not in ids(http)
    assert "customer" in ids(as_role("bureau"))
    assert http.get("/ogc/collections/customer").status_code == 404
    assert "customer" not in http.get("/ogc/api").text
    assert "customer" not in http.get("/api/config").text
    assert "customer" not in http.get("/ogc/collections/catalogue/items", params={"limit": 100}).text
    assert "codes" not in http.get("/ogc/collections/building/queryables").json()["properties"]
    assert "codes" in as_role("editor").get("/ogc/collections/building/queryables").json()["properties"]
    assert "/collections/building/items" in http.get("/ogc/api").json()["paths"]
    assert "post" not in http.get("/ogc/api").json()["paths"]["/collections/building/items"]
    assert "post" in as_role("editor").get("/ogc/api").json()["paths"]["/collections/building/items"]


def test_schema_says_what_a_feature_is(http: httpx.Client) -> None:
    schema = http.get("/ogc/collections/building/schema").json()
    assert schema["properties"]["geometry"] == {"format": "geometry-multipolygon", "x-ogc-role": "primary-geometry"}
    assert schema["properties"]["height_m"] | {"title": ""} == {
        "title": "", "type": "number", "description": schema["properties"]["height_m"]["description"], "x-ogc-unit": "m",
        "x-ogc-unitLang": "UCUM", "minimum": 0.0, "maximum": 1000.0, "x-ogc-propertySeq": schema["properties"]["height_m"]["x-ogc-propertySeq"]}
    assert schema["properties"]["use"]["enum"] == list(schema["properties"]["use"]["x-codes"])
    assert schema["properties"]["use"]["x-codes"]["residential"] == {"zh": "住宅", "en": "Residential"}
    assert {"status", "use", "geometry"} <= set(schema["required"])
    assert http.get("/ogc/collections/building/schema", headers={"Accept-Language": "zh"}).json()["title"] == "建筑"


def test_config_is_what_the_client_begins_with(http: httpx.Client, as_role: As) -> None:
    public, editor = http.get("/api/config").json(), as_role("editor").get("/api/config").json()
    assert public["city"]["extent"] == [116.2, 39.8, 116.62, 40.08]
    layers = {layer["id"]: layer for layer in public["layers"]}
    assert layers["building"]["edit"] is False
    assert {layer["id"]: layer for layer in editor["layers"]}["building"]["edit"] is True
    assert "codes" not in [f["name"] for f in layers["building"]["fields"]]
    assert public["groups"]["housing"] == {"zh": "房屋", "en": "Housing"}
    assert public["user"] is None
    assert editor["user"] == "editor_1"


def test_layers_never_name_a_hidden_field(http: httpx.Client) -> None:
    for layer in http.get("/api/config").json()["layers"]:
        visible = {f["name"] for f in layer["fields"]}
        symbology = layer.get("symbology", {})
        named = [layer.get("key"), layer.get("label"), layer.get("district"), symbology.get("field"), symbology.get("extrude"),
                 symbology.get("label", {}).get("field")]
        assert {name for name in named if name} <= visible, layer["id"]


@pytest.mark.parametrize(("method", "path", "status"), [
    ("GET", "/ogc/nix", 404), ("GET", "/api/nix", 404), ("POST", "/ogc", 405), ("DELETE", "/ogc/collections", 405),
    ("GET", "/ogc/collections/building/tiles/Nix/1/1/1", 404), ("GET", "/ogc/collections/building/tiles/WebMercatorQuad/1/5/5", 404),
    ("GET", "/ogc/collections/building/tiles/WebMercatorQuad/x/5/5", 404), ("GET", "/ogc/styles/nix", 404),
    ("GET", "/ogc/processes/nix", 404), ("GET", "/ogc/jobs/nix", 404), ("GET", "/ogc/collections/catalogue/items/nix", 404),
    ("GET", "/ogc/collections/building/coverage", 404), ("GET", "/api/changesets/nix", 404), ("GET", "/ogc/static/nix.css", 404),
    ("GET", "/ogc/conformance?x=1", 400), ("GET", "/ogc/collections?f=xml", 400), ("PATCH", "/api/changesets", 405),
])
def test_failures_have_one_shape(http: httpx.Client, method: str, path: str, status: int) -> None:
    answer = http.request(method, path)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert {"type", "title", "status", "detail", "instance", "request_id"} <= problem.keys()
    assert problem["status"] == status
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert answer.headers["access-control-allow-origin"] == "*"
    if status == 405:
        assert "GET" in answer.headers["allow"]


def test_browsers_get_a_page_for_a_failure(http: httpx.Client) -> None:
    answer = http.get("/ogc/collections/nix", headers=BROWSER | {"Accept-Language": "zh"})
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")
    assert "没有图层“nix”" in answer.text
    script = http.get("/ogc/collections/%3Cscript%3E", headers=BROWSER)
    assert "<script>" not in script.text


def test_not_acceptable(http: httpx.Client) -> None:
    assert http.get("/ogc/collections", headers={"Accept": "image/png"}).status_code == 406
    assert http.get("/ogc/collections", headers={"Accept": "image/png, */*;q=0.1"}).status_code == 200


def test_request_ids_are_kept(http: httpx.Client) -> None:
    assert http.get("/healthz", headers={"X-Request-ID": "abcdef-123456"}).headers["x-request-id"] == "abcdef-123456"
    assert http.get("/healthz", headers={"X-Request-ID": "a b\tc"}).headers["x-request-id"] != "a b\tc"


def test_options_and_preflight(http: httpx.Client) -> None:
    answer = http.options("/ogc/collections/building/items/1")
    assert answer.status_code == 204
    assert "GET" in answer.headers["allow"]
    asked = http.options("/ogc/collections/building/items", headers={
        "Origin": "https://elsewhere.example", "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "if-match"})
    assert asked.status_code in (200, 204)
    assert "if-match" in asked.headers["access-control-allow-headers"].lower()


def test_operation(http: httpx.Client, as_role: As, signed_in: As) -> None:
    assert http.get("/healthz").json() == {"status": "ok"}
    told = http.get("/readyz").json()
    assert (told["status"], told["checks"]) == ("ready", {"database": "ok", "schema": "ok", "catalogue": "ok"})
    assert http.get("/metrics").status_code == 401
    text = signed_in("system_admin").get("/metrics").text
    counted = re.search(r'gis_requests_total\{route="/healthz",method="GET",status="200"\} (\d+)', text)
    assert counted is not None
    assert int(counted[1]) >= 1
    assert "gis_pool_connections" in text


def test_not_ready_without_a_database(store: Store, catalogue: Catalogue) -> None:
    closed = Store(store.dsn)
    closed.close()
    context: Any = SimpleNamespace(store=closed, catalogue=catalogue)
    answer = ready(Request({"type": "http", "method": "GET", "headers": [], "query_string": b""}, context))
    assert answer.status_code == 503
    assert json.loads(bytes(answer.body))["checks"]["database"] != "ok"


def test_an_export_is_in_the_audit(as_role: As, store: Store) -> None:
    as_role("editor").get("/ogc/collections/building/items", params={"f": "csv", "limit": 2, "filter": "height_m > 5"})
    (entry,) = entries(store, {"event": "export"})
    assert (entry["actor"], entry["layer"], entry["detail"]["format"]) == ("editor_1", "building", "csv")
    assert "height_m" in entry["detail"]["query"]


def test_the_catalogue_as_records(http: httpx.Client) -> None:
    found = http.get("/ogc/collections/catalogue/items", params={"q": "建筑"}).json()
    assert "building" in [f["id"] for f in found["features"]]
    assert found["numberMatched"] == found["numberReturned"] == len(found["features"])
    page = http.get("/ogc/collections/catalogue/items", params={"limit": 2}).json()
    assert [link for link in page["links"] if link["rel"] == "next"]
    assert http.get("/ogc/collections/catalogue/items", params={"bbox": "1,2,3,4"}).json()["numberMatched"] == 0
    assert http.get("/ogc/collections/catalogue/items", params={"bbox": "1,2,3"}).json()["parameter"] == "bbox"

    def ids(**asked: str) -> set[str]:
        return {record["id"] for record in http.get("/ogc/collections/catalogue/items", params={"limit": 1000, **asked}).json()["features"]}

    # By all words of a part: titles of fields and of codes too, but not those of fields that are hidden; by who publishes them all.
    assert "building" in ids(q="reinforced concrete") and "building" not in ids(q="reinforced zebra") and "building" in ids(q="zebra,reinforced")
    assert "building" not in ids(q="Archive number") and ids(q=found["features"][0]["properties"]["contacts"][0]["organization"]) == ids()
    # By what lies there today: 3号楼 does, nothing of the east, and no pipes.
    here = ids(bbox="116.329,39.899,116.332,39.902")
    assert {"building", "district"} <= here and not {"road", "water_area", "parcel"} & here and "building" not in ids(bbox="116.25,39.85,116.26,39.86")
    assert "building" in ids(bbox="-180,-90,180,90")
    assert http.get("/ogc/collections/catalogue/items", params={"bbox": "-1e300,-1e300,1e300,1e300"}).json()["parameter"] == "bbox"
    assert http.get("/ogc/collections/catalogue/items", params={"nix": "1"}).json()["parameter"] == "nix"


def test_tiles_follow_edits_at_once(http: httpx.Client, as_role: As, town: Town) -> None:
    def tile(**headers: str) -> httpx.Response:
        return http.get("/ogc/collections/building/tiles/WebMercatorQuad/14/6203/13491", headers=headers)

    # Column and row of 116.455 E, 39.985 N at level 14, from the definition of the grid.
    assert tile().status_code == 204
    editor = as_role("editor")
    made = editor.post("/ogc/collections/building/items", json=building("瓦片楼", 116.455, 39.985),
                       headers={"Content-Type": "application/geo+json"})
    assert made.status_code == 201, made.text
    fresh = tile(**{"Gis-Seq": made.headers["gis-seq"]})
    assert fresh.status_code == 200
    assert int(fresh.headers["gis-seq"]) >= int(made.headers["gis-seq"])
    assert "瓦片楼".encode() in fresh.content
    assert tile(**{"If-None-Match": fresh.headers["etag"]}).status_code == 304
    assert "max-age=30" in fresh.headers["cache-control"]
    assert "private" in editor.get("/ogc/collections/building/tiles/WebMercatorQuad/14/6203/13491").headers["cache-control"]
    for encoding in ("gzip", "zstd"):
        assert tile(**{"Accept-Encoding": encoding}).content == fresh.content


def test_tiles_of_several_layers(http: httpx.Client, town: Town) -> None:
    # Where 3号楼 stands, by the formula of the grid: two layers are there, buildings and districts.
    row, column = ((1 - math.asinh(math.tan(math.radians(39.9005))) / math.pi) / 2 * 2**14, (116.3305 + 180) / 360 * 2**14)
    place = f"14/{int(row)}/{int(column)}"
    whole = http.get(f"/ogc/tiles/WebMercatorQuad/{place}")
    assert whole.status_code == 200
    one = {name: http.get(f"/ogc/collections/{name}/tiles/WebMercatorQuad/{place}").content for name in ("building", "district")}
    assert all(one.values())
    assert all(part in whole.content for part in one.values())
    chosen = http.get(f"/ogc/tiles/WebMercatorQuad/{place}", params={"collections": "building"})
    assert chosen.content == one["building"]
    assert http.get(f"/ogc/tiles/WebMercatorQuad/{place}", params={"collections": "customer"}).json()["parameter"] == "collections"
    past = http.get(f"/ogc/collections/building/tiles/WebMercatorQuad/{place}", params={"datetime": "1999"})
    assert past.status_code == 204
    filtered = http.get(f"/ogc/collections/building/tiles/WebMercatorQuad/{place}", params={"filter": "name = '3号楼'"})
    assert "3号楼".encode() in filtered.content
    assert "老楼".encode() not in filtered.content


def test_routes_are_all_named_once() -> None:
    class Nothing:
        threads = delegate_threads = None

    # Pictures of coverages and of features have one address; the route of coverages takes what is one.
    paths = [(route.path, tuple(sorted(route.methods)), isinstance(route, OfCoverages))
             for route in service_routes(Nothing())]  # type: ignore[arg-type,union-attr]
    assert len(paths) == len(set(paths))
