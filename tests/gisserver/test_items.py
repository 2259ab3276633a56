"""Features over HTTP: questions, formats, paging, time, coordinate systems."""

from __future__ import annotations

import csv
import io
from urllib.parse import urlsplit

import httpx
import pyproj
import pytest
import shapely

from tests.gisserver.conftest import BUILDINGS, As, Town

ITEMS = "/ogc/collections/building/items"
EPSG = "http://www.opengis.net/def/crs/EPSG/0/"


def names(answer: httpx.Response) -> set[str]:
    assert answer.status_code == 200, answer.text
    return {f["properties"]["name"] for f in answer.json()["features"]}


def ask(http: httpx.Client, **parameters: object) -> httpx.Response:
    return http.get(ITEMS, params={k.replace("_", "-"): v for k, v in parameters.items()})


def test_now_shows_what_is_true_now(http: httpx.Client, town: Town) -> None:
    answer = ask(http, limit=100)
    assert names(answer) == {"老楼"} | {f"{n}号楼" for n in range(3, 13)}
    document = answer.json()
    assert answer.headers["content-type"] == "application/geo+json"
    assert document["numberReturned"] == len(document["features"]) == 11
    assert document["numberMatched"] == 11       # the only page has counted them all
    assert document["timeStamp"].endswith("Z")
    assert answer.headers["content-crs"] == "<http://www.opengis.net/def/crs/OGC/1.3/CRS84>"
    assert int(answer.headers["gis-seq"]) >= town.seqs["planned"]


@pytest.mark.parametrize(("moment", "expected", "absent"), [
    ("1999", set(), {"1号楼"}),
    ("2005", {"1号楼", "2号楼"}, {"老楼", "规划楼"}),
    ("2010-06-01T00:00:00Z", {"老楼", "2号楼"}, {"1号楼"}),
    ("2010-05-31T23:59:59Z", {"1号楼"}, {"老楼"}),
    ("2015-01-01", {"老楼"}, {"2号楼"}),
    ("2051", {"规划楼"}, {"2号楼"}),
    ("2001/2003", {"1号楼"}, {"老楼"}),
    ("2009/2011", {"1号楼", "老楼"}, {"规划楼"}),
    ("../1999", set(), {"1号楼"}),
    ("2049/..", {"规划楼", "老楼"}, {"2号楼"}),
])
def test_datetime_is_valid_time(http: httpx.Client, moment: str, expected: set[str], absent: set[str]) -> None:
    found = names(ask(http, datetime=moment, limit=100))
    assert expected <= found
    assert not absent & found


def test_some_by_number_say_their_names_and_since_when(http: httpx.Client) -> None:
    numbers = {f["properties"]["name"]: f["id"] for f in ask(http, datetime="2005", limit=100).json()["features"]}
    asked = f"{numbers['1号楼']},{numbers['2号楼']},999999"
    found = ask(http, ids=asked, properties="name", skipGeometry="true", datetime="2009-01-01/2011-01-01", limit=30).json()["features"]
    assert {(f["id"], f["properties"]["name"], f["properties"]["valid_from"][:4]) for f in found} == {
        (numbers["1号楼"], "1号楼", "2000"), (numbers["1号楼"], "老楼", "2010"), (numbers["2号楼"], "2号楼", "2000")}
    assert all(f["geometry"] is None for f in found)
    # who is not there on the day is left out, as is a number that nobody has
    assert [f["id"] for f in ask(http, ids=asked, properties="name", limit=3).json()["features"]] == [numbers["1号楼"]]


def test_known_at_is_what_was_known(http: httpx.Client, town: Town) -> None:
    before = ask(http, known_at=town.seqs["buildings"], limit=100)
    assert names(before) == {f"{n}号楼" for n in range(1, 13)}
    assert names(ask(http, known_at=town.seqs["districts"], limit=100)) == set()
    recorded = http.get(f"/api/changesets/{town.seqs['buildings']}").json()["recorded_at"]
    assert names(ask(http, known_at=recorded, limit=100)) == names(before)


