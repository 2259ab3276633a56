"""Files that features come from: GeoPackage, GeoParquet, GeoJSON, Shapefile, CityJSON and what else GDAL reads, in chunks."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
import weakref
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
from pyogrio.errors import DataLayerError, DataSourceError
from pyproj import CRS
from pyproj.exceptions import CRSError

from layers.city_source import FOOTPRINT, CityRows
from layers.cityjson import is_cityjson, read_cityjson
from layers.errors import InvalidParameter
from layers.packed import chunks_of
from layers.shapefiles import Shapefile

__all__ = ["Source", "open_source"]

# Endings that are read, and what must follow the file's name so that GDAL looks inside.
VECTOR = (".gpkg", ".geojson", ".geojsonl", ".json", ".shp", ".fgb", ".gml", ".kml", ".kmz", ".csv", ".gpx", ".tab", ".mif", ".dxf",
          ".topojson", ".xlsx")
PARQUET = (".parquet", ".geoparquet")
CHUNK = 20_000
HEAD = 1 << 16
UNPACKED = "gis-import-"
# What an import leaves of the disk for temporary files.
ROOM_LEFT = 1 << 30


@dataclass(frozen=True)
class Source:
    """One layer of a file.

    Attributes
    ----------
    name
        Of the layer in the file.
    fields
        {name: Arrow type}, without the geometry.
    geometry
        Name of the column that holds geometries as WKB, None where there is none; `geometry_type` as the file declares
        it ("Unknown" where it does not).
    crs
        The CRS of the coordinates, None where there is no geometry.
    count
        Number of rows, None where the format does not say.
    city
        Of a CityJSON file: the buildings, in the order of the rows, with their surfaces.
    """

    path: Path
    name: str
    fields: dict[str, pa.DataType]
    geometry: str | None
    geometry_type: str
    crs: CRS | None
    count: int | None
    _open: Callable[[], Any]
    city: CityRows | None = None

    @contextmanager
    def batches(self) -> Iterator[Iterator[pa.RecordBatch]]:
        """Give an iterator of record batches of at most CHUNK rows. Raises InvalidParameter where the file breaks off."""
        with self._open() as reader:
            yield self._checked(reader)

    def _checked(self, reader: Any) -> Iterator[pa.RecordBatch]:
        try:
            yield from reader
        except (pa.ArrowInvalid, OSError, DataSourceError, UnicodeDecodeError) as error:
            raise InvalidParameter("file", f"{self.path.name} cannot be read to its end: {_first_line(error)}") from error


def open_source(path: Path, layer: str | None = None, crs: str | None = None, encoding: str | None = None) -> Source:
    """Look into a file.

    Parameters
    ----------
    path
        A file, also zipped (.zip, one data set inside) or gzipped (.gz).
    layer
        Which layer of the file; needed where it has several.
    crs
        'EPSG:2437' or another name PROJ knows. Needed where the file does not say; replaces what it says.
    encoding
        Of texts in a Shapefile, such as GBK. Needed where the file does not say.

    Raises InvalidParameter that names `file`, `source-layer`, `crs` or `encoding` and says what to give.
    """
    if not path.is_file():
        raise InvalidParameter("file", f"there is no file {path}")
    if path.suffix.lower() in PARQUET:
        return _open_parquet(path, crs)
    if is_cityjson(path):
        return _open_cityjson(path, crs)
    place, unpacked = _unpacked(path, _place_inside(path))
    _refuse_what_only_looks_right(path)
    if place.lower().endswith((".shp", ".shp.zip", ".zip")):
        encoding = Shapefile.find(path, layer).encoding(encoding) if _has_shapefile(path) else encoding
    try:
        layers = [str(name) for name, _ in pyogrio.list_layers(place)]
        name = _choose(layers, layer, path)
        info = pyogrio.read_info(place, layer=name, encoding=encoding)
        with pyogrio.open_arrow(place, layer=name, encoding=encoding, batch_size=1, use_pyarrow=True) as (meta, reader):
            schema = reader.schema
    except (DataSourceError, DataLayerError) as error:
        raise InvalidParameter("file", f"{path.name} cannot be read: {_first_line(error)}") from error
    except UnicodeDecodeError:
        raise InvalidParameter("encoding", f"the texts of {path.name} are not in {encoding or 'the encoding it declares'}; "
                                           "pass --encoding, for Chinese files mostly GBK or UTF-8") from None
    geometry = (meta["geometry_name"] or "wkb_geometry") if info["geometry_type"] else None
    fields = {f.name: f.type for f in schema if f.name != geometry}

    def opened() -> Any:
        return _reading(place, name, encoding)

    if unpacked:
        # The copy lives as long as the source can be read.
        weakref.finalize(opened, shutil.rmtree, unpacked, ignore_errors=True)

    count = int(info["features"])
    return Source(path, name, fields, geometry, str(info["geometry_type"] or "None"),
                  _crs(crs, info["crs"], path) if geometry else None, count if count >= 0 else None, opened)


@contextmanager
def _reading(place: str, layer: str, encoding: str | None) -> Iterator[pa.RecordBatchReader]:
    with pyogrio.open_arrow(place, layer=layer, encoding=encoding, batch_size=CHUNK, use_pyarrow=True) as (_, reader):
        yield reader


def _place_inside(path: Path) -> str:
    """Return the file as GDAL shall open it. Raises InvalidParameter for what is no known kind of file."""
    names = [s.lower() for s in path.suffixes]
    if names[-1:] == [".gz"]:
        return f"/vsigzip/{path}"
    if names[-1:] == [".zip"]:
        try:
            with zipfile.ZipFile(path) as archive:
                inside = [n for n in archive.namelist() if not n.endswith("/") and Path(n).suffix.lower() in (*VECTOR, *PARQUET)]
        except zipfile.BadZipFile:
            raise InvalidParameter("file", f"{path.name} is no zip file, or a damaged one") from None
        if not inside:
            raise InvalidParameter("file", f"there is no data set in {path.name}")
        if any(n.lower().endswith(PARQUET) for n in inside):
            raise InvalidParameter("file", f"unpack {path.name} first: Parquet cannot be read inside a zip file")
        single = [n for n in inside if not n.lower().endswith(".shp")]
        if len(inside) > 1 and single:
            raise InvalidParameter("file", f"{path.name} holds {len(inside)} files ({', '.join(sorted(inside)[:8])}); unpack it and name one")
        return f"/vsizip/{path}/{single[0]}" if single else f"/vsizip/{path}"
    if not names or names[-1] not in VECTOR:
        raise InvalidParameter("file", f"'{path.suffix}' files are not read; known are {' '.join((*VECTOR, *PARQUET))}, each also as .zip or .gz, and "
                                       "CityJSON (.city.json, .city.jsonl), also as .zip or .gz")
    return str(path)


def _unpacked(path: Path, place: str) -> tuple[str, Path | None]:
    """Unpack a zipped GeoPackage: a database is read here and there, and each jump in a zip file unpacks it from its start."""
    if not place.startswith(("/vsizip/", "/vsigzip/")) or ".gpkg" not in place.lower().removesuffix(".zip"):
        return place, None
    _remove_left()
    folder = Path(tempfile.mkdtemp(prefix=f"{UNPACKED}{os.getpid()}-"))
    target = folder / "source.gpkg"
    try:
        with target.open("wb") as file:
            _copy(chunks_of(path, None if place.startswith("/vsigzip/") else place.split(f"{path}/", 1)[1]), file, folder)
    except InvalidParameter:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise InvalidParameter("file", f"{path.name} cannot be unpacked: {_first_line(error)}") from error
    return str(target), folder


def _copy(chunks: Iterator[bytes], target: Any, folder: Path) -> None:
    """Copy what is unpacked. Raises OSError before it fills the disk: a small file may say that it is an endless one."""
    for chunk in chunks:
        if shutil.disk_usage(folder).free < ROOM_LEFT:
            raise OSError(f"it needs more than the room that {folder.parent} has; unpack it where there is room")
        target.write(chunk)


def _remove_left() -> None:
    """Remove copies that killed imports left."""
    for folder in Path(tempfile.gettempdir()).glob(f"{UNPACKED}*"):
        owner = folder.name.removeprefix(UNPACKED).partition("-")[0]
        try:
            os.kill(int(owner), 0)
        except ProcessLookupError:
            shutil.rmtree(folder, ignore_errors=True)
        except (ValueError, PermissionError):
            continue


def _has_shapefile(path: Path) -> bool:
    if path.suffix.lower() == ".shp":
        return True
    if path.suffix.lower() != ".zip":
        return False
    with zipfile.ZipFile(path) as archive:
        return any(n.lower().endswith(".shp") for n in archive.namelist())


def _refuse_what_only_looks_right(path: Path) -> None:
    """Refuse ECharts maps: JSON whose coordinates are packed into strings, which GDAL opens as features without geometry."""
    if path.suffix.lower() != ".json" and path.suffix.lower() != ".geojson":
        return
    with path.open("rb") as file:
        head = file.read(HEAD)
        file.seek(max(0, path.stat().st_size - 4096))
        tail = file.read()
    if re.search(rb'"UTF8Encoding"\s*:\s*true', head + tail):
        raise InvalidParameter("file", f"{path.name} is an ECharts map with packed coordinates (UTF8Encoding), no GeoJSON; "
                                       "decode it first, for instance with the decode function of echarts")


def _choose(layers: list[str], wanted: str | None, path: Path) -> str:
    if wanted is None and len(layers) == 1:
        return layers[0]
    if wanted in layers:
        return str(wanted)
    if not layers:
        raise InvalidParameter("file", f"there is no layer in {path.name}")
    said = f"{path.name} has no layer '{wanted}'" if wanted else f"{path.name} has {len(layers)} layers"
    raise InvalidParameter("source-layer", f"{said}; pass one of: {', '.join(sorted(layers))}")


def _crs(given: str | None, declared: Any, path: Path) -> CRS:
    try:
        if given is not None:
            return CRS.from_user_input(given)
        if declared:
            crs = CRS.from_user_input(declared)
            # GeoPackage's 'Undefined' and MapInfo's 'Nonearth' are ways to say that nobody knows.
            if not crs.name.startswith("Undefined") and (crs.is_geographic or crs.is_projected):
                return crs
    except CRSError:
        raise InvalidParameter("crs", f"'{str(given or declared)[:80]}' is no known coordinate reference system; write EPSG:4490 for instance") from None
    raise InvalidParameter("crs", f"{path.name} does not say in which coordinate reference system it is; pass --crs, "
                                  "for instance --crs EPSG:4490, or EPSG:4548 for metres in zone 117°E")


def _open_parquet(path: Path, crs: str | None) -> Source:
    try:
        file = pq.ParquetFile(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise InvalidParameter("file", f"{path.name} cannot be read: {_first_line(error)}") from error
    schema = file.schema_arrow
    geo = json.loads((schema.metadata or {}).get(b"geo", b"{}"))
    geometry = geo.get("primary_column")
    column = geo.get("columns", {}).get(geometry, {})
    if geometry and column.get("encoding") != "WKB":
        raise InvalidParameter("file", f"{path.name} keeps geometries as '{column.get('encoding')}'; only WKB is read. Write it again "
                                       "with WKB, for instance by GeoPandas")
    # Without a crs member GeoParquet means longitude and latitude; null means that nobody knows.
    declared = column.get("crs", "OGC:CRS84") if geometry else None
    types = {t.removesuffix(" Z") for t in column.get("geometry_types", [])}
    fields = {f.name: f.type for f in schema if f.name != geometry}

    @contextmanager
    def opened() -> Iterator[Iterator[pa.RecordBatch]]:
        with pq.ParquetFile(path) as reading:
            yield reading.iter_batches(batch_size=CHUNK)

    return Source(path, path.stem, fields, geometry, types.pop() if len(types) == 1 else "Unknown" if geometry else "None",
                  _crs(crs, declared, path) if geometry else None, file.metadata.num_rows, opened)


def _open_cityjson(path: Path, crs: str | None) -> Source:
    city = CityRows(read_cityjson(path, crs))
    table = city.table()

    @contextmanager
    def opened() -> Iterator[Iterator[pa.RecordBatch]]:
        yield iter(table.to_batches(max_chunksize=CHUNK))

    fields = {f.name: f.type for f in table.schema if f.name != FOOTPRINT}
    return Source(path, "Building", fields, FOOTPRINT, "MultiPolygon", city.model.crs, table.num_rows, opened, city)


def _first_line(error: BaseException) -> str:
    line = (str(error).strip().splitlines() or [type(error).__name__])[0]
    # GDAL tells where in its own source an error was noticed, which helps nobody here.
    return re.sub(r"^/\S+\.cpp, \d+: ", "", line)[:300]
