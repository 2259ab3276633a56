"""WMS by other people's clients: OWSLib and GDAL, in every CRS, for every reader, on any day; and what is wrong is named."""

from __future__ import annotations

import subprocess
from io import BytesIO
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import httpx
import numpy as np
import pytest
import rasterio
from owslib.wms import WebMapService
from PIL import Image
from pyproj import Transformer

from layers.store import Store
from tests.gisserver.conftest import As, Town

# 3号楼 is a residential square of 0.001 degree with its south-western corner here.
LON, LAT = 116.33, 39.90
RESIDENTIAL, OFFICE = (223, 207, 182), (183, 195, 214)
CRSS = ("EPSG:3857", "EPSG:4490", "EPSG:4548", "EPSG:4326")
NS = {"wms": "http://www.opengis.net/wms", "ogc": "http://www.opengis.net/ogc"}


def box(crs: str, margin: float = 0.0005, lon: float = LON, lat: float = LAT) -> tuple[float, float, float, float]:
    """A box around the building, x (east) first, by PROJ."""
    to = Transformer.from_crs("OGC:CRS84", crs, always_xy=True)
    x, y = to.transform([lon - margin, lon + 0.001 + margin], [lat - margin, lat + 0.001 + margin])
    return min(x), min(y), max(x), max(y)


def middle(body: bytes, at: tuple[float, float] = (0.5, 0.5)) -> tuple[int, ...]:
    image = Image.open(BytesIO(body)).convert("RGB")
    return image.getpixel((int(image.width * at[0]), int(image.height * at[1])))


def near(a: tuple[int, ...], b: tuple[int, ...], by: int = 14) -> bool:
    # Buildings are drawn with 0.95 opacity, on white or on what is below.
    return all(abs(x - y) <= by for x, y in zip(a, b, strict=True))


def service(client: httpx.Client, version: str = "1.3.0") -> WebMapService:
    headers = {"Authorization": client.headers["Authorization"]} if "Authorization" in client.headers else {}
    return WebMapService(f"{str(client.base_url).rstrip('/')}/wms", version=version, headers=headers)


def get_map(client: httpx.Client, **given: Any) -> httpx.Response:
    """Ask 1.3.0 in EPSG:4490, whose latitude comes first."""
    minx, miny, maxx, maxy = box("EPSG:4490")
    asked = {"SERVICE": "WMS", "VERSION": "1.3.0", "REQUEST": "GetMap", "LAYERS": "building", "STYLES": "", "CRS": "EPSG:4490",
             "BBOX": f"{miny},{minx},{maxy},{maxx}", "WIDTH": 64, "HEIGHT": 64, "FORMAT": "image/png"} | given
    return client.get("/wms", params={k: v for k, v in asked.items() if v is not None})


class TestOwsLib:
    def test_capabilities_tell_layers_in_both_languages(self, http: httpx.Client, town: Town) -> None:
        for version in ("1.1.1", "1.3.0"):
            found = service(http, version)
            assert found.identification.version == version
            building = found.contents["building"]
            assert "建筑" in building.title and "Building" in building.title and building.queryable
            assert set(CRSS) <= {c[0] if isinstance(c, tuple) else c for c in found.contents["city"].crsOptions}
            (time,) = [d for d in ElementTree.fromstring(http.get("/wms", params={"SERVICE": "WMS", "REQUEST": "GetCapabilities", "VERSION": version}).content)
                       .iterfind(".//{*}Layer[{*}Name='building']/{*}*") if d.tag.rpartition("}")[2] in ("Dimension", "Extent") and d.text]
            assert time.get("name") == "time" and time.get("default") == "current" and "P1D" in time.text
            assert building.styles["default"]["legend"].startswith(str(http.base_url))
            assert building.boundingBoxWGS84 == pytest.approx((116.2, 39.8, 116.62, 40.08))
            assert {"GetMap", "GetFeatureInfo"} <= {o.name for o in found.operations}

    @pytest.mark.parametrize("version", ["1.1.1", "1.3.0"])
    @pytest.mark.parametrize("crs", CRSS)
    def test_a_known_building_stands_where_it_is(self, http: httpx.Client, town: Town, version: str, crs: str) -> None:
        """For 1.3.0 OWSLib turns the axes by what it knows of the CRS: it and we must be of one mind."""
        found = service(http, version)
        answer = found.getmap(layers=["building"], styles=["default"], srs=crs, bbox=box(crs), size=(100, 100), format="image/png")
        body = answer.read()
        assert near(middle(body), RESIDENTIAL), (crs, version, answer.geturl())
        assert all(middle(body, corner) == (255, 255, 255) for corner in ((0.1, 0.1), (0.9, 0.1), (0.1, 0.9), (0.9, 0.9)))

    def test_feature_info(self, http: httpx.Client, town: Town) -> None:
        found = service(http)
        asked = {"layers": ["building"], "query_layers": ["building"], "srs": "EPSG:3857", "bbox": box("EPSG:3857"), "size": (100, 100),
                 "format": "image/png", "xy": (50, 50)}
        as_json = found.getfeatureinfo(**asked, info_format="application/json").read()
        import orjson

        (feature,) = orjson.loads(as_json)["features"]
        assert feature["id"] == f"building.{town.fids['3号楼']}" and feature["properties"]["name"] == "3号楼"
        text = found.getfeatureinfo(**asked, info_format="text/plain").read().decode()
        assert "3号楼" in text and "住宅" in text
        html = found.getfeatureinfo(**asked, info_format="text/html").read().decode()
        assert "<td>3号楼</td>" in html
        nothing = found.getfeatureinfo(**(asked | {"xy": (2, 2)}), info_format="application/json").read()
        assert orjson.loads(nothing)["features"] == []


