"""Seeding: tiles made before anybody asks for them, into a store on disk.

What is there is not made again, so a seeding that was killed goes on where it was. Edits go on meanwhile: what they touch is dropped from
the store by the same expiry that the service lives by, and made again in the next pass; at the end every tile holds as of one changeset.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import batched

import shapely

from layers.errors import Unavailable
from tiles.cache import CachedTile, TileKey
from tiles.expiry import Expiry
from tiles.grid import Envelope, Grid, TileAddress
from tiles.shared_store import SharedStore

__all__ = ["Area", "Product", "Seeding"]

BATCH = 128
# What an edit touches while the rest is made is made again, so often at most.
PASSES = 8


@dataclass(frozen=True)
class Product:
    """A kind of tile that can be seeded: under what it is kept and how it is made. Both are called from several threads."""

    name: str
    key: Callable[[TileAddress], TileKey]
    make: Callable[[TileAddress], CachedTile]
    min_zoom: int = 0


@dataclass(frozen=True)
class Area:
    """The tiles of a grid, from one level to another, that meet an envelope in CRS84 and, where there is one, a shape in CRS84."""

    grid: Grid
    envelope: Envelope
    first: int
    last: int
    shape: shapely.Geometry | None = None

    def addresses(self, from_zoom: int = 0) -> Iterator[TileAddress]:
        """Yield the tiles, level by level, neighbours after each other."""
        shape = self.shape
        if shape is not None:
            shapely.prepare(shape)
        for z in range(max(self.first, from_zoom), self.last + 1):
            found = self.grid.limits(z, self.envelope)
            if found is None:
                continue
            for y in range(found.first_row, found.last_row + 1):
                row = range(found.first_column, found.last_column + 1)
                # There and back, so that the pages that PostgreSQL has at hand serve the next row too.
                for x in row if y % 2 else reversed(row):
                    address = TileAddress(z, x, y, self.grid)
                    if shape is None or _meets(shape, address):
                        yield address


@dataclass
class Seeding:
    """A seeding into a store on disk, by some threads.

    `expiry` is this process's own, with the store behind it; `told` hears how many more are done, and which of them had to be made.
    """

    target: SharedStore
    expiry: Expiry
    threads: int
    told: Callable[[int, int], None]
    made: int = 0

    def run(self, products: Iterable[tuple[Product, Area]]) -> int:
        """Make what is missing; return how many tiles are there now. Raises Unavailable where the disk does not take them."""
        wanted = list(products)
        with ThreadPoolExecutor(self.threads, "seed") as pool:
            for number in range(PASSES):
                missing = [self._seed(pool, product, area, number == 0) for product, area in wanted]
                if not any(missing):
                    break
        there = 0
        for product, area in wanted:
            there += sum(self.target.has(product.key(address)) for address in area.addresses(product.min_zoom))
        return there

    def _seed(self, pool: ThreadPoolExecutor, product: Product, area: Area, is_first: bool) -> int:
        """Make a product's missing tiles; return how many were missing."""
        missing = 0
        for batch in batched(area.addresses(product.min_zoom), BATCH):
            lacking = [address for address in batch if not self.target.has(product.key(address))]
            missing += len(lacking)
            if is_first:
                self.told(len(batch) - len(lacking), 0)
            tiles = list(pool.map(product.make, lacking))
            self._keep([(product.key(address), tile) for address, tile in zip(lacking, tiles, strict=True)])
            self.made += len(lacking)
            self.told(len(lacking) if is_first else 0, len(lacking))
        return missing

    def _keep(self, tiles: list[tuple[TileKey, CachedTile]]) -> None:
        if not tiles:
            return
        # What was edited since their snapshots is known then, and the cache tells which of them it touched; and what was made by a
        # definition that does not hold any more.
        self.expiry.catch_up()
        self.expiry.catalogue.refresh()
        self.expiry.forget()
        self.expiry.come_true()
        seq, now = self.expiry.cache.seq, datetime.now(UTC)
        good = [(key, tile) for key, tile in tiles if self.expiry.cache.put(key, tile, now)]
        self.target.put_all(good, seq)
        if self.target.trouble is not None:
            raise Unavailable(f"The tiles cannot be kept on disk: {self.target.trouble}.", f"瓦片无法写入磁盘：{self.target.trouble}。")


def _meets(shape: shapely.Geometry, address: TileAddress) -> bool:
    """Does a shape in CRS84 meet a tile? A tile of a bent grid is taken for the rectangle around it."""
    around = address.reach(4326, 0)
    return around is not None and bool(shapely.intersects(shape, shapely.box(*around)))
