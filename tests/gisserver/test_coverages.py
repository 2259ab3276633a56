"""Coverages by file: a small elevation model with known heights, for who may read it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
import rasterio
from pygeoapi.provider.base import ProviderInvalidQueryError
from rasterio.transform import from_origin

from gisserver.ogc.providers import MOST_CELLS, CoverageFile
from layers.catalogue import Catalogue
from layers.store import Store
from tests.conftest import Serve
from tests.gisserver.conftest import Town, key_for

COVERAGE = "/ogc/collections/dem/coverage"
# 0.001 degree a cell; the height of a cell is its row times 1000 plus its column.
WEST, NORTH, CELL = 116.30, 39.95, 0.001


@pytest.fixture(scope="module")
def served(store: Store, catalogue: Catalogue, town: Town, serve: Serve, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    var = tmp_path_factory.mktemp("var")
    path = var / str(catalogue.layer("dem").coverage["source"])
    path.parent.mkdir(parents=True)
    heights = (np.arange(50)[:, None] * 1000 + np.arange(80)[None, :]).astype("float32")
    with rasterio.open(path, "w", driver="GTiff", width=80, height=50, count=1, dtype="float32", crs="EPSG:4326",
                       transform=from_origin(WEST, NORTH, CELL, CELL)) as made:
        made.write(heights, 1)
    key = key_for(store, catalogue, "bureau")
    with serve(store, GIS_VAR=str(var)) as live, httpx.Client(base_url=live.url, timeout=30, headers={"Authorization": f"Bearer {key}"}) as client:
        yield client


def test_a_part_as_json_and_as_geotiff(served: httpx.Client) -> None:
    # A little within the cells at its edges.
    bbox = f"{WEST + 10.2 * CELL},{NORTH - 7.8 * CELL},{WEST + 13.8 * CELL},{NORTH - 5.2 * CELL}"
    answer = served.get(COVERAGE, params={"bbox": bbox})
    assert answer.status_code == 200, answer.text
    document = answer.json()
    assert (document["type"], document["domain"]["axes"]["x"]["num"], document["domain"]["axes"]["y"]["num"]) == ("Coverage", 4, 3)
    values = next(iter(document["ranges"].values()))["values"]
    assert values == [5010, 5011, 5012, 5013, 6010, 6011, 6012, 6013, 7010, 7011, 7012, 7013]
    with rasterio.open(io.BytesIO(served.get(COVERAGE, params={"bbox": bbox, "f": "GTiff"}).content)) as raster:
        assert raster.read(1).tolist() == [values[0:4], values[4:8], values[8:12]]
        assert raster.bounds == pytest.approx((WEST + 10 * CELL, NORTH - 8 * CELL, WEST + 14 * CELL, NORTH - 5 * CELL))


@pytest.mark.parametrize(("parameters", "named"), [({"bbox": "1,2"}, "bbox"), ({"bbox": "a,b,c,d"}, "bbox"), ({"nix": "1"}, "nix"), ({"f": "html"}, "f")])
def test_wrong_parameters_are_named(served: httpx.Client, parameters: dict[str, str], named: str) -> None:
    assert served.get(COVERAGE, params=parameters).json()["parameter"] == named


def test_outside_of_it_and_unknown_bands(served: httpx.Client) -> None:
    assert served.get(COVERAGE, params={"bbox": "1,2,3,4"}).status_code == 400
    assert served.get(COVERAGE, params={"properties": "7"}).status_code == 400


def test_it_is_listed_and_hidden(served: httpx.Client) -> None:
    dem = served.get("/ogc/collections/dem").json()
    assert dem["layerDataType"] == "Coverage"
    assert any(link["href"].endswith(COVERAGE) for link in dem["links"])
    assert served.get("/ogc/collections/dem/items").status_code == 404
    assert served.get("/ogc/collections/imagery/coverage").status_code == 404        # its file is not there
    public = httpx.get(f"{str(served.base_url).rstrip('/')}{COVERAGE}")
    assert public.status_code == 404


def test_nobody_asks_for_more_than_memory_holds(tmp_path: Path) -> None:
    path = tmp_path / "wide.tif"
    with rasterio.open(path, "w", driver="GTiff", width=4000, height=3000, count=1, dtype="uint8", crs="EPSG:4326", compress="deflate",
                       transform=from_origin(116.0, 40.0, 0.0001, 0.0001)):
        pass
    provider = CoverageFile({"name": "x", "type": "coverage", "data": str(path), "format": {"name": "GTiff", "mimetype": "image/tiff"}})
    assert 4000 * 3000 > MOST_CELLS
    with pytest.raises(ProviderInvalidQueryError):
        provider.query()
    assert provider.query(bbox=[116.0, 39.9, 116.1, 40.0])["type"] == "Coverage"