class TestGdal:
    def test_gdal_reads_the_city_in_the_local_crs(self, http: httpx.Client, town: Town, tmp_path: Path) -> None:
        minx, miny, maxx, maxy = box("EPSG:4548")
        source = (f"WMS:{str(http.base_url).rstrip('/')}/wms?SERVICE=WMS&VERSION=1.3.0&REQUEST=GetMap&LAYERS=building&STYLES=&CRS=EPSG:4548"
                  f"&BBOX={miny},{minx},{maxy},{maxx}&FORMAT=image/png&BBOXORDER=yxYX")
        target = tmp_path / "map.tif"
        subprocess.run(["gdal_translate", "-q", "-outsize", "128", "128", source, str(target)], check=True, capture_output=True, timeout=60, cwd=tmp_path)
        with rasterio.open(target) as image:
            assert image.crs.to_epsg() == 4548
            x, y = Transformer.from_crs("OGC:CRS84", "EPSG:4548", always_xy=True).transform(LON + 0.0001, LAT + 0.0001)  # beside its label
            colour = tuple(int(v) for v in next(image.sample([(x, y)]))[:3])
        assert near(colour, RESIDENTIAL)


class TestMaps:
    def test_axis_order_of_1_3_0(self, http: httpx.Client, town: Town) -> None:
        """EPSG:4490 and EPSG:4548 put north first; CRS:84 puts longitude first."""
        assert near(middle(get_map(http).content), RESIDENTIAL)
        minx, miny, maxx, maxy = box("EPSG:4490")
        assert near(middle(get_map(http, CRS="CRS:84", BBOX=f"{minx},{miny},{maxx},{maxy}").content), RESIDENTIAL)
        wrong = get_map(http, BBOX=f"{minx},{miny},{maxx},{maxy}")
        assert wrong.status_code in (200, 400) and (wrong.status_code == 400 or middle(wrong.content) == (255, 255, 255))

    def test_several_layers_in_one_pass_the_first_lowest(self, http: httpx.Client, town: Town) -> None:
        both = get_map(http, LAYERS="district,building")
        assert both.status_code == 200 and near(middle(both.content), RESIDENTIAL)

    def test_transparent_or_not(self, http: httpx.Client, town: Town) -> None:
        clear = Image.open(BytesIO(get_map(http, TRANSPARENT="TRUE").content)).convert("RGBA")
        assert clear.getpixel((2, 2))[3] == 0 and clear.getpixel((32, 32))[3] > 230
        red = get_map(http, BGCOLOR="0xff0000").content
        assert middle(red, (0.05, 0.05)) == (255, 0, 0)
        photo = get_map(http, FORMAT="image/jpeg")
        assert photo.headers["content-type"] == "image/jpeg" and photo.content[:2] == b"\xff\xd8" and near(middle(photo.content), RESIDENTIAL)

    def test_any_day(self, http: httpx.Client, town: Town) -> None:
        """2号楼 stood from 2000 until 2015."""
        minx, miny, maxx, maxy = box("EPSG:4490", lon=116.32)
        bbox = f"{miny},{minx},{maxy},{maxx}"
        days = {day: middle(get_map(http, BBOX=bbox, TIME=day).content) for day in ("1999-06-01", "2014-12-31", "2015-06-01", "current", "2010/2020")}
        assert [near(days[d], OFFICE) for d in days] == [False, True, False, False, True]
        before = get_map(http, BBOX=bbox, TIME="2014-12-31", **{"known-at": str(town.seqs["buildings"] - 1)})
        assert middle(before.content) == (255, 255, 255)

    def test_the_whole_city_by_one_name(self, http: httpx.Client, town: Town) -> None:
        answer = get_map(http, LAYERS="city")
        assert answer.status_code == 200 and near(middle(answer.content), RESIDENTIAL)

    def test_validators(self, http: httpx.Client, town: Town) -> None:
        first = get_map(http)
        again = http.get(first.url, headers={"If-None-Match": first.headers["etag"]})
        assert again.status_code == 304 and not again.content


