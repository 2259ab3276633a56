"""`gis seed`: tiles made before anybody asks for them, for the service or as an archive to publish."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import click
import shapely
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from config.settings import Settings
from gisserver.identity import LAYERS, ROLES
from gisserver.ops.database import city_dsn
from gisserver.ops.operator import operator
from gisserver.ops.saying import Teller
from gisserver.publishing import Publication, check_archive, publish
from gisserver.tile_disk import edition, tile_disk
from gisserver.tile_lane import made_tile
from layers.access import OWNER, Audience, ensure_audience
from layers.audit import record
from layers.catalogue import Catalogue
from layers.cql2 import equals
from layers.errors import DefinitionChanged, InvalidParameter, UnknownLayer
from layers.features import rows
from layers.layer import Layer, read_layers
from layers.query import ItemQuery
from layers.roles import Roles, read_roles
from layers.store import Store
from tiles.cache import CachedTile, TileCache, TileKey
from tiles.expiry import Expiry
from tiles.grid import TileAddress, find_grid
from tiles.map_view import MapView
from tiles.mapnik_source import draw
from tiles.seeding import Area, Product, Seeding
from tiles.shared_store import SharedStore
from tiles.tile_keys import key_of
from tiles.vector_tiles import MEDIA_TYPE, min_zoom, render_all

__all__ = ["command"]

PNG = "image/png"
# Tiles are kept in the store on disk; in memory only to see what an edit touches.
MEMORY_BYTES = 32 * 2**20
ARCHIVE_BYTES = 2**46


@dataclass(frozen=True)
class Wanted:
    """What is to be seeded: for whom, which layers, and whether each has tiles of its own or all share one."""

    audience: Audience
    name: str
    layers: tuple[Layer, ...]
    together: bool
    kind: str

    @property
    def groups(self) -> list[tuple[Layer, ...]]:
        return [self.layers] if self.together else [(layer,) for layer in self.layers]

    @property
    def publication(self) -> Publication:
        return Publication(self.audience, self.name, self.layers, PNG if self.kind == "picture" else MEDIA_TYPE)


@click.command()
@click.option("--layers", metavar="A,B,…", help="Only these; otherwise all that the audience sees on maps.")
@click.option("--zoom", metavar="Z or Z-Z", default="8-16", show_default=True, help="Levels.")
@click.option("--bbox", metavar="MINX,MINY,MAXX,MAXY", help="Only tiles of this rectangle, in degrees; otherwise of the whole city.")
@click.option("--district", metavar="CODE", help="Only tiles of this district.")
@click.option("--grid", default="WebMercatorQuad", show_default=True, help="Tile matrix set.")
@click.option("--kind", type=click.Choice(["vector", "picture"]), default="vector", show_default=True, help="Vector tiles, or pictures (PNG).")
@click.option("--together", is_flag=True, help="One tile for all layers, as under /ogc/tiles, rather than one for each.")
@click.option("--role", help="For readers of this role; otherwise for the public.")
@click.option("--districts", metavar="A,B,…", help="The districts of such readers; otherwise all.")
@click.option("--to", "file", type=click.Path(dir_okay=False, path_type=Path), help="Into a PMTiles archive rather than for the service.")
@click.option("--confidential", is_flag=True, help="Make an archive also of what the public does not see.")
@click.option("--threads", type=click.IntRange(1, 64), default=os.cpu_count() or 1, show_default=True, help="Tiles made at once.")
@click.pass_obj
def command(settings: Settings, layers: str | None, zoom: str, bbox: str | None, district: str | None, grid: str, kind: str, together: bool,
            role: str | None, districts: str | None, file: Path | None, confidential: bool, threads: int) -> None:
    """Make tiles before anybody asks for them. 预先生成瓦片。

    What is there is not made again: the same command goes on where it was stopped or killed. The service may run and be edited meanwhile.
    """
    teller = Teller()
    store = Store(city_dsn(settings), max_connections=threads + 2)
    disk: SharedStore | None = None
    try:
        catalogue = Catalogue(store)
        roles = read_roles(ROLES, {**read_layers(LAYERS), **catalogue.layers})
        wanted = _wanted(store, catalogue, roles, layers, role, districts, together or file is not None, kind)
        if file is not None:
            check_archive(file, wanted.publication, _public(store, catalogue, roles), confidential, grid)
        disk = _disk(settings, store, wanted, file)
        area = _area(store, catalogue, zoom, bbox, district, grid)
        cache = TileCache(MEMORY_BYTES)
        expiry = Expiry(store, catalogue, cache, shared=disk)
        work = [(product, area) for product in _products(store, expiry, wanted)]
        total = sum(sum(1 for _ in area.addresses(product.min_zoom)) for product, area in work)
        begun, columns = time.monotonic(), (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
        with Progress(*columns, console=teller.console, transient=True) as progress:
            bar = progress.add_task(teller.text("tiles", "瓦片"), total=total)
            seeding = Seeding(disk, expiry, threads, lambda done, made: progress.update(bar, advance=done))
            there = seeding.run(work)
        minutes = max(time.monotonic() - begun, 1e-3) / 60
        teller.say(f"{there:,} of {total:,} tiles are there, {seeding.made:,} of them made now ({seeding.made / minutes:,.0f} a minute), "
                   f"as of changeset {cache.seq}",
                   f"共 {total:,} 个瓦片，已有 {there:,} 个，本次生成 {seeding.made:,} 个（每分钟 {seeding.made / minutes:,.0f} 个），截至变更集 {cache.seq}")
        if file is not None:
            count = publish(file, disk, work[0], wanted.publication, catalogue.city, cache.seq)
            record(store, operator(), "export", detail={"file": file.name, "layers": [layer.id for layer in wanted.layers],
                                                        "audience": wanted.name, "tiles": count})
            teller.say(f"{count:,} tiles written to {file}, for: {wanted.name}", f"已将 {count:,} 个瓦片写入 {file}，适用范围：{wanted.name}")
    finally:
        if disk is not None:
            disk.close()
        store.close()


def _wanted(store: Store, catalogue: Catalogue, roles: Roles, names: str | None, role: str | None, districts: str | None, together: bool,
            kind: str) -> Wanted:
    name = role or roles.public
    if name not in roles.roles:
        raise InvalidParameter("role", f"there is no role '{name}'; there are: {', '.join(roles.roles)}")
    within = tuple(part.strip() for part in districts.split(",")) if districts else None if role else ()
    audience = ensure_audience(store, catalogue.layers, roles.grants(catalogue.layers, [name], within))
    seen = {layer.id: layer for layer in catalogue.layers.values() if layer.kind == "spatial" and audience.may_read(layer.id)}
    chosen = [part.strip() for part in names.split(",")] if names else list(seen)
    for each in chosen:
        if each not in seen:
            raise UnknownLayer(each)
    # In the order of the catalogue, as the service asks for them.
    picked = tuple(layer for layer in seen.values() if layer.id in chosen)
    if kind == "picture" and any(not audience.sees_whole(layer.id) for layer in picked):
        raise InvalidParameter("kind", "pictures are not kept for readers who see rows of their districts alone; seed vector tiles")
    return Wanted(audience, name + (f" ({districts})" if districts else ""), picked, together, kind)


def _area(store: Store, catalogue: Catalogue, zoom: str, bbox: str | None, district: str | None, grid: str) -> Area:
    first, _, last = zoom.partition("-")
    if not (first.isdecimal() and (last or first).isdecimal() and int(first) <= int(last or first)):
        raise InvalidParameter("zoom", f"'{zoom}' is no level and no range of levels; write 14 or 8-16")
    found = find_grid(grid, catalogue.city)
    if int(last or first) > found.max_zoom:
        raise InvalidParameter("zoom", f"{found.id} ends with level {found.max_zoom}")
    envelope, shape = catalogue.city.extent, None
    if district is not None:
        shape = _district(store, catalogue, district)
        envelope = shape.bounds
    if bbox is not None:
        try:
            minx, miny, maxx, maxy = map(float, bbox.split(","))
        except ValueError:
            raise InvalidParameter("bbox", f"'{bbox}' is no rectangle; write four numbers: minx,miny,maxx,maxy") from None
        if minx >= maxx or miny >= maxy:
            raise InvalidParameter("bbox", "the first corner must lie south-west of the second")
        envelope = (max(minx, envelope[0]), max(miny, envelope[1]), min(maxx, envelope[2]), min(maxy, envelope[3]))
        if envelope[0] >= envelope[2] or envelope[1] >= envelope[3]:
            raise InvalidParameter("bbox", "the rectangle lies outside of the city or the district")
    return Area(found, envelope, int(first), int(last or first), shape)


def _district(store: Store, catalogue: Catalogue, code: str) -> shapely.Geometry:
    layer = catalogue.layer("district")
    query = ItemQuery(layer, OWNER, filter=equals(layer.field("district_code"), code), fields=(), limit=10)
    found = [shapely.from_wkt(row["geometry"]) for row in rows(store, query)]
    if not found:
        raise InvalidParameter("district", f"there is no district '{code}' now")
    return shapely.union_all(found)


def _products(store: Store, expiry: Expiry, wanted: Wanted) -> list[Product]:
    found = []
    for group in wanted.groups:
        queries = [ItemQuery(layer, wanted.audience) for layer in group]
        make = _vector(store, expiry, queries) if wanted.kind == "vector" else _picture(store, expiry, queries)
        found.append(Product("+".join(layer.id for layer in group), *make, min_zoom=min(map(min_zoom, group))))
    return found


def _standing(expiry: Expiry, queries: list[ItemQuery], make: Callable[[list[ItemQuery], int], CachedTile]) -> CachedTile:
    """Return a tile by the definitions that stand: a layer may be defined anew while its tiles are seeded."""
    catalogue = expiry.catalogue

    def refresh() -> None:
        catalogue.refresh()
        expiry.forget()

    return catalogue.by_standing(lambda version: make([replace(q, layer=catalogue.layer(q.layer.id)) for q in queries], version), refresh)


def _vector(store: Store, expiry: Expiry, queries: list[ItemQuery]) -> tuple[Callable[[TileAddress], TileKey], Callable[[TileAddress], CachedTile]]:
    def make(address: TileAddress, standing: list[ItemQuery], version: int) -> CachedTile:
        begun = datetime.now(UTC)
        tile = render_all(store, standing, address)
        if tile.definitions > version:
            raise DefinitionChanged
        return made_tile(tile.body, tile.seq, MEDIA_TYPE, begun)

    return lambda address: key_of(queries, address), lambda address: _standing(expiry, queries, partial(make, address))


def _picture(store: Store, expiry: Expiry, queries: list[ItemQuery]) -> tuple[Callable[[TileAddress], TileKey], Callable[[TileAddress], CachedTile]]:
    catalogue = expiry.catalogue

    def make(address: TileAddress, standing: list[ItemQuery], version: int) -> CachedTile:
        begun, side = datetime.now(UTC), address.grid.tile_px
        picture = draw(store, standing, MapView(address.envelope, address.grid.srid, side, side, 1), language=catalogue.city.languages[0])
        catalogue.require(version)
        return made_tile(picture.body, picture.seq, picture.media_type, begun)

    return (lambda address: replace(key_of(queries, address), variant="png")), lambda address: _standing(expiry, queries, partial(make, address))


def _disk(settings: Settings, store: Store, wanted: Wanted, file: Path | None) -> SharedStore:
    """Return where the tiles go: to the service's store, or to one beside the archive, which is its work in progress."""
    if file is not None:
        what = "/".join([wanted.kind, wanted.audience.fingerprint, *(layer.id for layer in wanted.layers)])
        return SharedStore(file.with_name(f"{file.name}.part"), ARCHIVE_BYTES, f"{edition()} {what}")
    disk = tile_disk(settings, store.dsn)
    if disk is None:
        raise InvalidParameter("GIS_TILE_CACHE_MB", "tiles on disk are turned off; set it, or seed an archive (--to)")
    return disk


def _public(store: Store, catalogue: Catalogue, roles: Roles) -> Audience:
    return ensure_audience(store, catalogue.layers, roles.grants(catalogue.layers, [roles.public], ()))
