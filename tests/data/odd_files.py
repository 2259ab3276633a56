"""Odd files, made by code: Shapefiles without encoding, broken rings, mixed geometries, long Chinese columns, packed maps."""

from __future__ import annotations

import gzip
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import geopandas
import shapely
from shapely.geometry import GeometryCollection, LineString, MultiPolygon, Point, Polygon, box

BOWTIE = Polygon([(116.3, 39.9), (116.31, 39.91), (116.31, 39.9), (116.3, 39.91)])
LONG = "神田川流域洪水浸水想定区域（想定最大規模）>浸水ランク"
LONGER = "神田川流域洪水浸水想定区域（想定最大規模）>浸水深"


def square(i: int, side: float = 0.001, z: float | None = None) -> Polygon:
    """Return the i-th square of a row that do not touch, inside the demo city."""
    made = box(116.30 + i * 0.002, 39.90, 116.30 + i * 0.002 + side, 39.90 + side)
    return shapely.force_3d(made, z) if z is not None else made


def frame(rows: Sequence[dict[str, Any]], geometries: Sequence[Any], crs: str | None = "EPSG:4326") -> geopandas.GeoDataFrame:
    """Return a GeoDataFrame; columns are as in the rows."""
    return geopandas.GeoDataFrame(list(rows), geometry=list(geometries), crs=crs)


def mixed() -> geopandas.GeoDataFrame:
    """Return rows of which the first three fit a layer of polygons, and each other one fails for its own reason."""
    kinds: list[tuple[str, Any]] = [
        ("polygon", square(0)), ("multipolygon", MultiPolygon([square(1), square(2)])), ("heights", square(3, z=12)),
        ("bowtie", BOWTIE), ("nothing", None), ("empty", Polygon()), ("line", LineString([(116.3, 39.9), (116.4, 39.9)])),
        ("collection", GeometryCollection([square(4), Point(116.3, 39.9)])), ("far", box(0, 0, 1, 1))]
    return frame([{"no": name, "storeys": i, "note": f"第 {i} 行"} for i, (name, _) in enumerate(kinds)], [g for _, g in kinds])


def write_gbk_shapefile(folder: Path, code_page: bool = False, projection: bool = False) -> Path:
    """Write a zipped Shapefile in GBK with Chinese field names whose .dbf does not name an encoding."""
    places = frame([{"区划代码": "110101", "名称": "东城区", "备注": "中心城区、首批"}, {"区划代码": "110102", "名称": "西城区", "备注": None}],
                   [square(0), square(1)])
    shape = folder / "区县.shp"
    places.to_file(shape, encoding="GBK", engine="pyogrio")
    table = bytearray(shape.with_suffix(".dbf").read_bytes())
    table[29] = 0
    shape.with_suffix(".dbf").write_bytes(table)
    left_out = {".cpg"} - ({".cpg"} if code_page else set()) | ({".prj"} - ({".prj"} if projection else set()))
    packed = folder / "gbk.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for part in sorted(folder.glob("区县.*")):
            if part.suffix not in left_out:
                archive.write(part, part.name)
    return packed


def write_geojson(path: Path, features: Sequence[tuple[dict[str, Any], Any]], **more: Any) -> Path:
    """Write GeoJSON by hand, gzipped where the name ends so."""
    text = json.dumps({"type": "FeatureCollection", **more, "features": [
        {"type": "Feature", "properties": properties, "geometry": None if geometry is None else shapely.geometry.mapping(geometry)}
        for properties, geometry in features]}, ensure_ascii=False)
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text, "utf-8")
    return path


def write_packed_map(path: Path) -> Path:
    """Write an ECharts map, whose coordinates are strings."""
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [{
        "type": "Feature", "id": "110101", "properties": {"name": "东城区"},
        "geometry": {"type": "Polygon", "coordinates": ["@@ÓÓ@@"], "encodeOffsets": [[119000, 40000]]}}], "UTF8Encoding": True},
        ensure_ascii=False), "utf-8")
    return path
