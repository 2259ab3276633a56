"""The small parts of the service, each alone."""

from __future__ import annotations

import gzip
import re
import string
from typing import Any

import pytest
import zstandard
from starlette.responses import Response

from config.settings import ROOT
from gisserver import asgi
from gisserver import errors as service_errors
from gisserver.compress import SMALLEST_BYTES, compress, encoding_for, strip_encoding
from gisserver.errors import CODE_OF_STATUS, STATUS, answer_error, code_of, status_of
from gisserver.language import preferred_language
from gisserver.metrics import Metrics
from gisserver.ogc.bodies import swap_axes
from gisserver.ogc.formats import csv_page
from gisserver.ogc.preview import preview
from gisserver.page_words import WORDS
from gisserver.parameters import Parameters
from gisserver.wording import DETAILS_ZH, FAULTS_ZH, SENTENCES, TITLES, WrongParameter
from layers import errors


@pytest.mark.parametrize(("accept", "chosen"), [
    ("gzip", "gzip"), ("zstd", "zstd"), ("gzip, zstd", "zstd"), ("gzip;q=1, zstd;q=0.5", "gzip"), ("br", None), ("", None), ("*", "zstd"),
    ("gzip;q=0", None), ("identity", None), ("identity;q=1, gzip;q=0.5", None), ("gzip;q=x", None), ("*;q=0", None), ("GZIP", "gzip")])
def test_encoding_by_accept(accept: str, chosen: str | None) -> None:
    assert encoding_for(accept) == chosen


@pytest.mark.parametrize(("encoding", "unpack"), [("gzip", gzip.decompress), ("zstd", zstandard.ZstdDecompressor().decompress)])
def test_compression(encoding: str, unpack: Any) -> None:
    body = b'{"a":1}' * 1000
    packed = compress(Response(body, headers={"ETag": '"x"'}, media_type="application/json"), encoding)
    assert unpack(bytes(packed.body)) == body
    assert packed.headers["content-length"] == str(len(packed.body))
    assert strip_encoding(packed.headers["etag"]) == '"x"'


@pytest.mark.parametrize(("body", "kind"), [(b"x" * (SMALLEST_BYTES - 1), "application/json"), (b"x" * 9999, "image/png"),
                                            (bytes(range(256)) * 40, "application/pdf")])
def test_no_compression_where_it_does_not_pay(body: bytes, kind: str) -> None:
    assert "content-encoding" not in compress(Response(body, media_type=kind), "gzip").headers


def test_parameters_are_taken_or_refused() -> None:
    p = Parameters(b"limit=5&flag=true&x=%E4%BD%A0")
    assert (p.take_integer("limit", 10, 1, 100), p.take_flag("flag"), p.take("x"), p.take("absent")) == (5, True, "你", None)
    p.finish()
    with pytest.raises(WrongParameter) as caught:
        Parameters(b"limit=5&limti=6").finish()
    assert caught.value.parameter in ("limit", "limti")
    Parameters(b"f=json&lang=zh&key=secret").finish()
    for query in (b"a=1&a=2", b"a=%00", b"a=%ff", "a=ü".encode(), b"&".join(b"a%d=1" % i for i in range(300))):
        with pytest.raises(WrongParameter):
            Parameters(query).finish()


def test_the_key_is_never_told() -> None:
    with pytest.raises(WrongParameter) as caught:
        Parameters(b"key=gisk_secret&nix=1").finish()
    assert "secret" not in str(caught.value) + caught.value.chinese


@pytest.mark.parametrize("text", ["", " 5", "5.0", "0x10", "٥", "1" * 19, "1e3"])
def test_what_is_no_whole_number(text: str) -> None:
    with pytest.raises(WrongParameter):
        Parameters(f"n={text.replace(' ', '%20')}".encode()).take_integer("n", 0, 0, 10) if text.isascii() else \
            Parameters(b"n=%D9%A5").take_integer("n", 0, 0, 10)


@pytest.mark.parametrize(("header", "query", "expected"), [
    ("zh-CN,en;q=0.8", "", "zh"), ("fr, en;q=0.3, zh;q=0.5", "", "zh"), ("fr", "", "en"), ("", "", "en"), ("zh", "lang=en", "en"),
    ("en", "f=html&lang=zh", "zh"), ("en", "xlang=zh", "en"), ("zh;q=x", "", "en")])
def test_language(header: str, query: str, expected: str) -> None:
    scope = {"headers": [(b"accept-language", header.encode())], "query_string": query.encode()}
    assert preferred_language(scope) == expected


def tree(kind: type) -> set[type]:
    return {kind}.union(*(tree(child) for child in kind.__subclasses__()))


