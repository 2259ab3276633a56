"""Files are opened as what they are; what they do not say is asked for by the name of the option that says it."""

from __future__ import annotations

import gzip
import os
import shutil
import tempfile
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from layers.errors import InvalidParameter
from layers.sources import Source, open_source
from tests.data.odd_files import frame, square, write_gbk_shapefile, write_geojson, write_packed_map


def values(source: Source, column: str) -> list[object]:
    with source.batches() as chunks:
        return [value for chunk in chunks for value in chunk.column(column).to_pylist()]


@pytest.fixture
def package(tmp_path: Path) -> Path:
    path = tmp_path / "two.gpkg"
    frame([{"名称": "甲"}], [square(0)]).to_file(path, layer="地块")
    frame([{"name": "a"}, {"name": "b"}], [square(0), square(1)]).to_file(path, layer="plots")
    return path


def test_layers_are_chosen_by_name(package: Path) -> None:
    with pytest.raises(InvalidParameter, match=r"'source-layer'.*two.gpkg has 2 layers; pass one of: plots, 地块"):
        open_source(package)
    with pytest.raises(InvalidParameter, match=r"'source-layer'.*no layer 'x'"):
        open_source(package, "x")
    source = open_source(package, "地块")
    assert (source.name, source.count, source.geometry_type, source.crs.to_epsg() if source.crs else None) == ("地块", 1, "Polygon", 4326)
    assert list(source.fields) == ["名称"] and values(source, "名称") == ["甲"]


def test_packed_files_are_looked_into(package: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "p.zip", "w") as archive:
        archive.write(package, "folder/two.gpkg")
    assert values(open_source(tmp_path / "p.zip", "plots"), "name") == ["a", "b"]
    with package.open("rb") as file, gzip.open(tmp_path / "two.gpkg.gz", "wb") as packed:
        shutil.copyfileobj(file, packed)
    source = open_source(tmp_path / "two.gpkg.gz", "plots")
    assert values(source, "name") == values(source, "name") == ["a", "b"]
    copies = list(Path(tempfile.gettempdir()).glob(f"gis-import-{os.getpid()}-*"))
    assert copies
    del source
    assert not any(copy.exists() for copy in copies)
    assert values(open_source(write_geojson(tmp_path / "g.geojson.gz", [({"a": "甲"}, square(0))])), "a") == ["甲"]
    with zipfile.ZipFile(tmp_path / "q.zip", "w") as archive:
        archive.write(package, "one.gpkg")
        archive.write(package, "two.gpkg")
    with pytest.raises(InvalidParameter, match="holds 2 files"):
        open_source(tmp_path / "q.zip")


def test_a_packed_database_that_is_damaged_or_has_no_end_is_told(package: Path, tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(package.read_bytes()))
    packed[len(packed) // 2:] = b"\xff" * 2000
    (tmp_path / "bad.gpkg.gz").write_bytes(packed)
    with pytest.raises(InvalidParameter, match=r"'file'.*bad.gpkg.gz cannot be unpacked"):
        open_source(tmp_path / "bad.gpkg.gz", "plots")
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("a.gpkg", b" " * (64 << 20))
    with pytest.raises(InvalidParameter, match=r"'file'.*bomb.zip is packed otherwise than by 'deflate'"):
        open_source(tmp_path / "bomb.zip")
    assert not list(Path(tempfile.gettempdir()).glob(f"gis-import-{os.getpid()}-*"))


def test_what_is_no_source_is_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidParameter, match="'file': there is no file"):
        open_source(tmp_path / "nowhere.gpkg")
    for name, content, said in [("a.doc", b"x", "files are not read"), ("a.gpkg", b"not a database", "cannot be read"),
                                ("a.zip", b"PK\x05\x06", "no zip file"), ("a.geojson", b'{"type": "Feature', "cannot be read"),
                                ("a.parquet", b"PAR1", "cannot be read")]:
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InvalidParameter, match=f"'file'.*{said}") as error:
            open_source(tmp_path / name)
        assert ".cpp" not in str(error.value)
    with zipfile.ZipFile(tmp_path / "e.zip", "w") as archive:
        archive.writestr("read.me", "nothing")
    with pytest.raises(InvalidParameter, match=r"no data set in e\.zip"):
        open_source(tmp_path / "e.zip")