def test_bbox_in_every_system(http: httpx.Client) -> None:
    # 3号楼 stands at 116.33 E, 39.90 N.
    box = (116.3295, 39.8995, 116.3315, 39.9015)
    assert names(ask(http, bbox=",".join(map(str, box)))) == {"3号楼"}
    for srid in (4326, 4490):                   # their authorities put latitude first
        assert names(ask(http, bbox=f"{box[1]},{box[0]},{box[3]},{box[2]}", bbox_crs=f"{EPSG}{srid}")) == {"3号楼"}
    for srid, north_first in ((4548, True), (3857, False)):
        step = pyproj.Transformer.from_crs(4326, srid, always_xy=True)
        (x0, y0), (x1, y1) = step.transform(box[0], box[1]), step.transform(box[2], box[3])
        text = f"{y0},{x0},{y1},{x1}" if north_first else f"{x0},{y0},{x1},{y1}"
        assert names(ask(http, bbox=text, bbox_crs=f"{EPSG}{srid}")) == {"3号楼"}
    assert names(ask(http, bbox="116.3295,39.8995,-100,116.3315,39.9015,900")) == {"3号楼"}


@pytest.mark.parametrize("srid", [4326, 4490, 4548, 3857])
def test_answers_in_every_system(http: httpx.Client, town: Town, srid: int) -> None:
    answer = http.get(f"{ITEMS}/{town.fids['3号楼']}", params={"crs": f"{EPSG}{srid}"})
    assert answer.headers["content-crs"] == f"<{EPSG}{srid}>"
    corners = shapely.get_coordinates(shapely.geometry.shape(answer.json()["geometry"]))
    # PROJ with the authority's own axis order is the independent route.
    expected = pyproj.Transformer.from_crs("OGC:CRS84", f"EPSG:{srid}").transform(116.33, 39.90)
    assert abs(corners - expected).max(axis=1).min() < (2e-7 if srid in (4326, 4490) else 2e-3)


def test_filters_in_both_languages_and_as_parameters(http: httpx.Client) -> None:
    tall = {name for name, _, _, _, height, _ in BUILDINGS if height > 30}
    assert names(ask(http, filter="height_m > 30", limit=100)) == tall
    assert names(ask(http, filter='{"op":">","args":[{"property":"height_m"},30]}', filter_lang="cql2-json", limit=100)) == tall
    assert names(ask(http, use="office", filter="height_m > 30", limit=100)) == {"12号楼"}
    assert names(ask(http, filter="S_INTERSECTS(geometry, BBOX(116.3295,39.8995,116.3315,39.9015))")) == {"3号楼"}
    assert names(ask(http, filter="S_INTERSECTS(geometry, POINT(39.9005 116.3305))", filter_crs=f"{EPSG}4326")) == {"3号楼"}
    assert names(ask(http, name="5号楼")) == {"5号楼"}


def test_pages_by_cursor_in_any_order(http: httpx.Client) -> None:
    for sortby in (None, "-height_m", "use,-name"):
        whole = ask(http, limit=100, **({"sortby": sortby} if sortby else {})).json()["features"]
        gathered, parameters = [], {"limit": 3} | ({"sortby": sortby} if sortby else {})
        address = httpx.URL(ITEMS, params=parameters)
        for _ in range(10):
            page = http.get(address)
            document = page.json()
            gathered += document["features"]
            following = [link["href"] for link in document["links"] if link["rel"] == "next"]
            assert ("rel=\"next\"" in page.headers.get("link", "")) == bool(following)
            if not following:
                break
            parts = urlsplit(following[0])
            address = f"{parts.path}?{parts.query}"
        assert [f["id"] for f in gathered] == [f["id"] for f in whole]