class TestReaders:
    def test_rows_and_layers_of_a_district_s_officer(self, http: httpx.Client, as_role: As, town: Town) -> None:
        officer, editor = as_role("housing_officer"), as_role("editor")
        layers = set(service(officer).contents)
        assert layers - {"city"} == {c["id"] for c in officer.get("/ogc/collections").json()["collections"]} & set(service(editor).contents)
        # 11号楼 is in the east, where the officer's grant does not reach.
        minx, miny, maxx, maxy = box("EPSG:4490", lon=116.41)
        bbox = f"{miny},{minx},{maxy},{maxx}"
        assert near(middle(get_map(editor, BBOX=bbox).content), RESIDENTIAL)
        assert near(middle(get_map(officer).content), RESIDENTIAL)
        hidden = editor.get("/ogc/collections").json()["collections"]
        secret = [c["id"] for c in hidden if c["id"] in set(service(editor).contents) and c["id"] not in set(service(http).contents)]
        for name in secret:
            refused, unknown = get_map(http, LAYERS=name), get_map(http, LAYERS="nowhere")
            assert refused.status_code == unknown.status_code == 400
            assert refused.text.replace(name, "nowhere") == unknown.text
        assert secret


class TestFromAfar:
    """Below zoom 13 a picture shows cells of buildings: the one under the click is told, in each format and language."""

    ASKED = {"REQUEST": "GetFeatureInfo", "QUERY_LAYERS": "building", "CRS": "EPSG:4490", "BBOX": "39.7,116.2,40.1,116.6", "WIDTH": 128, "HEIGHT": 128,
             "I": 41, "J": 63, "INFO_FORMAT": "application/json"}

    def test_the_cell_under_the_click_is_counted(self, http: httpx.Client, town: Town, store: Store) -> None:
        def info(**more: Any) -> httpx.Response:
            return get_map(http, **(self.ASKED | more))

        for time, moment in ((None, "now()"), ("2014-12-31", "timestamptz '2014-12-31Z'"), ("1999-06-01", None)):
            features = info(TIME=time).json()["features"]
            if moment is None:
                assert features == []
                continue
            (cell,) = features
            west, south, east, north = cell["bbox"]
            assert west < 116.2 + 0.4 * 41.5 / 128 < east and cell["geometry"]["coordinates"][0][2] == [east, north]
            with store.connect() as connection:
                rows = dict(connection.execute(f"SELECT use, count(*) FROM city.building WHERE valid @> {moment} AND geom && ST_MakeEnvelope(%s, %s, %s, %s, 4490) "  # type: ignore[arg-type]
                                               "GROUP BY 1", (west, south, east, north)).fetchall())
            told = cell["properties"]
            assert {c["value"]: c["count"] for c in told["cell:classes"]} == rows and told["cell:count"] == sum(rows.values()) > 1
            assert told["cell:classes"][0]["title"].keys() == {"zh", "en"} and told["cell:time"] == ("current" if time is None else "2014-12-31T00:00:00Z")
        (by_status,) = info(STYLES="by_status").json()["features"]
        assert [c["value"] for c in by_status["properties"]["cell:classes"]] == ["in_use"]
        assert info(STYLES="fancy").status_code == 400

    def test_beside_the_poles_there_is_nothing(self, http: httpx.Client, town: Town) -> None:
        for row in (0, 127):
            assert get_map(http, **(self.ASKED | {"BBOX": "-90,-180,90,180", "J": row})).json() == {"type": "FeatureCollection", "features": []}

    def test_for_people(self, http: httpx.Client, town: Town) -> None:
        words = {"zh": ("建筑 · 网格", "要素数", "住宅"), "en": ("Building · cell", "Features", "Residential")}
        for language, said in words.items():
            for kind in ("text/plain", "text/html"):
                answer = http.get(get_map(http, **(self.ASKED | {"INFO_FORMAT": kind})).url, headers={"Accept-Language": language})
                assert answer.headers["content-type"].startswith(kind) and all(word in answer.text for word in said), answer.text


