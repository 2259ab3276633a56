"""Against stock pygeoapi on the same tables: where both can answer, both say the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import httpx
import orjson
import psycopg
import pytest
import shapely
from psycopg.conninfo import conninfo_to_dict
from pygeoapi.api import API, APIRequest
from pygeoapi.api.itemtypes import get_collection_item, get_collection_items
from pygeoapi.provider.sql import GenericSQLProvider, PostgreSQLProvider, get_engine
from starlette.requests import Request

from layers.store import Store
from tests.gisserver.conftest import Town

pytestmark = [pytest.mark.filterwarnings("ignore:You will likely lose important projection information"),
              pytest.mark.filterwarnings("ignore:The 'shapely.ops.transform")]
ITEMS = "/ogc/collections/building/items"
FIELDS = ["source_id", "name", "status", "use", "height_m", "floors_above", "district_code"]


class Stock(PostgreSQLProvider):
    """pygeoapi's own provider; only the driver is the one that is installed here."""

    def __init__(self, provider_def: dict[str, Any]) -> None:
        GenericSQLProvider.__init__(self, provider_def, "postgresql+psycopg", {"application_name": "stock pygeoapi"})


@pytest.fixture(scope="module")
def stock(store: Store, town: Town) -> Iterator[API]:
    with psycopg.connect(store.dsn, autocommit=True) as connection:
        # It knows no history: it is shown what is true now.
        connection.execute("CREATE SCHEMA stock")
        # It takes a geographic storage CRS for latitude first, whatever PostGIS keeps: the same numbers as CRS84 are meant.
        connection.execute(f"CREATE TABLE stock.building AS SELECT fid, ST_SetSRID(geom, 4326) AS geom, {', '.join(FIELDS)} FROM city.building WHERE valid @> now()")
        connection.execute("ALTER TABLE stock.building ADD PRIMARY KEY (fid)")
    found = conninfo_to_dict(store.dsn)
    data = {"host": found["host"], "port": int(found["port"]), "dbname": found["dbname"], "user": found.get("user", "postgres"),
            "password": found.get("password", ""), "search_path": ["stock", "public"]}
    crs = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
    provider = {"type": "feature", "name": f"{Stock.__module__}.Stock", "data": data, "id_field": "fid", "table": "building",
                "geom_field": "geom", "properties": FIELDS, "storage_crs": crs,
                "crs": [crs, "http://www.opengis.net/def/crs/EPSG/0/4326", "http://www.opengis.net/def/crs/EPSG/0/4548"]}
    yield API({
        "server": {"url": "http://stock.invalid", "mimetype": "application/json", "encoding": "utf-8", "languages": ["en-US"],
                   "limits": {"default_items": 10, "max_items": 1000}, "map": {"url": "", "attribution": ""}},
        "logging": {"level": "ERROR"}, "metadata": {"identification": {"title": "", "description": "", "keywords": [], "url": ""}},
        "resources": {"building": {"type": "collection", "title": "b", "description": "b", "keywords": [], "links": [],
                                   "extents": {"spatial": {"bbox": [116, 39, 117, 41]}}, "providers": [provider]}}}, {})
    Stock(provider)._engine.dispose()       # pygeoapi keeps its engines for ever
    get_engine.cache_clear()


def ask_stock(api: API, parameters: dict[str, Any], fid: int | None = None) -> dict[str, Any]:
    scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": urlencode(parameters | {"f": "json"}).encode()}
    request = APIRequest(Request(scope), api.locales)
    answer = get_collection_items(api, request, "building") if fid is None else get_collection_item(api, request, "building", fid)
    assert int(answer[1]) == 200, answer[2]
    return orjson.loads(answer[2])


def assert_same(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    assert ours["id"] == theirs["id"]
    assert {name: ours["properties"][name] for name in FIELDS} == {name: theirs["properties"][name] for name in FIELDS}
    a, b = (shapely.normalize(shapely.geometry.shape(f["geometry"])) for f in (ours, theirs))
    assert shapely.equals_exact(a, b, tolerance=2e-3 if shapely.bounds(a)[0] > 180 else 2e-7), ours["id"]


@pytest.mark.parametrize("parameters", [
    {}, {"limit": 3}, {"limit": 100}, {"bbox": "116.315,39.89,116.365,39.91"}, {"bbox": "116.0,39.0,116.1,39.1"}, {"use": "office"},
    {"use": "office", "bbox": "116.315,39.89,116.365,39.91"}, {"name": "5号楼"}, {"sortby": "-height_m", "limit": 4},
    {"sortby": "name"}, {"filter": "height_m > 20"}, {"filter": "height_m BETWEEN 9 AND 21 AND use = 'office'"},
    {"filter": "name LIKE '1%'"}, {"filter": "use IN ('office','hotel')"}, {"filter": "NOT use = 'office'"},
    {"crs": "http://www.opengis.net/def/crs/EPSG/0/4548", "limit": 2}, {"crs": "http://www.opengis.net/def/crs/EPSG/0/4326", "limit": 2},
    {"skipGeometry": "false", "limit": 1},
])
def test_the_same_items(http: httpx.Client, stock: API, parameters: dict[str, Any]) -> None:
    ours = http.get(ITEMS, params=parameters | {"count": "true"}).json()
    theirs = ask_stock(stock, parameters)
    assert [f["id"] for f in ours["features"]] == [f["id"] for f in theirs["features"]]
    assert (ours["numberMatched"], ours["numberReturned"]) == (theirs["numberMatched"], theirs["numberReturned"])
    for mine, other in zip(ours["features"], theirs["features"], strict=True):
        assert_same(mine, other)


def test_the_same_item(http: httpx.Client, stock: API, town: Town) -> None:
    for name in ("1号楼", "3号楼", "12号楼"):
        assert_same(http.get(f"{ITEMS}/{town.fids[name]}").json(), ask_stock(stock, {}, town.fids[name]))
