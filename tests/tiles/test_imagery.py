"""Pictures of rasters: which colour lies where, what is transparent, how numbers become grey, which file lies on top."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import rasterio
from PIL import Image
from rasterio.warp import Resampling, reproject

from layers.crs import transformer
from layers.errors import InvalidParameter
from tests.tiles.rasters import read, tile_at, write
from tiles.imagery import Look, encode, picture

WEST, NORTH, CELL = 116.30, 40.00, 0.0001
COLOURS = {(0, 0): (200, 10, 10), (0, 1): (10, 200, 10), (1, 0): (10, 10, 200), (1, 1): (0, 90, 0)}


def quarters(path: Path, **profile: object) -> Path:
    """Four coloured quarters of 100 by 100 cells; a square of 20 cells in the middle is empty (all bands 0)."""
    cells = np.zeros((3, 200, 200), dtype="uint8")
    for (row, col), colour in COLOURS.items():
        cells[:, row * 100:row * 100 + 100, col * 100:col * 100 + 100] = np.array(colour)[:, None, None]
    cells[:, 90:110, 90:110] = 0
    return write(path, cells, "EPSG:4490", WEST, NORTH, CELL, nodata=0, **profile)


def pixel_of(box: tuple[float, float, float, float], lon: float, lat: float, side: int = 256) -> tuple[int, int]:
    x, y = transformer(4326, 3857).transform(lon, lat)
    return int((box[3] - y) / (box[3] - box[1]) * side), int((x - box[0]) / (box[2] - box[0]) * side)


def test_colours_lie_where_they_are_and_emptiness_is_transparent(tmp_path: Path) -> None:
    rasters = read(quarters(tmp_path / "q.tif"))
    box = tile_at(14, WEST + 100 * CELL, NORTH - 100 * CELL).envelope
    drawn = picture(rasters, box, 3857, 256, 256, Look())
    assert drawn is not None
    seen = 0
    for (row, col), colour in COLOURS.items():
        for dr, dc in ((30, 30), (50, 70), (80, 40)):
            r, c = pixel_of(box, WEST + (col * 100 + dc) * CELL, NORTH - (row * 100 + dr) * CELL)
            if 0 <= r < 256 and 0 <= c < 256:
                # Green has a band that is 0 and is no hole: only where all bands are empty nothing is drawn.
                assert tuple(drawn[r, c]) == (*colour, 255)
                seen += 1
    assert seen >= 6
    r, c = pixel_of(box, WEST + 100 * CELL, NORTH - 100 * CELL)
    assert tuple(drawn[r, c]) == (0, 0, 0, 0)
    beyond = picture(rasters, tile_at(14, WEST - 0.2, NORTH).envelope, 3857, 256, 256, Look())
    assert beyond is None


def test_other_grids_show_the_same_place(tmp_path: Path) -> None:
    rasters = read(quarters(tmp_path / "q.tif"))
    degrees = (WEST + 20 * CELL, NORTH - 60 * CELL, WEST + 60 * CELL, NORTH - 20 * CELL)
    metres = transformer(4326, 4548).transform_bounds(*degrees)
    for box, srid in ((degrees, 4326), (degrees, 4490), (metres, 4548)):
        drawn = picture(rasters, box, srid, 64, 64, Look())
        assert drawn is not None and tuple(drawn[32, 32]) == (*COLOURS[0, 0], 255)


def test_bands_in_any_order(tmp_path: Path) -> None:
    rasters = read(quarters(tmp_path / "q.tif"))
    box = (WEST, NORTH - 80 * CELL, WEST + 80 * CELL, NORTH)
    red, green, blue = COLOURS[0, 0]
    for bands, wanted in (((3, 2, 1), (blue, green, red)), ((2,), (green,) * 3), ((1, 1, 3), (red, red, blue))):
        drawn = picture(rasters, box, 4326, 32, 32, Look(bands))
        assert drawn is not None and tuple(drawn[16, 16]) == (*wanted, 255)
    with pytest.raises(InvalidParameter, match="bands"):
        picture(rasters, box, 4326, 32, 32, Look((1, 2, 4)))


def test_numbers_are_stretched(tmp_path: Path) -> None:
    ramp = np.broadcast_to(np.arange(1000, dtype="uint16")[None, None, :] * 10, (1, 100, 1000)).copy()
    ramp[0, :, 0] = 65535
    rasters = read(write(tmp_path / "ramp.tif", ramp, "EPSG:4326", WEST, NORTH, CELL))
    box = (WEST, NORTH - 100 * CELL, WEST + 1000 * CELL, NORTH)
    drawn = picture(rasters, box, 4326, 1000, 100, Look(rescale=((2000, 6000),)))
    assert drawn is not None
    values = drawn[50, :, 0].astype(int)
    wanted = np.clip(np.round((np.arange(1000) * 10 - 2000) / 4000 * 255), 0, 255)
    assert np.abs(values[1:] - wanted[1:]).max() == 0
    # Without limits: 2nd and 98th percentile; the one wild value does not make all the rest black.
    usual = picture(rasters, box, 4326, 1000, 100, Look())
    assert usual is not None
    assert abs(int(usual[50, 500, 0]) - 127) <= 3 and usual[50, 10, 0] == 0 and usual[50, 990, 0] == 255


def test_floats_without_value_are_transparent(tmp_path: Path) -> None:
    cells = np.full((1, 100, 100), 5.5, dtype="float32")
    cells[0, 40:60, 40:60] = np.nan
    rasters = read(write(tmp_path / "nan.tif", cells, "EPSG:4326", WEST, NORTH, CELL, nodata=float("nan")))
    drawn = picture(rasters, (WEST, NORTH - 100 * CELL, WEST + 100 * CELL, NORTH), 4326, 100, 100, Look(rescale=((0, 11),)))
    assert drawn is not None
    assert drawn[50, 50, 3] == 0 and drawn[10, 10, 3] == 255 and abs(int(drawn[10, 10, 0]) - 128) <= 1


def test_overviews_answer_for_large_pixels(tmp_path: Path) -> None:
    path = write(tmp_path / "o.tif", np.full((1, 1024, 1024), 50, dtype="uint8"), "EPSG:4326", WEST, NORTH, CELL, (2, 4), tiled=True)
    with rasterio.open(path, "r+") as made:
        made.write(np.full((1, 1024, 1024), 200, dtype="uint8"))        # the overviews keep what was there before
    rasters = read(path)
    far = picture(rasters, (WEST, NORTH - 1000 * CELL, WEST + 1000 * CELL, NORTH), 4326, 250, 250, Look())
    near = picture(rasters, (WEST, NORTH - 250 * CELL, WEST + 250 * CELL, NORTH), 4326, 250, 250, Look())
    assert far is not None and near is not None
    assert (far[100, 100, 0], near[100, 100, 0]) == (50, 200)


def test_the_topmost_file_is_seen_and_the_next_where_it_is_empty(tmp_path: Path) -> None:
    below = write(tmp_path / "b.tif", np.full((3, 200, 200), 77, dtype="uint8"), "EPSG:4326", WEST, NORTH, CELL)
    drawn = picture(read(quarters(tmp_path / "q.tif"), below), (WEST, NORTH - 200 * CELL, WEST + 200 * CELL, NORTH), 4326, 200, 200, Look())
    assert drawn is not None
    assert tuple(drawn[100, 100]) == (77, 77, 77, 255) and tuple(drawn[30, 30]) == (*COLOURS[0, 0], 255)


def test_formats(tmp_path: Path) -> None:
    whole = np.dstack([np.full((64, 64), v, dtype="uint8") for v in (200, 100, 50, 255)])
    holed = whole.copy()
    holed[:32, :, 3] = 0
    kinds = {(form, name): encode(pixels, form) for name, pixels in (("whole", whole), ("holed", holed)) for form in (None, "png", "webp", "jpeg")}
    assert kinds[None, "whole"][1] == "image/jpeg" and kinds[None, "holed"][1] == "image/png"
    for (form, name), (body, media) in kinds.items():
        image = Image.open(io.BytesIO(body))
        assert media == f"image/{(image.format or '').lower()}" and (form is None or media.endswith(form))
        pixels = np.asarray(image.convert("RGBA"))
        assert np.abs(pixels[50, 50, :3].astype(int) - (200, 100, 50)).max() <= 3
        if name == "holed":
            assert tuple(pixels[10, 10])[3] == 0 or (media == "image/jpeg" and pixels[10, 10, :3].min() > 250)


@pytest.mark.data
@pytest.mark.parametrize("name", ["naip_nd_20100629", "naip_nd_20200831"])
def test_real_pictures_agree_with_a_plain_warp(shared_data: Path, name: str) -> None:
    rasters = read(shared_data / "imagery" / f"{name}.tif")
    e = rasters.files[0].envelope
    box = tile_at(15, (e[0] + e[2]) / 2, (e[1] + e[3]) / 2).envelope
    drawn = picture(rasters, box, 3857, 256, 256, Look((4, 1, 2)))
    with rasterio.open(rasters.files[0].path) as source:
        wanted, _ = reproject(source.read([4, 1, 2]), np.zeros((3, 256, 256), dtype="uint8"), src_transform=source.transform, src_crs=source.crs, src_nodata=0,
                              dst_transform=rasterio.transform.from_bounds(*box, 256, 256), dst_crs="EPSG:3857", resampling=Resampling.bilinear)
    assert drawn is not None
    off = np.abs(np.moveaxis(drawn[..., :3], -1, 0).astype(int) - wanted.astype(int))
    assert (off <= 2).mean() > 0.995
