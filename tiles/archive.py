"""Archives for publishing: the tiles of a store on disk as one PMTiles file, which any web server can give away.

An archive knows no reader. It is made for one audience, whose fingerprint its metadata names, and whoever has the file sees what that
audience sees.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from isal import isal_zlib
from pmtiles.reader import MmapSource, Reader
from pmtiles.tile import Compression, TileType, zxy_to_tileid
from pmtiles.writer import Writer

from tiles.cache import CachedTile
from tiles.grid import Envelope, TileAddress

__all__ = ["Described", "read_metadata", "write_archive"]

TYPES = {"application/vnd.mapbox-vector-tile": TileType.MVT, "image/png": TileType.PNG, "image/jpeg": TileType.JPEG, "image/webp": TileType.WEBP}
_GZIP_WINDOW = 31


@dataclass(frozen=True)
class Described:
    """What an archive says of itself: where it begins to be looked at, and its metadata (`vector_layers` and our own)."""

    extent: Envelope
    center: tuple[float, float]
    zoom: int
    metadata: dict[str, Any]


def write_archive(path: Path, addresses: Iterable[TileAddress], tile_at: Callable[[TileAddress], CachedTile | None], media_type: str,
                  described: Described) -> int:
    """Write tiles of WebMercatorQuad to a PMTiles file, which appears whole or not at all; return how many. Empty tiles are left out.

    Raises ValueError where there is none at all.
    """
    is_packed = TYPES[media_type] == TileType.MVT
    part = path.with_name(f"{path.name}.new")
    count = 0
    with part.open("wb") as file:
        writer = Writer(file)
        for address in sorted(addresses, key=_number):
            tile = tile_at(address)
            if tile is None or not tile.bodies[""]:
                continue
            body = tile.bodies[""]
            writer.write_tile(_number(address), _packed(tile) if is_packed else body)
            count += 1
        if not count:
            part.unlink()
            raise ValueError("all of its tiles are empty")
        minx, miny, maxx, maxy = (round(v * 1e7) for v in described.extent)
        writer.finalize({
            "tile_type": TYPES[media_type], "tile_compression": Compression.GZIP if is_packed else Compression.NONE,
            "min_lon_e7": minx, "min_lat_e7": miny, "max_lon_e7": maxx, "max_lat_e7": maxy, "center_zoom": described.zoom,
            "center_lon_e7": round(described.center[0] * 1e7), "center_lat_e7": round(described.center[1] * 1e7)}, described.metadata)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    return count


def read_metadata(path: Path) -> dict[str, Any]:
    """Return the metadata of an archive. Raises ValueError where the file is none."""
    with path.open("rb") as file:
        try:
            found: dict[str, Any] = Reader(MmapSource(file)).metadata()
        except Exception as error:
            raise ValueError(f"{path.name} is no PMTiles archive") from error
        return found


def _number(address: TileAddress) -> int:
    return int(zxy_to_tileid(address.z, address.x, address.y))


def _packed(tile: CachedTile) -> bytes:
    return tile.bodies.get("gzip") or isal_zlib.compress(tile.bodies[""], 1, _GZIP_WINDOW)
