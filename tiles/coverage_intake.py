"""Taking a raster into the city: checked cell by cell, kept as a cloud-optimised GeoTIFF with overviews; or refused with a reason."""

from __future__ import annotations

import math
import os
import secrets
import shutil
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import rasterio
from rasterio.enums import ColorInterp, MaskFlags, Resampling
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.io import DatasetReader
from rasterio.shutil import copy
from rasterio.windows import Window

from layers.crs import transformer
from layers.errors import Fault, Rejected
from tiles.coverages import SAMPLED_CELLS, BandFacts, Raster, band_facts, describe_raster

__all__ = ["DRIVERS", "MOST_CELLS", "facts_of", "take_in"]

Progress = Callable[[str, int, int], None]
# What may be read. Formats that point at other files (VRT) or at the network are not among them.
DRIVERS = ("GTiff", "COG", "SRTMHGT", "HFA", "JP2OpenJPEG", "AAIGrid", "PNG", "JPEG")
MOST_CELLS, MOST_BANDS = 20_000_000_000, 32
BLOCK, CHUNK = 512, 2048
# A cell of elevation is between the deepest trench and the highest mountain, with some room.
LOWEST_M, HIGHEST_M = -12_000.0, 9_500.0


def take_in(file: Path, var: Path, layer_id: str, kind: Literal["image", "elevation"], extent: tuple[float, float, float, float] | None,
            nodata: float | None = None, progress: Progress | None = None) -> Raster:
    """Check a raster and keep a copy of it below the city's folder.

    Parameters
    ----------
    kind
        What it is taken for: an elevation model has one band of metres.
    extent
        The rectangle in CRS84 that it must meet; None takes any place.
    nodata
        The value of cells without one, where the file does not say.
    progress
        Called as progress(step, done, total), steps `read`, `overview` and `write`.

    Returns the raster; its path is below `var`. Raises Rejected with every reason at once; then nothing of it is left.
    """
    tell = progress or _silent
    with _opened(file) as source:
        _refuse(_faults(source, kind, extent, nodata, var))
        name = f"{secrets.token_hex(6)}.tif"
        folder = var / "coverages" / layer_id
        _remove_abandoned(folder)
        incoming = folder / f".incoming-{os.getpid()}"
        incoming.mkdir(parents=True, exist_ok=True)
        try:
            bands = _copied(source, incoming / "cells.tif", nodata, tell)
            _refuse(_faults_of_values(bands, kind))
            _add_overviews(incoming / "cells.tif", kind, tell)
            tell("write", 0, 1)
            copy(incoming / "cells.tif", incoming / name, driver="COG", COMPRESS="DEFLATE", LEVEL="6", BLOCKSIZE=str(BLOCK),
                 OVERVIEWS="AUTO", PREDICTOR="YES", NUM_THREADS="1", BIGTIFF="IF_SAFER")
            with rasterio.open(incoming / name) as made:
                described = describe_raster(made, str(folder / name), name)
            assert described is not None
            # Those of the copy would be taken from its overviews, whose cells are means.
            raster = replace(described, bands=tuple(bands))
            os.replace(incoming / name, folder / name)
            tell("write", 1, 1)
        except (RasterioError, OSError) as error:
            raise _refusal(f"it cannot be read to its end, or not be written: {_last(error)}", f"无法读完或无法写入：{_last(error)}") from None
        finally:
            shutil.rmtree(incoming, ignore_errors=True)
    return raster


def facts_of(raster: Raster, attribution: str | None = None) -> dict[str, Any]:
    """Return what the store notes of a raster that was taken in."""
    return {"srid": raster.srid, "grid": raster.grid, "width": raster.width, "height": raster.height, "overviews": raster.overviews,
            "bands": [asdict(band) for band in raster.bands]} | ({"attribution": attribution} if attribution else {})


def _silent(step: str, done: int, total: int) -> None:
    pass


def _last(error: BaseException) -> str:
    """Return what a library says, without the place on this machine."""
    text = str(error.__cause__ or error).strip().splitlines()
    return text[-1].rpartition("/")[2][:200] if text else type(error).__name__