def test_hits_and_count(http: httpx.Client) -> None:
    hits = ask(http, resulttype="hits", use="office").json()
    assert (hits["numberMatched"], hits["numberReturned"], hits["features"]) == (5, 0, [])
    counted = ask(http, limit=2, count="true").json()
    assert (counted["numberMatched"], counted["numberReturned"]) == (11, 2)
    assert "numberMatched" not in ask(http, limit=2).json()


def test_chosen_properties_and_no_geometry(http: httpx.Client) -> None:
    feature = ask(http, properties="name,height_m", skipGeometry="true", limit=1).json()["features"][0]
    assert feature["geometry"] is None
    assert set(feature["properties"]) == {"name", "height_m", "valid_from", "valid_to", "version"}


def test_limit_above_the_highest_is_the_highest(http: httpx.Client) -> None:
    assert ask(http, limit=10**9).json()["numberReturned"] == 11


@pytest.mark.parametrize(("parameters", "named"), [
    ({"nonsense": "1"}, "nonsense"), ({"bbox": "1,2,3"}, "bbox"), ({"bbox": "a,b,c,d"}, "bbox"), ({"bbox": "3,3,1,1"}, "bbox"),
    ({"bbox": "1,2,nan,4"}, "bbox"), ({"bbox": "116,39,117,95"}, "bbox"), ({"limit": "0"}, "limit"), ({"limit": "ten"}, "limit"),
    ({"datetime": "yesterday"}, "datetime"), ({"datetime": "2020/2010"}, "datetime"), ({"crs": "EPSG:2000"}, "crs"),
    ({"bbox": "1,2,3,4", "bbox-crs": "x"}, "bbox-crs"), ({"filter": "height_m >"}, "filter"), ({"filter": "nix = 1"}, "filter"),
    ({"filter": "height_m > 'tall'"}, "filter"), ({"filter": "true", "filter-lang": "ecql"}, "filter-lang"),
    ({"sortby": "nix"}, "sortby"), ({"properties": "nix"}, "properties"), ({"cursor": "AAAA"}, "cursor"), ({"f": "xml"}, "f"),
    ({"resulttype": "x"}, "resulttype"), ({"height_m": "tall"}, "height_m"), ({"known-at": "x"}, "known-at"),
    ({"skipGeometry": "yes"}, "skipGeometry"), ({"ids": "1,x"}, "ids"), ({"name": "a\x00b"}, "name"),
])
def test_wrong_parameters_are_named(http: httpx.Client, parameters: dict[str, str], named: str) -> None:
    answer = http.get(ITEMS, params=parameters)
    assert answer.status_code == 400, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["parameter"] == named
    chinese = http.get(ITEMS, params=parameters, headers={"Accept-Language": "zh-CN,en;q=0.5"}).json()
    assert chinese["title"] in ("参数有误", "过滤条件有误")
    assert named in chinese["detail"]


def test_a_parameter_twice_is_refused(http: httpx.Client) -> None:
    assert http.get(f"{ITEMS}?limit=1&limit=2").json()["parameter"] == "limit"


def test_one_feature_and_its_validator(http: httpx.Client, town: Town) -> None:
    address = f"{ITEMS}/{town.fids['3号楼']}"
    answer = http.get(address)
    assert answer.json()["properties"]["name"] == "3号楼"
    etag = answer.headers["etag"]
    assert etag.strip('"').split(".")[0] == str(answer.json()["properties"]["version"])
    again = http.get(address, headers={"If-None-Match": etag})
    assert (again.status_code, again.content) == (304, b"")
    assert http.get(address, params={"properties": "name"}).headers["etag"] != etag
    rels = {link["rel"] for link in answer.json()["links"]}
    assert {"self", "alternate", "collection", "version-history"} <= rels


def test_absent_and_ended_features(http: httpx.Client, town: Town) -> None:
    assert http.get(f"{ITEMS}/999999999").status_code == 404
    assert http.get(f"{ITEMS}/abc").status_code == 404
    assert http.get(f"{ITEMS}/99999999999999999999").status_code == 404
    gone = http.get(f"{ITEMS}/{town.fids['2号楼']}")
    assert gone.status_code == 410
    assert gone.json()["type"] == "urn:gis:problem:gone"
    assert http.get(f"{ITEMS}/{town.fids['2号楼']}", params={"datetime": "2012"}).status_code == 200
    assert http.get(f"{ITEMS}/{town.fids['规划楼']}").status_code == 404
    assert http.get("/ogc/collections/nix/items").status_code == 404


