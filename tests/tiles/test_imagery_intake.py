"""Taking rasters in: what is kept is what was given, and what cannot be kept is refused with its reason and leaves nothing."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio

from layers.errors import Rejected
from tests.tiles.rasters import plane, write
from tiles import coverage_intake
from tiles.coverage_intake import facts_of, take_in

CITY = (116.20, 39.80, 116.62, 40.08)
RNG = np.random.default_rng(7)


def noise(path: Path, crs: str = "EPSG:4326", west: float = 116.3, **profile: object) -> Path:
    return write(path, RNG.integers(1, 255, (3, 1300, 1100)).astype("uint8"), crs, west, 40.0, 0.0001, **profile)


def left(var: Path) -> list[Path]:
    return [path for path in var.rglob("*") if path.is_file() or path.name.startswith(".incoming")]


def test_every_cell_is_kept_in_a_cloud_optimised_file(tmp_path: Path) -> None:
    given, told = noise(tmp_path / "given.tif", nodata=0), []
    raster = take_in(given, tmp_path / "var", "imagery", "image", CITY, progress=lambda *step: told.append(step))
    with rasterio.open(given) as source, rasterio.open(raster.path) as kept:
        assert (kept.read() == source.read()).all() and kept.transform == source.transform and kept.nodata == 0
        assert kept.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG" and kept.overviews(1) == [2, 4] == list(raster.overviews)
        for n, band in enumerate(raster.bands):
            values = source.read(n + 1)
            assert (band.minimum, band.maximum) == (values.min(), values.max())
            assert band.low == pytest.approx(np.percentile(values, 2), abs=2) and band.high == pytest.approx(np.percentile(values, 98), abs=2)
    assert {step for step, _, _ in told} == {"read", "overview", "write"} and all(done <= of for _, done, of in told)
    assert Path(raster.path).parent == tmp_path / "var" / "coverages" / "imagery" and len(left(tmp_path / "var")) == 1
    assert facts_of(raster, "bureau")["attribution"] == "bureau"


def test_a_mask_beside_the_cells_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "masked.tif"
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True):
        noise(path)
        with rasterio.open(path, "r+") as made:
            mask = np.full((1300, 1100), 255, dtype="uint8")
            mask[:100] = 0
            made.write_mask(mask)
    with rasterio.open(take_in(path, tmp_path / "var", "imagery", "image", CITY).path) as kept:
        assert (kept.dataset_mask() == mask).all()


def broken(path: Path) -> Path:
    whole = noise(path, tiled=True, compress="deflate").read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    return path


def text(path: Path) -> Path:
    path.write_text("this is no raster")
    return path


def adrift(path: Path) -> Path:
    with rasterio.open(path, "w", driver="GTiff", width=10, height=10, count=1, dtype="uint8", crs="EPSG:4326"):
        pass
    return path


def without_crs(path: Path) -> Path:
    noise(path)
    with rasterio.open(path, "r+") as made:
        made.crs = rasterio.crs.CRS()
    return path


def palette(path: Path) -> Path:
    with rasterio.open(path, "w", driver="GTiff", width=10, height=10, count=1, dtype="uint8", crs="EPSG:4326", photometric="palette",
                       transform=rasterio.transform.from_origin(116.3, 40, 0.001, 0.001)) as made:
        made.write_colormap(1, {0: (1, 2, 3, 255)})
    return path


def virtual(path: Path) -> Path:
    source = noise(path.with_name("source.tif"))
    target = path.with_suffix(".vrt")
    target.write_text(f'<VRTDataset rasterXSize="10" rasterYSize="10"><VRTRasterBand dataType="Byte" band="1"><SimpleSource>'
                      f'<SourceFilename>{source}</SourceFilename><SourceBand>1</SourceBand></SimpleSource></VRTRasterBand></VRTDataset>')
    return target


def empty(path: Path) -> Path:
    return write(path, np.zeros((1, 50, 50), dtype="uint8"), "EPSG:4326", 116.3, 40.0, 0.001, nodata=0)


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
@pytest.mark.parametrize(("make", "kind", "says"), [
    (broken, "image", "cannot be read to its end"), (text, "image", "no raster that can be read"), (adrift, "image", "not georeferenced"),
    (without_crs, "image", "no coordinate reference system"), (palette, "image", "palette"), (virtual, "image", "no raster that can be read"),
    (empty, "image", "none of its cells has a value"), (noise, "elevation", "one band; this has 3"),
    (lambda path: noise(path, west=20.0), "image", "outside the city"), (lambda path: noise(path, crs="EPSG:32650"), "image", "outside the city"),
    (lambda path: plane(path, lambda x, y: x * 0 - 32768 + y * 0, count=30), "elevation", "no elevations in metres"),
])
def test_what_is_refused_leaves_nothing(tmp_path: Path, make: Callable[[Path], Path], kind: str, says: str) -> None:
    given = make(tmp_path / "given.tif")
    with pytest.raises(Rejected, match=says) as refused:
        take_in(given, tmp_path / "var", "x", kind, CITY)       # type: ignore[arg-type]
    assert left(tmp_path / "var") == [] and str(tmp_path) not in str(refused.value)
    # Both languages of the city say it.
    assert all(any("一" <= letter <= "鿿" for letter in fault.message) for fault in refused.value.faults)


def test_huge_ones_are_refused_before_they_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "huge.tif"
    with rasterio.open(path, "w", driver="GTiff", width=200_000, height=200_000, count=1, dtype="uint8", crs="EPSG:4326", sparse_ok=True, tiled=True,
                       bigtiff="yes", compress="deflate", transform=rasterio.transform.from_origin(116.3, 40, 1e-6, 1e-6)):
        pass
    with pytest.raises(Rejected, match="40,000,000,000 cells"):
        take_in(path, tmp_path / "var", "x", "image", CITY)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: type("Usage", (), {"free": 1000})())
    with pytest.raises(Rejected, match="on disk"):
        take_in(noise(tmp_path / "n.tif"), tmp_path / "var", "x", "image", CITY)
    assert left(tmp_path / "var") == []


def test_what_a_killed_run_left_is_removed(tmp_path: Path) -> None:
    abandoned = tmp_path / "var" / "coverages" / "x" / ".incoming-99999999"
    abandoned.mkdir(parents=True)
    (abandoned / "cells.tif").write_bytes(b"half")
    take_in(noise(tmp_path / "n.tif"), tmp_path / "var", "x", "image", CITY)
    assert not abandoned.exists() and len(left(tmp_path / "var")) == 1


def test_a_failure_while_writing_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(coverage_intake, "copy", full)
    with pytest.raises(Rejected, match="No space left"):
        take_in(noise(tmp_path / "n.tif"), tmp_path / "var", "x", "image", CITY)
    assert left(tmp_path / "var") == []