def _fault(english: str, chinese: str) -> Fault:
    return Fault("raster", f"{english} · {chinese}")


def _refusal(english: str, chinese: str) -> Rejected:
    return Rejected([_fault(english, chinese)])


def _refuse(faults: list[Fault]) -> None:
    if faults:
        raise Rejected(faults)


@contextmanager
def _opened(file: Path) -> Iterator[DatasetReader]:
    said = []
    for driver in DRIVERS:
        try:
            source = _open(file, driver)
        except (RasterioError, OSError) as error:
            if "not recognized" not in str(error):
                said.append(_last(error))
            continue
        with source:
            yield source
        return
    raise _refusal("; ".join([f"it is no raster that can be read ({', '.join(DRIVERS)})", *said[:1]]),
                   "；".join([f"不是可读取的栅格文件（{'、'.join(DRIVERS)}）", *said[:1]]))


def _open(file: Path, driver: str) -> DatasetReader:
    with warnings.catch_warnings():
        # That it is not georeferenced is told as a reason.
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        return rasterio.open(file, driver=driver)


def _faults(source: DatasetReader, kind: str, extent: tuple[float, float, float, float] | None, nodata: float | None, var: Path) -> list[Fault]:
    found = []
    if source.count == 0 or source.count > MOST_BANDS:
        found.append(_fault(f"it has {source.count} bands; from 1 to {MOST_BANDS} are taken", f"有 {source.count} 个波段；可接受 1 至 {MOST_BANDS} 个"))
    if any(dtype.startswith("complex") for dtype in source.dtypes):
        found.append(_fault("its cells are complex numbers", "像元为复数"))
    if len(set(source.dtypes)) > 1:
        found.append(_fault(f"its bands are of several types: {', '.join(source.dtypes)}", f"各波段数据类型不同：{'、'.join(source.dtypes)}"))
    if ColorInterp.palette in source.colorinterp:
        found.append(_fault("its colours are a palette; write them out with gdal_translate -expand rgb", "颜色为调色板索引；请先用 gdal_translate -expand rgb 展开"))
    if kind == "elevation" and source.count != 1:
        found.append(_fault(f"an elevation model has one band; this has {source.count}", f"高程模型应只有一个波段，此文件有 {source.count} 个"))
    cells = source.width * source.height
    if cells > MOST_CELLS:
        found.append(_fault(f"it has {cells:,} cells; at most {MOST_CELLS:,} are taken: cut it into tiles", f"共 {cells:,} 个像元，最多 {MOST_CELLS:,} 个：请先分幅"))
    else:
        # Cells as they are and the finished file side by side, with overviews.
        needed = math.ceil(cells * sum(np.dtype(d).itemsize for d in source.dtypes if not d.startswith("complex")) * 4 / 3 * 1.6)
        var.mkdir(parents=True, exist_ok=True)
        if needed > (free := shutil.disk_usage(var).free):
            found.append(_fault(f"it may need {needed / 1e9:.1f} GB on disk; {free / 1e9:.1f} GB are free", f"可能需要 {needed / 1e9:.1f} GB 磁盘空间，仅剩 {free / 1e9:.1f} GB"))
    if source.transform.is_identity:
        found.append(_fault("it is not georeferenced: it does not say where its cells lie", "没有地理定位：文件未说明像元位置"))
    if source.crs is None or (srid := source.crs.to_epsg()) is None:
        found.append(_fault("it has no coordinate reference system with an EPSG code; reproject it, or say which it is with gdal_edit -a_srs",
                            "没有带 EPSG 代码的坐标系；请先重投影，或用 gdal_edit -a_srs 注明"))
    elif not source.transform.is_identity and extent is not None and not _meets(source, srid, extent):
        found.append(_fault("it lies outside the city (--anywhere takes it all the same)", "位于城市范围之外（--anywhere 可强制接收）"))
    if nodata is not None and source.dtypes and not np.dtype(source.dtypes[0]).kind == "f" and nodata != int(nodata):
        found.append(_fault(f"nodata {nodata} is no value of {source.dtypes[0]}", f"nodata {nodata} 不是 {source.dtypes[0]} 的取值"))
    return found