def test_packed_maps_are_no_features(tmp_path: Path) -> None:
    with pytest.raises(InvalidParameter, match="ECharts map with packed coordinates"):
        open_source(write_packed_map(tmp_path / "beijing.json"))


def test_shapefiles_say_their_encoding_or_are_asked(tmp_path: Path) -> None:
    path = write_gbk_shapefile(tmp_path)
    with pytest.raises(InvalidParameter, match=r"'encoding'.*pass --encoding.*GB18030"):
        open_source(path)
    with pytest.raises(InvalidParameter, match="'encoding'.*not in UTF-8; they can be read as GB18030"):
        open_source(path, crs="EPSG:4490", encoding="UTF-8")
    with pytest.raises(InvalidParameter, match="'encoding'.*no known encoding"):
        open_source(path, encoding="GBKK")
    with pytest.raises(InvalidParameter, match="'crs'.*pass --crs"):
        open_source(path, encoding="GBK")
    source = open_source(path, encoding="GBK", crs="EPSG:4490")
    assert list(source.fields) == ["区划代码", "名称", "备注"] and values(source, "备注") == ["中心城区、首批", None]
    said = open_source(write_gbk_shapefile(tmp_path, code_page=True, projection=True))
    assert values(said, "名称") == ["东城区", "西城区"]


def test_a_code_page_that_lies_is_found_out(tmp_path: Path) -> None:
    path = write_gbk_shapefile(tmp_path, projection=True)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("区县.cpg", "UTF-8")
    with pytest.raises(InvalidParameter, match="not in UTF-8; they can be read as GB18030"):
        open_source(path)


def test_loose_shapefiles_are_read_with_what_lies_beside_them(tmp_path: Path) -> None:
    write_gbk_shapefile(tmp_path)
    assert values(open_source(tmp_path / "区县.shp"), "名称") == ["东城区", "西城区"]
    (tmp_path / "区县.cpg").unlink()
    with pytest.raises(InvalidParameter, match="'encoding'"):
        open_source(tmp_path / "区县.shp")


def test_geoparquet(tmp_path: Path) -> None:
    rows = frame([{"n": 1}], [square(0)], "EPSG:4548")
    rows.to_parquet(tmp_path / "a.parquet")
    source = open_source(tmp_path / "a.parquet")
    assert (source.geometry, source.count, source.crs.to_epsg() if source.crs else None, list(source.fields)) == ("geometry", 1, 4548, ["n"])
    rows.set_crs(None, allow_override=True).to_parquet(tmp_path / "b.parquet")
    with pytest.raises(InvalidParameter, match="'crs'"):
        open_source(tmp_path / "b.parquet")
    rows.to_parquet(tmp_path / "c.parquet", geometry_encoding="geoarrow", schema_version="1.1.0")
    with pytest.raises(InvalidParameter, match="only WKB is read"):
        open_source(tmp_path / "c.parquet")
    pq.write_table(pa.table({"a": [1, 2]}), tmp_path / "d.parquet")
    plain = open_source(tmp_path / "d.parquet")
    assert (plain.geometry, plain.crs, values(plain, "a")) == (None, None, [1, 2])


def test_a_file_that_breaks_off_is_told(tmp_path: Path) -> None:
    path = tmp_path / "cut.parquet"
    frame([{"n": i} for i in range(30_000)], [square(0)] * 30_000).to_parquet(path, row_group_size=5000)
    whole = path.read_bytes()
    # What stands in the middle of a row group is lost, the index at the end is there.
    path.write_bytes(whole[:len(whole) // 2] + b"\x00" * 2000 + whole[len(whole) // 2 + 2000:])
    source = open_source(path)
    with pytest.raises(InvalidParameter, match=r"'file'.*cut\.parquet cannot be read to its end"):
        values(source, "geometry")
