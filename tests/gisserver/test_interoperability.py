"""Other people's clients read every collection: GDAL's OAPIF driver and OWSLib."""

from __future__ import annotations

from typing import Any

import httpx
import pyogrio
import pytest
import shapely
from owslib.ogcapi.features import Features

from tests.gisserver.conftest import As, Town

# Two collections have other items: the records of the catalogue, the cells of coverages.
FEATURES = {"feature"}


@pytest.fixture(scope="module")
def collections(as_role: As) -> list[dict[str, Any]]:
    return [c for c in as_role("editor").get("/ogc/collections").json()["collections"] if c.get("itemType") in FEATURES]


def key_of(client: httpx.Client) -> str:
    return client.headers["Authorization"].removeprefix("Bearer ")


def test_gdal_reads_every_collection(as_role: As, town: Town, collections: list[dict[str, Any]]) -> None:
    editor = as_role("editor")
    # Most GIS clients can show a key in no other way.
    source = f"OAPIF:{str(editor.base_url).rstrip('/')}/ogc?key={key_of(editor)}"
    listed = {name for name, _ in pyogrio.list_layers(source)}
    assert listed == {c["id"] for c in collections} | {"catalogue"}
    for collection in collections:
        info = pyogrio.read_info(source, layer=collection["id"], force_feature_count=True)
        counted = editor.get(f"/ogc/collections/{collection['id']}/items", params={"resulttype": "hits"}).json()
        assert info["features"] == counted["numberMatched"], collection["id"]
    frame = pyogrio.read_dataframe(source, layer="building", bbox=(116.3295, 39.8995, 116.3315, 39.9015))
    assert list(frame["name"]) == ["3号楼"]
    assert frame.geometry[0].bounds == pytest.approx((116.33, 39.9, 116.331, 39.901))
    assert sorted(pyogrio.read_dataframe(source, layer="building", where="height_m > 30")["name"]) == ["11号楼", "12号楼"]
    everything = pyogrio.read_dataframe(source, layer="building")
    assert len(everything) == editor.get("/ogc/collections/building/items", params={"resulttype": "hits"}).json()["numberMatched"]


def test_owslib_reads_every_collection(as_role: As, town: Town, collections: list[dict[str, Any]]) -> None:
    editor = as_role("editor")
    service = Features(f"{str(editor.base_url).rstrip('/')}/ogc/", headers={"Authorization": editor.headers["Authorization"]})
    assert "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core" in service.conformance()["conformsTo"]
    assert {c["id"] for c in collections} <= set(service.feature_collections())
    for collection in collections:
        answer = service.collection_items(collection["id"], limit=5)
        assert answer["numberReturned"] == len(answer["features"])
        assert service.collection_queryables(collection["id"])["properties"]
    found = service.collection_items("building", bbox=[116.3295, 39.8995, 116.3315, 39.9015])
    assert [f["properties"]["name"] for f in found["features"]] == ["3号楼"]
    item = service.collection_item("building", str(town.fids["3号楼"]))
    assert shapely.geometry.shape(item["geometry"]).area == pytest.approx(1e-6)
    assert service.api()["openapi"].startswith("3.0")


def test_owslib_writes(as_role: As, town: Town) -> None:
    editor = as_role("editor")
    service = Features(f"{str(editor.base_url).rstrip('/')}/ogc/", headers={"Authorization": editor.headers["Authorization"]})
    feature = service.collection_item("building", str(town.fids["5号楼"]))
    feature.pop("id")
    feature["properties"] |= {"source_id": "copy", "name": "复制楼"}
    feature["geometry"] = shapely.geometry.mapping(shapely.box(116.47, 39.97, 116.471, 39.971))
    assert service.collection_item_create("building", feature)
    found = service.collection_items("building", name="复制楼")
    assert found["numberReturned"] == 1