def test_versions_on_both_axes(http: httpx.Client, town: Town) -> None:
    versions = http.get(f"{ITEMS}/{town.fids['1号楼']}/versions").json()["versions"]
    believed = [v for v in versions if v["seq_to"] is None]
    assert {(v["properties"]["name"], v["valid_from"], v["valid_to"]) for v in believed} == {
        ("1号楼", "2000", "2010-06"), ("老楼", "2010-06", None)}
    closed = [v for v in versions if v["seq_to"] is not None]
    assert [(v["properties"]["name"], v["valid_to"], v["seq_to"]) for v in closed] == [("1号楼", None, town.seqs["renamed"])]
    then = http.get(f"{ITEMS}/{town.fids['1号楼']}/versions", params={"known-at": town.seqs["buildings"]}).json()["versions"]
    assert [v["properties"]["name"] for v in then] == ["1号楼"]


def test_csv(http: httpx.Client, as_role: As, town: Town) -> None:
    answer = ask(http, f="csv", limit=3, sortby="height_m")
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["name"] for row in rows] == ["老楼", "3号楼", "4号楼"]
    assert shapely.from_wkt(rows[1]["geometry"]).bounds == pytest.approx((116.33, 39.9, 116.331, 39.901))
    assert answer.headers["ogc-numberreturned"] == "3"
    assert 'rel="next"' in answer.headers["link"]
    assert ask(http, f="csv", bom="true", limit=1).content.startswith(b"\xef\xbb\xbfid,")
    made = as_role("editor").post(ITEMS, json={"type": "Feature", "geometry": shapely.geometry.mapping(shapely.box(116.4, 39.99, 116.401, 39.991)),
                                               "properties": {"name": "=1+1", "status": "in_use", "use": "other"}},
                                  headers={"Content-Type": "application/geo+json"})
    assert made.status_code == 201, made.text
    guarded = list(csv.DictReader(io.StringIO(ask(http, f="csv", ids=made.json()["id"]).text)))
    assert guarded[0]["name"] == "'=1+1"
    plain = list(csv.DictReader(io.StringIO(ask(http, f="csv", ids=made.json()["id"], guard="false").text)))
    assert plain[0]["name"] == "=1+1"


def test_head_is_get_without_the_body(http: httpx.Client) -> None:
    got, head = http.get(ITEMS), http.head(ITEMS)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"] == got.headers["content-type"]


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_compression_is_the_same_content(http: httpx.Client, encoding: str) -> None:
    plain = http.get(ITEMS, params={"limit": 11}, headers={"Accept-Encoding": "identity"})
    packed = http.get(ITEMS, params={"limit": 11}, headers={"Accept-Encoding": encoding})
    assert packed.headers["content-encoding"] == encoding
    assert "content-encoding" not in plain.headers
    assert packed.json()["features"] == plain.json()["features"]
    assert "Accept-Encoding" in packed.headers["vary"]
    assert packed.headers["etag"] != plain.headers["etag"]
    again = http.get(ITEMS, params={"limit": 11}, headers={"Accept-Encoding": encoding, "If-None-Match": packed.headers["etag"]})
    assert again.status_code == 304


def test_tables_without_geometry_are_collections_too(http: httpx.Client, as_role: As) -> None:
    answer = as_role("editor").get("/ogc/collections/unit_room/items")
    assert answer.status_code == 200, answer.text
    assert as_role("editor").get("/ogc/collections/unit_room/items", params={"bbox": "1,2,3,4"}).json()["parameter"] == "bbox"
    assert as_role("editor").get("/ogc/collections/unit_room/tiles").status_code == 404