def _meets(source: DatasetReader, srid: int, extent: tuple[float, float, float, float]) -> bool:
    box = transformer(srid, 4326).transform_bounds(*source.bounds)
    return all(math.isfinite(v) for v in box) and box[0] < extent[2] and box[2] > extent[0] and box[1] < extent[3] and box[3] > extent[1]


def _faults_of_values(bands: list[BandFacts], kind: str) -> list[Fault]:
    if all(band.minimum > band.maximum for band in bands):
        return [_fault("none of its cells has a value", "所有像元均无值")]
    low, high = bands[0].minimum, bands[0].maximum
    if kind == "elevation" and (low < LOWEST_M or high > HIGHEST_M):
        return [_fault(f"its values reach from {low:g} to {high:g}: these are no elevations in metres, or cells without one are not marked (--nodata)",
                       f"取值范围 {low:g} 至 {high:g}：不是以米计的高程，或无值像元未标明（--nodata）")]
    return []


def _copied(source: DatasetReader, path: Path, nodata: float | None, tell: Progress) -> list[BandFacts]:
    """Copy every cell, which proves that each can be read; return the facts of each band (minimum above maximum where it has no value)."""
    nodata = source.nodata if nodata is None else nodata
    has_mask = MaskFlags.per_dataset in source.mask_flag_enums[0] and MaskFlags.alpha not in source.mask_flag_enums[0]
    profile = {"driver": "GTiff", "width": source.width, "height": source.height, "count": source.count, "dtype": source.dtypes[0],
               "crs": source.crs, "transform": source.transform, "nodata": nodata, "tiled": True, "blockxsize": BLOCK, "blockysize": BLOCK,
               "compress": "deflate", "zlevel": 1, "bigtiff": "if_safer"}
    extremes = [(math.inf, -math.inf)] * source.count
    samples: list[list[np.ndarray]] = [[] for _ in source.indexes]
    step = max(1, math.ceil(math.sqrt(source.width * source.height / SAMPLED_CELLS)))
    windows = [Window(col, row, min(CHUNK, source.width - col), min(CHUNK, source.height - row))
               for row in range(0, source.height, CHUNK) for col in range(0, source.width, CHUNK)]
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "w", **profile) as made:
        made.colorinterp = source.colorinterp
        for n in source.indexes:
            if source.descriptions[n - 1]:
                made.set_band_description(n, source.descriptions[n - 1])
        for done, window in enumerate(windows):
            cells = source.read(window=window)
            for n, band in enumerate(cells):
                known = np.ma.masked_invalid(band if nodata is None else np.ma.masked_equal(band, nodata))
                samples[n].append(known[::step, ::step])
                seen = known.compressed()
                if seen.size:
                    extremes[n] = min(extremes[n][0], float(seen.min())), max(extremes[n][1], float(seen.max()))
            made.write(cells, window=window)
            if has_mask:
                made.write_mask(source.dataset_mask(window=window), window=window)
            tell("read", done + 1, len(windows))
    return [replace(band_facts(source.dtypes[n], samples[n]), minimum=low, maximum=high) for n, (low, high) in enumerate(extremes)]


def _add_overviews(path: Path, kind: str, tell: Progress) -> None:
    with rasterio.open(path, "r+") as made:
        steps = max(0, math.ceil(math.log2(max(made.width, made.height) / BLOCK))) if max(made.width, made.height) > BLOCK else 0
        for n in range(steps):
            made.build_overviews([2 ** (n + 1)], Resampling.average)
            tell("overview", n + 1, steps)


def _remove_abandoned(folder: Path) -> None:
    """Remove what runs that were killed have left."""
    for left in folder.glob(".incoming-*"):
        if not Path("/proc", left.name.partition("-")[2]).exists():
            shutil.rmtree(left, ignore_errors=True)