WRONG = [
    ({"CRS": "EPSG:2000"}, "crs", "InvalidCRS"), ({"CRS": None}, "crs", "InvalidCRS"), ({"BBOX": "1,2,3"}, "bbox", "InvalidParameterValue"),
    ({"BBOX": "a,b,c,d"}, "bbox", "InvalidParameterValue"), ({"BBOX": "40,117,39,116"}, "bbox", "InvalidParameterValue"),
    ({"BBOX": None}, "bbox", "MissingParameterValue"), ({"WIDTH": "5000"}, "width", "InvalidParameterValue"), ({"HEIGHT": "0"}, "height", "InvalidParameterValue"),
    ({"WIDTH": "x"}, "width", "InvalidParameterValue"), ({"FORMAT": "image/tiff"}, "format", "InvalidFormat"), ({"FORMAT": None}, "format", "InvalidFormat"),
    ({"STYLES": "fancy"}, "styles", "StyleNotDefined"), ({"LAYERS": "nowhere"}, "layers", "LayerNotDefined"), ({"LAYERS": None}, "layers", "LayerNotDefined"),
    ({"TIME": "yesterday"}, "time", "InvalidDimensionValue"), ({"TIME": "2015-13-01"}, "time", "InvalidDimensionValue"),
    ({"REQUEST": "GetFish"}, "request", "OperationNotSupported"), ({"SERVICE": "WFS"}, "service", "InvalidParameterValue"),
    ({"BGCOLOR": "red"}, "bgcolor", "InvalidParameterValue"), ({"BBOX": "nan,1,2,3"}, "bbox", "InvalidParameterValue"),
    ({"CRS": "EPSG:3857", "BBOX": "-1e300,-1e300,1e300,1e300"}, "bbox", "InvalidParameterValue"), ({"BBOX": "-1e300,-1e300,1e300,1e300"}, "bbox", "InvalidParameterValue"),
    ({"known-at": "1e5"}, "known-at", "InvalidParameterValue"),
]


@pytest.mark.parametrize(("given", "locator", "code"), WRONG, ids=lambda v: str(v)[:40])
def test_what_is_wrong_is_named(http: httpx.Client, town: Town, given: dict[str, Any], locator: str, code: str) -> None:
    answer = get_map(http, **given)
    assert answer.status_code == 400, answer.text
    (fault,) = ElementTree.fromstring(answer.content).findall("ogc:ServiceException", NS)
    assert (fault.get("locator"), fault.get("code")) == (locator, code) and fault.text
    old = get_map(http, VERSION="1.1.1", **({k: v for k, v in given.items() if k != "CRS"} | {"SRS": given.get("CRS", "EPSG:4490") if "CRS" in given else "EPSG:4490"}))
    assert old.status_code == 400 and old.headers["content-type"].startswith("application/vnd.ogc.se_xml")


def test_faults_in_chinese(http: httpx.Client, town: Town) -> None:
    answer = http.get("/wms", params={"REQUEST": "GetMap", "LAYERS": "nowhere", "lang": "zh"})
    assert "缺" in answer.text or "必填" in answer.text


def test_other_operations_name_what_is_wrong(http: httpx.Client, town: Town) -> None:
    info = {"REQUEST": "GetFeatureInfo", "QUERY_LAYERS": "building", "INFO_FORMAT": "text/plain", "I": "10", "J": "10"}
    for wrong, name in (({"I": "64"}, "i"), ({"J": None}, "j"), ({"QUERY_LAYERS": "nowhere"}, "layers"), ({"INFO_FORMAT": "text/xml"}, "info_format"),
                        ({"FEATURE_COUNT": "0"}, "feature_count")):
        answer = get_map(http, **(info | wrong))
        assert answer.status_code == 400 and f'locator="{name}"' in answer.text, (wrong, answer.text)
    assert http.get("/wms").status_code == 400


def test_legend_graphics(http: httpx.Client, town: Town) -> None:
    picture = http.get("/wms", params={"REQUEST": "GetLegendGraphic", "LAYER": "building", "FORMAT": "image/png"})
    image = np.asarray(Image.open(BytesIO(picture.content)).convert("RGB")).reshape(-1, 3)
    assert picture.headers["content-type"] == "image/png"
    assert (np.abs(image.astype(int) - RESIDENTIAL).max(axis=1) <= 14).sum() > 100
    document = http.get("/wms", params={"REQUEST": "GetLegendGraphic", "LAYER": "building", "FORMAT": "application/json"}).json()
    assert document["Legend"][0]["layer"] == "building" and document["Legend"][0]["items"][0]["title"]["zh"] == "住宅"
    assert http.get("/wms", params={"REQUEST": "GetLegendGraphic", "LAYER": "nowhere", "FORMAT": "image/png"}).status_code == 400