def test_every_error_has_a_status_and_words_in_both_languages() -> None:
    ours = {kind for kind in tree(errors.StoreError) if kind.__module__.startswith(("layers", "tiles", "gisserver"))}
    bare = {errors.StoreError, service_errors.CarriedProblem}
    assert {kind.__name__ for kind in ours - bare if not any(issubclass(kind, known) for known, _, _ in STATUS)} == set()
    codes = {code for _, _, code in STATUS} | set(CODE_OF_STATUS.values()) | {"internal", "bad-request"}
    assert codes == set(TITLES)
    assert asgi.create_app            # with it every error of the service is there
    names = {kind.__name__ for kind in ours}
    assert set(DETAILS_ZH) <= names
    for english, chinese in (*SENTENCES.values(), *TITLES.values()):
        assert {f for _, f, _, _ in string.Formatter().parse(english) if f} == {f for _, f, _, _ in string.Formatter().parse(chinese) if f}
        assert any("\u4e00" <= c <= "\u9fff" for c in chinese)
    assert WORDS["zh"].keys() == WORDS["en"].keys()


def test_every_code_of_a_fault_is_said_in_chinese() -> None:
    found = set()
    for path in (ROOT / "layers" / "sql").glob("1*_*.sql"):
        found |= set(re.findall(r"gis\.fault\('+([a-z_]+)'+", path.read_text("utf-8")))
        found |= set(re.findall(r"SELECT '([a-z_]+)', format\(", path.read_text("utf-8")))
    assert len(found) > 15
    assert found <= set(FAULTS_ZH)


def test_inner_failures_are_not_told() -> None:
    scope = {"method": "GET", "path": "/x", "headers": [], "query_string": b"", "state": {"request_id": "r-1"}}
    answer = answer_error(scope, RuntimeError("password=hunter2"))
    assert answer.status_code == 500
    assert b"hunter2" not in bytes(answer.body)
    assert b"r-1" in bytes(answer.body)
    assert (status_of(errors.Gone("l", 1)), code_of(errors.InvalidFilter("x"))) == (410, "invalid-filter")


def test_details_stand_beside_the_detail() -> None:
    scope = {"method": "GET", "path": "/x", "headers": [(b"accept-language", b"zh")], "query_string": b""}
    body = bytes(answer_error(scope, errors.Conflict("building", 7, 1, 2, {"id": 7})).body).decode()
    assert '"theirs":{"id":7}' in body
    assert "已被他人修改" in body


def test_metrics_are_prometheus_text() -> None:
    metrics = Metrics()
    for seconds in (0.0005, 0.003, 99):
        metrics.count("/x", "GET", 200, seconds)
    text = metrics.text([("gis_seq", "Newest.", 5)])
    assert 'gis_requests_total{route="/x",method="GET",status="200"} 3' in text
    assert 'gis_request_seconds_bucket{route="/x",le="0.001"} 1' in text
    assert 'gis_request_seconds_bucket{route="/x",le="0.005"} 2' in text
    assert 'gis_request_seconds_bucket{route="/x",le="+Inf"} 3' in text
    assert "gis_seq 5" in text


def test_swapping_axes() -> None:
    assert swap_axes({"type": "Point", "coordinates": [1, 2, 3]})["coordinates"] == [2, 1, 3]
    nested = {"type": "GeometryCollection", "geometries": [{"type": "LineString", "coordinates": [[1, 2], [3, 4]]}]}
    assert swap_axes(nested)["geometries"][0]["coordinates"] == [[2, 1], [4, 3]]
    for odd in (None, 5, {"type": "Point"}, {"coordinates": []}, {"coordinates": [1]}, {"geometries": None}):
        swap_axes(odd)


def test_preview_draws_what_there_is() -> None:
    assert preview([]) is None
    assert preview([{"id": 1, "geometry": None}]) is None
    drawn = preview([{"id": 1, "geometry": {"type": "Point", "coordinates": [116, 40]}},
                     {"id": 2, "geometry": {"type": "MultiPolygon", "coordinates": [[[[116, 40], [117, 40], [117, 41], [116, 40]]]]}},
                     {"id": 3, "geometry": {"type": "GeometryCollection", "geometries": [
                         {"type": "LineString", "coordinates": [[116, 40], [117, 41]]}]}}])
    assert drawn is not None
    assert (len(drawn.points), len(drawn.areas), len(drawn.lines)) == (1, 1, 1)
    assert drawn.bbox == (116, 40, 117, 41)


def test_csv_of_nothing(catalogue: Any, owner: Any) -> None:
    from layers.query import ItemQuery
    layer = catalogue.layer("building")
    text = csv_page(layer, ItemQuery(layer, owner), [], bom=False, guard=True).decode()
    assert text.startswith("id,source_id,name,")
    assert text.endswith(",valid_from,valid_to,version,geometry\r\n")
