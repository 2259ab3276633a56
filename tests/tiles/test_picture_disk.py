"""Pictures on disk: what is damaged there is drawn again, and a disk that is full keeps nobody from a map."""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from layers.access import OWNER
from layers.layer import Layer
from layers.query import ItemQuery
from layers.store import Store
from tests.layers.odd_layers import make, put
from tiles.cache import CachedTile, TileCache, TileKey, etag_of
from tiles.grid import WEB_MERCATOR_QUAD, TileAddress
from tiles.map_view import MapView
from tiles.mapnik_source import draw
from tiles.shared_store import Mark, SharedStore

NOW = datetime(2026, 6, 1, tzinfo=UTC)
HERE = TileAddress(16, 53957, 24830)


@pytest.fixture(scope="module")
def layer(store: Store) -> Layer:
    layer = make(store, "kept_pictures", "Polygon", symbology={"color": "#c03028"})
    west, south, east, north = HERE.reach(4326, -0.2) or (0, 0, 0, 0)
    put(store, layer, [{"fid": 1, "wkt": f"POLYGON(({west} {south},{east} {south},{east} {north},{west} {north},{west} {south}))"}])
    return layer


def opened(path: Path, pages: int | None = None) -> SharedStore:
    disk = SharedStore(path / "tiles.sqlite", 64 * 2**20, "", pages)
    disk.know([WEB_MERCATOR_QUAD], {"kept_pictures": 1})
    assert disk.open(Mark(5, "stamp", NOW), lambda seq: "stamp") is not None
    return disk


def picture(store: Store, layer: Layer, address: TileAddress = HERE) -> CachedTile:
    body = draw(store, [ItemQuery(layer, OWNER)], MapView(address.envelope, 3857, 256, 256)).body
    return CachedTile({"": body}, etag_of(body), 5, NOW + timedelta(days=3650), "image/png")


def key(address: TileAddress = HERE) -> TileKey:
    return TileKey(("kept_pictures",), address, "everybody", variant="png")


@pytest.mark.parametrize("harm", ["UPDATE tile SET body = zeroblob(length(body))", "UPDATE tile SET body = substr(body, 1, 40)"])
def test_a_damaged_picture_is_drawn_again(store: Store, layer: Layer, tmp_path: Path, caplog: pytest.LogCaptureFixture, harm: str) -> None:
    disk, drawn = opened(tmp_path), []

    def make_it() -> CachedTile:
        drawn.append(picture(store, layer))
        return drawn[-1]

    good = TileCache(seq=5, behind=disk).fill(key(), make_it, NOW).bodies
    again = TileCache(seq=5, behind=disk)
    assert again.fill(key(), make_it, NOW).bodies == good and len(drawn) == 1, "another process has it from the disk"
    with closing(sqlite3.connect(disk.path)) as other, other:
        other.execute(harm)
    with caplog.at_level(logging.WARNING):
        assert TileCache(seq=5, behind=disk).fill(key(), make_it, NOW).bodies == good and len(drawn) == 2
    assert "is not what was written" in caplog.text
    kept = disk.get(key())
    assert kept is not None and kept.bodies == good and kept.media_type == "image/png"
    disk.close()


def test_a_full_disk_keeps_nobody_from_a_map(store: Store, layer: Layer, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    disk = opened(tmp_path, pages=32)
    cache, good = TileCache(seq=5, behind=disk), picture(store, layer).bodies[""]
    with caplog.at_level(logging.WARNING):
        for x in range(200):
            address = TileAddress(HERE.z, HERE.x + x, HERE.y)
            body = cache.fill(key(address), lambda: CachedTile({"": good + bytes(2000)}, "e", 5, NOW + timedelta(days=3650), "image/png"), NOW).bodies[""]
            assert body.startswith(b"\x89PNG")
    assert disk.trouble and "full" in disk.trouble and caplog.text.count("tiles are kept in memory alone") == 1
    assert cache.fill(key(TileAddress(HERE.z, HERE.x, HERE.y + 1)), lambda: picture(store, layer, TileAddress(HERE.z, HERE.x, HERE.y + 1)), NOW).bodies[""]
    disk.close()
